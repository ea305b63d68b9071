"""The page about understanding by HTTP on both engines: figures, what to label, versions, and who may act."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bot.serving import ModelKeeper, ServingModel
from classifiers.registry import Classifier
from desk import messages, model_versions, shadow
from desk.office import Office
from models.access import OPERATOR, Role
from models.ports import Bus, Explains
from models.reading import Category, Evidence, Neighbour, Phrase, Reading, Registers
from models.teaching import VersionState
from tests.clock import JumpingClock
from tests.console.front import Front, front
from tests.desk.test_teaching import hear, would_say
from tests.lessons import ARTEFACT, SHIPPED, make_version

PATH = "/console/understanding"


@dataclass(frozen=True)
class Explaining:
    """The shipped model, which can also say why: by the words of two examples."""

    inner: Classifier = field(default_factory=lambda: Classifier(SHIPPED))

    @property
    def model(self) -> Any:
        """What it is."""
        return self.inner.model

    def read(self, text: str, registers: Registers) -> Reading:
        """As it does."""
        return self.inner.read(text, registers)

    def explain(self, text: str, registers: Registers) -> Evidence:
        """The two best guesses, and the examples that share a word."""
        best = sorted(self.read(text, registers).scores.items(), key=lambda pair: -pair[1])[:2]
        examples = (("my <b>card</b> was refused", Category.RFID), ("the plug is stuck", Category.FAULT))
        near = [
            Neighbour(words, category, 0.91) for words, category in examples if set(words.split()) & set(text.split())
        ]
        phrase = Phrase(text.rsplit(maxsplit=1)[-1], best[0][0], 0.4)
        return Evidence(tuple(best), tuple(near), (phrase,), "low_confidence", "m@1")


@pytest.fixture
def keeper(office: Office, bus: Bus, tmp_path: Path) -> ModelKeeper:
    """What the page asks about the model in service."""
    return ModelKeeper(office, bus, ServingModel(Classifier(SHIPPED)), tmp_path / "models")


@pytest.fixture
async def console(office: Office, clock: JumpingClock, keeper: ModelKeeper) -> AsyncIterator[Front]:
    """A console beside a model."""
    async with front(office, clock, keeper) as made:
        yield made


def pictures(page: str) -> list[ET.Element]:
    return [ET.fromstring(text) for text in re.findall(r"<svg xmlns.*?</svg>", page, re.DOTALL)]


async def doubtful(console: Front, number: int, text: str, **scores: float) -> int:
    best = Category(max(scores, key=lambda name: scores[name]))
    given = {Category(name): score for name, score in scores.items()}
    return await console.office.run(OPERATOR, hear, number, text, best, needs_review=True, scores=given)


async def test_the_shipped_models_figures_are_drawn_and_told(console: Front) -> None:
    desk = await console.signed_in(Role.OPS_AGENT)
    async with asyncio.timeout(60):
        while "Not measured yet" in (raw := (await desk.get(PATH)).text):
            await asyncio.sleep(0.2)
    assert SHIPPED.label in raw
    drawn = pictures(raw)
    assert [picture.get("aria-label") for picture in drawn] == [
        "What is taken for what", "Does its confidence hold?", "How much can it answer?",
    ]  # fmt: skip
    assert "style=" not in raw
    page = await desk.read(PATH)
    for part in ("Nothing was trained here yet", "Nothing wants a label", "Nobody has corrected", "Too few messages",
                 "Calibration error", "Dangers found"):  # fmt: skip
        assert part in page, part
    assert "Train a new version" not in page, "an agent looks and does not act"


async def test_uncertain_messages_wait_for_one_click(console: Front) -> None:
    torn = await doubtful(console, 11, "the <i>thing</i> with my card", rfid=0.41, billing=0.4, fault=0.1)
    for number in (12, 13):
        await doubtful(console, number, "HELLO there" if number == 12 else "hello there!", other=0.6, info=0.3)
    desk = await console.signed_in(Role.OPS_AGENT)
    raw = (await desk.get(PATH)).text
    assert "&lt;i&gt;thing&lt;/i&gt;" in raw
    page = await desk.read(PATH)
    assert page.index("with my card") < page.lower().index("hello there")
    assert page.lower().count("hello there") == 1
    assert "2 alike" in page
    answer = await desk.post(f"/console/requests/{torn}/category", category="billing", back=PATH)
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    assert "with my card" not in (await desk.read(PATH)).partition("Labelled differently")[0].partition("Worth")[2]
    away = await desk.post(f"/console/requests/{torn}/category", category="rfid", back="https://elsewhere.example/x")
    assert away.headers["location"] == f"/console/requests/{torn}"


async def test_corrected_messages_are_measured_and_quarrels_shown(console: Front, clock: JumpingClock) -> None:
    for number, (category, role) in enumerate(
        ((Category.INFO, Role.ADMIN), (Category.BILLING, Role.MANAGER), (Category.RFID, Role.DISPATCHER)), start=21
    ):
        text = "how much is it" if number < 23 else "my tag"
        key = await console.office.run(OPERATOR, hear, number, text, Category.INFO)
        await console.office.run(console.staff.actors[role], messages.correct, key, category)
    desk = await console.signed_in(Role.ADMIN)
    raw = (await desk.get(PATH)).text
    drawn = [picture.get("aria-label") for picture in pictures(raw)]
    assert drawn[-4:] == [
        "What is taken for what", "Does its confidence hold?", "How much can it answer?",
        "What people write about, by week",
    ]  # fmt: skip
    page = await desk.read(PATH)
    assert "3 messages" in page
    assert "Labelled differently" in page
    assert "Admin: Question" in page
    clock.set(clock.now() + timedelta(days=91))
    desk = await console.signed_in(Role.ADMIN)
    assert "Nobody has corrected" in await desk.read(PATH)


async def test_a_version_is_promoted_and_taken_back_by_a_manager(
    console: Front, keeper: ModelKeeper, tmp_path: Path
) -> None:
    good = await make_version(console.office, tmp_path / "models")
    poor = await make_version(console.office, tmp_path / "models", passed=False)
    desk = await console.signed_in(Role.MANAGER)
    page = await desk.read(PATH)
    assert "Better for sure: macro-F1 2.1 points more (95 % between 0.4 and 4)" in page
    assert "Not surely better" in page
    refused = await desk.post(f"{PATH}/{poor.id}/promote")
    assert refused.status_code == 409
    assert (await desk.post(f"{PATH}/{good.id}/promote")).status_code == 303
    await keeper.look()
    assert keeper.label == "team@1"
    page = await desk.read(PATH)
    assert "team@1 serves now." in page
    assert "Serves" in page
    forced = await desk.post(f"{PATH}/{poor.id}/promote", force="a trial on Sunday")
    assert forced.status_code == 303
    assert (await desk.post(f"{PATH}/rollback")).status_code == 303
    await keeper.look()
    assert keeper.label == "team@1"
    assert {"model.promoted", "model.rolled_back"} <= set(await console.audited())


async def test_a_version_that_cannot_serve_is_named(console: Front, keeper: ModelKeeper, tmp_path: Path) -> None:
    version = await make_version(console.office, tmp_path / "models")
    await console.office.run(OPERATOR, model_versions.promote, version.id, instead_of=ARTEFACT)
    (tmp_path / "models" / "team@1" / "model.npz").write_bytes(b"something else")
    await keeper.look()
    desk = await console.signed_in(Role.OPS_AGENT)
    page = await desk.read(PATH)
    assert "team@1 should serve and cannot" in page
    assert SHIPPED.label in page


async def test_training_is_asked_for_once_and_seen(console: Front) -> None:
    desk = await console.signed_in(Role.ADMIN)
    assert (await desk.post(f"{PATH}/train")).status_code == 303
    page = await desk.read(PATH)
    assert "team@1 is being trained" in page
    assert "In training" in page
    assert (await desk.post(f"{PATH}/train")).status_code == 409
    part = await desk.get(PATH, **{"hx-request": "true", "hx-target": "versions"})
    assert part.text.lstrip().startswith("<section")
    assert "In training" in part.text


async def test_the_shadow_shows_where_it_differs(console: Front, tmp_path: Path) -> None:
    version = await make_version(console.office, tmp_path / "models")
    desk = await console.signed_in(Role.ADMIN)
    assert (await desk.post(f"{PATH}/{version.id}/shadow")).status_code == 303
    key = await console.office.run(OPERATOR, hear, 31, "where is my invoice", Category.INFO)
    await console.office.run(OPERATOR, shadow.keep, version.id, [(key, would_say(Category.BILLING))])
    page = await desk.read(PATH)
    assert "Messages read: 1. The same category as was answered: 0." in page
    assert "where is my invoice" in page
    assert "Has read enough" not in page
    assert (await desk.post(f"{PATH}/shadow/off")).status_code == 303
    again = await console.office.read(OPERATOR, model_versions.by_id, version.id)
    assert again.state is VersionState.CANDIDATE


@pytest.mark.parametrize("language", ["si", "ta", "es"])
async def test_the_page_speaks_every_language(console: Front, tmp_path: Path, language: str) -> None:
    await make_version(console.office, tmp_path / "models")
    desk = await console.signed_in(Role.ADMIN)
    await desk.post("/console/me/language", language=language)
    page = await desk.read(PATH)
    assert "understanding." not in page.replace("live.model.", "")
    assert f'lang="{language}"' in page


# Evidence ---------------------------------------------------------------------------------------------------------


async def test_a_request_shows_why_it_was_read_so(
    office: Office, bus: Bus, clock: JumpingClock, tmp_path: Path
) -> None:
    reader = Explaining()
    assert isinstance(reader, Explains)
    keeper = ModelKeeper(office, bus, ServingModel(reader), tmp_path / "models")
    async with front(office, clock, keeper) as console:
        key = await doubtful(console, 41, "they took my card", rfid=0.41, billing=0.4, fault=0.1)
        desk = await console.signed_in(Role.OPS_AGENT)
        raw = (await desk.get(f"/console/requests/{key}")).text
        assert "my &lt;b&gt;card&lt;/b&gt; was refused" in raw
        page = await desk.read(f"/console/requests/{key}")
        for part in ("the model is not sure", "Nearest labelled messages", "91 %", "Words that spoke for it"):
            assert part in page, part
        guesses = re.findall(r'name="category" value="(\w+)"><button', raw)
        assert guesses == ["rfid", "billing"]
        answer = await desk.post(
            f"/console/requests/{key}/category", category="fault", urgency="safety", language="si-Latn", why="smoke"
        )
        assert answer.status_code == 303
        page = await desk.read(f"/console/requests/{key}")
        assert "Sinhala in Latin letters" in page
        for bad in ({"urgency": "soon"}, {"language": "xx"}, {"category": "info", "urgency": "safety"}):
            given = {"category": "fault", **bad}
            assert (await desk.post(f"/console/requests/{key}/category", **given)).status_code == 422, bad


async def test_a_model_that_cannot_say_why_shows_its_guesses_alone(
    console: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServingModel, "explain", lambda *_: None)
    key = await doubtful(console, 51, "they took my card", rfid=0.41, billing=0.4)
    desk = await console.signed_in(Role.OPS_AGENT)
    page = await desk.read(f"/console/requests/{key}")
    assert "Nearest labelled messages" not in page
    assert page.count('name="category" value="rfid"') == 1
