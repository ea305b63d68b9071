"""A version is promoted, taken back, tampered with and read along while people write; nobody waits for any of it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bot.teacher import Teacher
from classifiers.encoder import load_encoder
from desk import messages, model_versions, shadow
from desk.office import Office
from models.access import OPERATOR
from models.message import Direction, Message
from models.ports import Bus
from models.reading import Category
from models.teaching import ModelVersion, VersionState
from tests.desk.test_teaching import hear
from tests.lessons import ARTEFACT, SHIPPED, always, few_rows, make_version, older_release
from tests.world import World, world

ASKED = "what is the price per kWh?"


async def asks(here: World) -> str | None:
    """A driver asks something; the label of the model that read it."""
    ana = here.driver("+94771234567")
    await here.fast_forward(minutes=2)
    await ana.says(ASKED)
    await ana.hears(passing_s=20)
    newest = select(Message).where(Message.direction == Direction.INBOUND).order_by(Message.id.desc()).limit(1)
    [row] = await here.rows(newest)
    label: str | None = row.model
    return label


async def serves(here: World, label: str) -> None:
    """Wait until this process reads by that version, by real time: it looks by itself."""
    async with asyncio.timeout(15):
        while here.app.reader.label != label:
            await asyncio.sleep(0.05)


async def test_a_promotion_and_the_way_back_need_no_restart(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        office, folder = here.app.office, here.app.settings.models_dir
        assert await asks(here) == SHIPPED.label
        version = await make_version(office, folder)
        await office.run(OPERATOR, model_versions.promote, version.id, instead_of=ARTEFACT)
        await serves(here, "team@1")
        assert await asks(here) == "team@1"
        await here.restart()
        assert here.app.reader.label == "team@1", "before the first message is read"
        assert await asks(here) == "team@1"
        await here.app.office.run(OPERATOR, model_versions.roll_back)
        await serves(here, SHIPPED.label)
        assert await asks(here) == SHIPPED.label


async def test_a_folder_that_was_tampered_with_is_not_served(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        office, folder = here.app.office, here.app.settings.models_dir
        version = await make_version(office, folder)
        await office.run(OPERATOR, model_versions.promote, version.id, instead_of=ARTEFACT)
        await serves(here, "team@1")
        card = folder / "team@1" / "model.json"
        whole = card.read_text(encoding="utf-8")
        card.write_text(whole.replace('"heat": ', '"heat": 1'), encoding="utf-8")
        await here.restart()
        assert (here.app.reader.label, here.app.keeper.trouble) == (SHIPPED.label, "team@1")
        assert await asks(here) == SHIPPED.label
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{here.http}/readyz")).status_code == 200
        card.write_text(whole, encoding="utf-8")
        await here.clock.fast_forward(seconds=40)
        await serves(here, "team@1")
        assert here.app.keeper.trouble == ""


async def test_a_version_whose_encoder_went_with_an_upgrade_is_not_served(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(database_url, tmp_path) as here:
        office = here.app.office
        version = await make_version(office, here.app.settings.models_dir, older_release)
        await office.run(OPERATOR, model_versions.promote, version.id, instead_of=ARTEFACT)
        await here.app.keeper.look()
        assert (here.app.reader.label, here.app.keeper.trouble) == (SHIPPED.label, "team@1")
        assert "train the team's version again" in caplog.text
        assert await asks(here) == SHIPPED.label
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        load_encoder.cache_clear()
        await here.clock.fast_forward(seconds=40)
        await serves(here, "team@1")
        assert here.app.keeper.trouble == "", "without onnxruntime words alone decide in either model"


async def test_the_shadow_reads_along_and_changes_no_answer(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        office = here.app.office
        version = await make_version(office, here.app.settings.models_dir, always("complaint"), passed=False)
        await office.run(OPERATOR, model_versions.start_shadow, version.id)
        assert await asks(here) == SHIPPED.label

        def read(work: Any) -> Any:
            along = shadow.along(work, version.id)
            return along if along.read else None

        along = await here.until(read, moving=False)
        assert (along.read, along.agree) == (1, 0)
        assert (along.differ[0]["served"], along.differ[0]["category"]) == (Category.INFO, Category.COMPLAINT)


# The teacher ------------------------------------------------------------------------------------------------------


async def ended(office: Office, version: ModelVersion) -> ModelVersion:
    return await office.read(OPERATOR, model_versions.by_id, version.id)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_lesson_is_given_in_a_process_of_its_own(office: Office, bus: Bus, tmp_path: Path) -> None:
    for number, word in enumerate(("purple", "violet", "mauve"), start=1):
        key = await office.run(OPERATOR, hear, number, f"the flange is {word}", Category.INFO)
        await office.run(OPERATOR, messages.correct, key, Category.FAULT, "flanges are faults")
    asked, models = await office.run(OPERATOR, model_versions.ask_training), tmp_path / "models"
    teacher = asyncio.create_task(Teacher(office, bus, models, "node", few_rows(tmp_path)).tick())
    beats = 0
    while not teacher.done():
        await asyncio.sleep(0.05)
        beats += 1
    await teacher
    version = await ended(office, asked)
    assert version.state in (VersionState.CANDIDATE, VersionState.REFUSED), version.error
    assert version.verdict is not None
    assert version.figures is not None
    assert "confusion" in version.figures
    assert version.rows > 0
    assert os.listdir(models) == ["team@1"]
    assert beats > 20, "the loop that answers people went on meanwhile"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_lesson_that_is_killed_leaves_no_model_and_nothing_that_people_wrote(
    office: Office, bus: Bus, tmp_path: Path
) -> None:
    asked = await office.run(OPERATOR, model_versions.ask_training)
    models = tmp_path / "models"
    teacher = Teacher(office, bus, models, "node")
    lesson = asyncio.create_task(teacher.tick())
    async with asyncio.timeout(60):
        while not list(models.glob(".lesson-*")):
            await asyncio.sleep(0.05)
    [process] = multiprocessing.active_children()
    process.kill()
    await lesson
    version = await ended(office, asked)
    assert (version.state, version.error) == (VersionState.FAILED, "its process died")
    running = asyncio.create_task(teacher.run())
    async with asyncio.timeout(10):
        while list(models.iterdir()):
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
