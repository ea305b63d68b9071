"""Killing for longer than a test may: a stream of webhooks, then remedies, over many kill -9, and what came of it.

KILL_ROUNDS (default 3), KILL_EACH kills a round (default 8), KILL_SEED, and KILL_REAL=1 for `python -m bot run` with
its real leases and patience instead of short ones.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.databases import new_database
from benchmarks.report import Finding, show
from tests.kill import books
from tests.kill.hasty import TrappedTwilio
from tests.kill.product import FAST, PUBLIC_URL, Product
from tests.kill.stream import Stream, torment

WRITERS = 4
REAL = (sys.executable, "-m", "bot", "run")
REAL_DRAIN_S = 300.0


def run(databases: dict[str, str]) -> None:
    """On each engine; an AssertionError names what was promised and is not so, with the seed above it."""
    rounds, kills = int(os.environ.get("KILL_ROUNDS", "3")), int(os.environ.get("KILL_EACH", "8"))
    seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1_000_000))
    real = os.environ.get("KILL_REAL") == "1"
    findings: list[Finding] = []
    for name, url in databases.items():
        for number in range(rounds):
            print(f"{name}, round {number + 1} of {rounds}, KILL_SEED={seed + number}", flush=True)
            findings += asyncio.run(_round(name, url, random.Random(seed + number), kills, real=real))
    show(f"Killed {kills} times a round while {WRITERS} people write, {'real' if real else 'short'} leases", findings)


async def _round(name: str, url: str, rng: random.Random, kills: int, *, real: bool) -> list[Finding]:
    with tempfile.TemporaryDirectory(prefix="chargehand-kill-") as folder:
        fresh = f"sqlite:///{folder}/chargehand.db" if url.startswith("sqlite") else new_database(url)
        async with TrappedTwilio(rng) as twilio:
            product = Product(
                fresh, Path(folder), twilio, command=REAL if real else FAST,
                ready_word="Chargehand is running" if real else "READY",
            )  # fmt: skip
            twilio.connect(PUBLIC_URL, deliver_to=product.http)
            try:
                return await _torment(
                    name, product, twilio, rng, kills, drain_s=REAL_DRAIN_S if real else books.DRAIN_S
                )
            except BaseException:
                print(product.tail())
                raise
            finally:
                product.stop()


async def _torment(
    name: str, product: Product, twilio: TrappedTwilio, rng: random.Random, kills: int, *, drain_s: float
) -> list[Finding]:
    stream, enough = Stream(twilio, rng), asyncio.Event()
    began = time.monotonic()
    async with asyncio.timeout(60 + 30 * kills), asyncio.TaskGroup() as group:
        group.create_task(stream.run(WRITERS, enough))
        await torment(product, twilio, rng, kills)
        enough.set()
    stopped = time.monotonic()
    await books.drained(product.database_url, twilio, drain_s)
    settled_s = time.monotonic() - stopped
    figures = books.check(product.database_url, twilio, stream)
    print(f"  {product.kills} kills, {stream.refusals} calls without a 200: {figures.line()}", flush=True)
    lost = figures.acknowledged - figures.inbound
    return [
        Finding(f"{name}: acknowledged messages", figures.acknowledged, note=f"{stopped - began:.0f} s of kills"),
        Finding(f"{name}: of these lost", lost, at_most=0),
        Finding(f"{name}: replies taken twice", figures.taken_twice, at_most=figures.repeated, note="all marked"),
        Finding(f"{name}: replies marked as repeated", figures.repeated, note=f"of {figures.sent} sent"),
        Finding(f"{name}: settled after the last start", settled_s, "s"),
    ]
