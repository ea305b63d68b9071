"""Messages through the whole pipeline, inbox to sent reply, beside what its five transactions cost when empty.

A message is claimed, taken in, settled, its reply is claimed and recorded: five durable transactions.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from pathlib import Path

from benchmarks.report import Finding, median, show, spread
from bot.app import App
from bot.clock import SystemClock
from bot.receive import LANES
from bot.settings import from_mapping
from classifiers.registry import load as load_classifier
from desk import inbox, outbox
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import ASSISTANT
from models.audit import Meta
from models.inbox import InboxRow
from models.reading import Registers

MESSAGES = 400
PEOPLE = 100
ROUNDS = 5
TEXTS = (
    "hello there",
    "how much is a kWh at Liberty Plaza",
    "where is the nearest fast charger in Galle",
    "thank you very much",
    "what are your opening hours",
)


def run(databases: dict[str, str]) -> None:
    """Interleaved rounds: reading alone, and on each engine the empty transactions, then the pipeline."""
    alone: list[float] = []
    empty: dict[str, list[float]] = {name: [] for name in databases}
    through: dict[str, list[float]] = {name: [] for name in databases}
    classifier = load_classifier()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for number in range(MESSAGES):
            classifier.read(f"{TEXTS[number % len(TEXTS)]} {number}", Registers())
        alone.append(MESSAGES / (time.perf_counter() - began))
        for name, url in databases.items():
            empty[name].append(asyncio.run(_transactions(url)))
            through[name].append(asyncio.run(_pipeline(url)))
    findings = [Finding("reading alone, one thread", median(alone), "/s", note=spread(alone))]
    for name, rates in through.items():
        ratios = [rate / limit for rate, limit in zip(rates, empty[name], strict=True)]
        findings += [
            Finding(f"{name}: five empty transactions a message", median(empty[name]), "/s", note=spread(empty[name])),
            Finding(f"{name}: webhook row to sent reply", median(rates), "/s", note=spread(rates)),
            Finding(f"{name}: ratio to the empty transactions", median(ratios), at_least=0.1, note=spread(ratios)),
        ]
    show(f"Whole pipeline, {MESSAGES} messages of {PEOPLE} people, {ROUNDS} rounds", findings)


async def _transactions(url: str) -> float:
    office = Office(url, clock=SystemClock(), bus=LocalBus(), house=House())
    hands = asyncio.Semaphore(LANES)

    async def message() -> None:
        async with hands:
            for _ in range(5):
                await office.run(ASSISTANT, _touch)

    try:
        began = time.perf_counter()
        await asyncio.gather(*(message() for _ in range(MESSAGES)))
        return MESSAGES / (time.perf_counter() - began)
    finally:
        office.close()


def _touch(work: Work) -> None:
    work.session.add(Meta(key=secrets.token_hex(16), value=""))


async def _pipeline(url: str) -> float:
    with tempfile.TemporaryDirectory(prefix="chargehand-bench-") as folder:
        given = {"DATABASE_URL": url, "DATA_DIR": folder, "OCPP_PORT": "0", "HTTP_PORT": "0", "SECRET_KEY": "b" * 40}
        settings = from_mapping({f"CHARGEHAND_{name}": value for name, value in given.items()}, root=Path(folder))
        app = App(settings, roles=frozenset({"worker"}), metronome=False)
        try:
            rows = _rows()
            await asyncio.gather(*(app.office.put(row) for row in rows))
            began = time.perf_counter()
            await app.start()
            await _drained(app)
            return len(rows) / (time.perf_counter() - began)
        finally:
            await app.stop()


def _rows() -> list[InboxRow]:
    run_id = secrets.token_hex(6)
    rows = []
    for number in range(MESSAGES):
        session = f"{run_id}{number % PEOPLE:020d}"
        raw = {
            "type": "say", "session": session, "id": f"m{number:07d}", "language": "en",
            "text": f"{TEXTS[number % len(TEXTS)]} {number}",
        }  # fmt: skip
        rows.append(InboxRow("web", "site", f"{session}:m{number:07d}", f"web:site:{session}", raw))
    return rows


def _left(work: Work) -> int:
    return inbox.depth(work).waiting + outbox.depth(work)[0]


async def _drained(app: App) -> None:
    while await app.office.read(ASSISTANT, _left):
        await asyncio.sleep(0.02)
