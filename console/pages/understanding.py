"""How well the assistant understands: the model's figures, what people write about, what to label, which version."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from classifiers import drift, plots
from classifiers.figures import Bin, Said, measured
from classifiers.team_rows import choose
from classifiers.worth_labelling import rank
from console import verdict
from console.pages.page import Visit, page
from desk import model_versions, understanding
from desk.teaching import Uncertain
from models.access import Permission
from models.reading import Category
from models.teaching import Labelled, VersionState

PATH = "/console/understanding"
REAL_FOR = timedelta(days=90)
QUEUE = 20
QUARRELS = 20
CATEGORIES = tuple(category.value for category in Category)
MAY_SERVE = frozenset({VersionState.CANDIDATE, VersionState.REFUSED, VersionState.SHADOW, VersionState.RETIRED})


# Looking ----------------------------------------------------------------------------------------------------------


@page(PATH, needs=Permission.CORRECT_MESSAGES)
async def show(visit: Visit) -> Response:
    """All of it."""
    parts = await visit.desk.read(understanding.look)
    serving, model = parts["serving"], visit.house.model
    told = serving.figures if serving is not None and not model.trouble else model.figures()
    drawn = await asyncio.to_thread(_drawn, visit, parts, told or {})
    return visit.render(
        "understanding/page.html", **{**parts, **drawn}, label=model.label, artefact=model.artefact,
        trouble=model.trouble, may_serve=MAY_SERVE,
        reasons=verdict.lines, categories=CATEGORIES, path=PATH,
    )  # fmt: skip


def _drawn(visit: Visit, parts: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """What takes a moment to work out: not on the loop that answers everybody."""
    labelled: list[Labelled] = parts["labelled"]
    real = [one for one in labelled if one.at >= visit.now() - REAL_FOR and one.was and one.confidence is not None]
    pairs = [Said(one.category.value, str(one.was), one.confidence or 0.0) for one in real]
    return {
        "frozen": _figures(visit, told),
        "real": _figures(visit, measured(pairs)) if pairs else None,
        "quarrels": choose(labelled, visit.now()).quarrels[:QUARRELS],
        "queue": [_waits(one, count) for one, count in rank(parts["uncertain"], QUEUE)],
        "drifted": _drift(visit, parts["weeks"]),
    }


@dataclass(frozen=True)
class Figures:
    """Figures with their pictures."""

    told: dict[str, Any]
    confusion: Markup
    calibration: Markup
    coverage: Markup


def _figures(visit: Visit, told: dict[str, Any]) -> Figures | None:
    if "confusion" not in told:
        return None
    say, table = visit.say, told["confusion"]
    ordered = [name for name in CATEGORIES if name in table]
    return Figures(
        told,
        _svg(plots.confusion_svg(
            {truth: {said: table[truth].get(said, 0) for said in ordered} for truth in ordered},
            title=say("understanding.confusion"), said=say("understanding.said"), truth=say("understanding.truth"),
            words=_category_words(visit),
        )),
        _svg(plots.calibration_svg(
            [Bin(**one) for one in told["calibration"]], title=say("understanding.calibration"),
            stated=say("understanding.stated"), right=say("understanding.right"),
        )),
        _svg(plots.coverage_svg(
            [(share, precision) for share, precision in told["coverage"]], title=say("understanding.coverage"),
            kept=say("understanding.kept"), right=say("understanding.right"),
        )),
    )  # fmt: skip


def _svg(text: str) -> Markup:
    """Drawn by classifiers/plots.py, which escapes every word in it."""
    return Markup(text)  # noqa: S704


def _category_words(visit: Visit) -> dict[str, str]:
    return {name: visit.say(f"category.{name}") for name in CATEGORIES}


def _drift(visit: Visit, weeks: dict[str, Any]) -> dict[str, Any]:
    """Shares by week, and whether the last one differs from those before."""
    counts: dict[str, list[int]] = weeks["counts"]
    totals = [sum(column) for column in zip(*counts.values(), strict=True)]
    shares = {
        name: [count / total if total else 0.0 for count, total in zip(values, totals, strict=True)]
        for name, values in counts.items()
    }
    found = drift.compare(
        {name: sum(values[:-1]) for name, values in counts.items()},
        {name: values[-1] for name, values in counts.items()},
    )
    picture = plots.lines_svg(
        shares, [start[5:] for start in weeks["weeks"]], title=visit.say("understanding.drift"),
        words=_category_words(visit),
    )  # fmt: skip
    return {"found": found, "picture": _svg(picture), "totals": totals, "any": any(totals)}


@dataclass(frozen=True)
class Waits:
    """A message worth labelling: its two best guesses, and how many read like it."""

    message_id: int
    text: str
    received_at: datetime
    guesses: Sequence[tuple[str, float]]
    count: int


def _waits(one: Uncertain, count: int) -> Waits:
    best = sorted(one.scores.items(), key=lambda pair: -pair[1])
    known = [(name, score) for name, score in best if name in CATEGORIES]
    return Waits(one.message_id, one.text, one.received_at, known[:2], count)


# Acting -----------------------------------------------------------------------------------------------------------


@page(PATH + "/train", needs=Permission.MANAGE_MODEL, methods=("POST",))
async def train(visit: Visit) -> Response:
    """A candidate shall be trained; it takes a minute elsewhere."""
    version = await visit.desk.run(model_versions.ask_training)
    return visit.see_other(PATH, "understanding.asked", label=version.label)


@page(PATH + "/{version_id:int}/promote", needs=Permission.MANAGE_MODEL, methods=("POST",))
async def promote(visit: Visit) -> Response:
    """Let a version serve; against its verdict only with a reason."""
    form = await visit.form()
    version = await visit.desk.run(
        model_versions.promote, visit.key("version_id"), instead_of=visit.house.model.artefact,
        force=form.text("force", most=500),
    )  # fmt: skip
    return visit.see_other(PATH, "understanding.promoted", label=version.label)


@page(PATH + "/rollback", needs=Permission.MANAGE_MODEL, methods=("POST",))
async def rollback(visit: Visit) -> Response:
    """What served before serves again."""
    before = await visit.desk.run(model_versions.roll_back)
    label = before.label if before is not None else {"$code": "understanding.shipped"}
    return visit.see_other(PATH, "understanding.promoted", label=label)


@page(PATH + "/{version_id:int}/shadow", needs=Permission.MANAGE_MODEL, methods=("POST",))
async def shadow(visit: Visit) -> Response:
    """Let a version read along."""
    version = await visit.desk.run(model_versions.start_shadow, visit.key("version_id"))
    return visit.see_other(PATH, "understanding.shadowed", label=version.label)


@page(PATH + "/shadow/off", needs=Permission.MANAGE_MODEL, methods=("POST",))
async def shadow_off(visit: Visit) -> Response:
    """Nobody reads along any more."""
    await visit.desk.run(model_versions.stop_shadow)
    return visit.see_other(PATH, "understanding.shadow_off")


PAGES = (show, train, promote, rollback, shadow, shadow_off)
