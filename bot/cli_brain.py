"""`brain check` and `brain fit-endpoint`: what another brain is worth, before it is trusted with anything."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot import settings
from bot.brain import Serving, own, serving
from bot.cli import FAILED, OK, Trouble
from bot.second_opinion import endpoint_settings
from bot.settings import PREFIX, Settings
from classifiers.brains import agreement
from classifiers.brains.endpoint import Endpoint, EndpointSettings, NoOpinion
from classifiers.dataset import Row, read_rows
from console.verdict import sentences
from desk.redaction import redact
from models.reading import Category, Reading, Registers, Urgency

if TYPE_CHECKING:
    from classifiers.brains.check import Checked

AT_ONCE = 4
ENOUGH_FAILURES = 10


def check(given: argparse.Namespace) -> int:
    """Calibrate a transformers model, judge it, and keep the verdict."""
    from classifiers.brains import check as checks  # noqa: PLC0415 - imports numpy
    from classifiers.brains.local import read_labels  # noqa: PLC0415

    chosen = settings.load()
    labels = read_labels(given.labels) if given.labels is not None else None
    checked = checks.run(given.name, read_rows(given.data), own(chosen), chosen.brains_dir, labels=labels)
    print(_told(checked, checks.place_of(checked.name, chosen.brains_dir)))
    if not checked.verdict.passed:
        return FAILED
    print(f"It serves with {PREFIX}CLASSIFIER_BRAIN={checked.name}")
    return OK


def _told(checked: Checked, path: Path) -> str:
    """What was looked at, on which messages, and what came of it."""
    verdict = checked.verdict
    judged = verdict.frozen_rows + verdict.newest_rows
    reasons = [f"  {'+' if good else '-'} {said}" for good, said in sentences(verdict.as_json(), "en")]
    return "\n".join([
        f"{checked.name}: {'passed' if verdict.passed else 'did not pass'}, kept in {path}",
        f"  calibrated on {checked.rows - judged} messages: temperature {checked.calibration.temperature:.3f}; "
        f"{len(checked.files)} files",
        f"  judged on {judged} others: {checked.right} read rightly, {checked.own_right} by {verdict.serving}",
        *reasons,
    ])  # fmt: skip


def fit_endpoint(given: argparse.Namespace) -> None:
    """Ask the endpoint about labelled messages and fit what its word is worth."""
    chosen = settings.load()
    asked = endpoint_settings(chosen)
    if asked is None:
        raise Trouble(f"set {PREFIX}SECOND_OPINION_URL and {PREFIX}SECOND_OPINION_MODEL first")
    brain = serving(chosen)
    rows = _doubtful(read_rows(given.data), brain, _registers(chosen))[: given.limit]
    print(f"{len(rows)} messages that want a human go to {asked.model}, without personal data", file=sys.stderr)
    opinions = asyncio.run(_ask(asked, rows, _registers(chosen)))
    try:
        fitted = agreement.fit(opinions, url=asked.url, model=asked.model, local=brain.label, limits=brain.limits)
    except ValueError as error:
        raise Trouble(f"{given.data}: {error}") from None
    agreement.write(fitted, chosen.agreement_file)
    right = sum(one.said is one.truth for one in opinions)
    print(
        f"{asked.model}: {right} of {fitted.rows} right; scale {fitted.scale}, kept in {chosen.agreement_file}\n"
        f"where both agree surely enough {fitted.answered} would need no human, {fitted.answered_right} of them rightly"
    )


def _registers(chosen: Settings) -> Registers:
    return Registers(default_region=chosen.default_region, currency=chosen.currency)


def _doubtful(rows: Sequence[Row], brain: Serving, registers: Registers) -> list[tuple[Row, Reading]]:
    """Those that would be put to the endpoint in service."""
    known = [row for row in rows if row.category in set(Category)]
    read = [(row, brain.reader.read(redact(row.text), registers)) for row in known]
    return [(row, one) for row, one in read if one.needs_review and one.urgency is not Urgency.SAFETY]


async def _ask(
    chosen: EndpointSettings, rows: Sequence[tuple[Row, Reading]], registers: Registers
) -> list[agreement.Asked]:  # fmt: skip
    endpoint, hands = Endpoint(chosen), asyncio.Semaphore(AT_ONCE)
    causes: Counter[str] = Counter()
    found: list[agreement.Asked] = []

    async def one(row: Row, reading: Reading) -> None:
        async with hands:
            if causes.total() >= ENOUGH_FAILURES and not found:
                return
            try:
                opinion = await endpoint.ask(redact(row.text), registers)
            except NoOpinion as trouble:
                causes[trouble.cause] += 1
                return
            found.append(agreement.Asked(reading.scores, opinion.category, Category(row.category)))

    try:
        await asyncio.gather(*(one(row, reading) for row, reading in rows))
    finally:
        await endpoint.close()
    if causes:
        shown = ", ".join(f"{cause} ({count})" for cause, count in causes.most_common())
        print(f"without an answer: {shown}", file=sys.stderr)
    return found
