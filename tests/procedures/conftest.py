"""A bench for procedures: a scripted charger, the real clerk and runners, a real database, a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.wiring.orders import OrderClerk, OrderRunner
from desk import chargers, runs
from desk.office import Office
from desk.work import Work
from integrations.bus import LocalBus
from models.access import ASSISTANT, OPERATOR, Actor
from models.charger import RunKind, RunResult
from models.ports import Chargers
from procedures.patience import Patience
from procedures.runner import ProcedureRunner
from tests.clock import JumpingClock
from tests.fakes.station import Station

QUICK = Patience(
    trigger_s=1, unavailable_s=1, verify_s=3, nudge_s=1.5, stable_s=2, disconnect_s=3, reconnect_s=6, begin_s=4,
    stop_s=2, grid_s=6, grid_poll_s=2, poll_s=0.5, lease_s=6, debt_s=1,
)  # fmt: skip


@dataclass
class Bench:
    office: Office
    clock: JumpingClock
    bus: LocalBus
    station: Station
    clerk: OrderClerk
    runner: ProcedureRunner
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def new_runner(self, node: str, chargers_: Chargers | None = None) -> ProcedureRunner:
        """Another worker, as after a crash."""
        return ProcedureRunner(self.office, chargers_ or self.clerk, self.clock, self.bus, node, patience=QUICK)

    def work(self, runner: ProcedureRunner) -> asyncio.Task[None]:
        """Let a worker work until the test ends."""
        task = asyncio.create_task(runner.run())
        self.tasks.append(task)
        return task

    async def start(self, kind: RunKind = RunKind.CLEAR_FAULT, *, actor: Actor = ASSISTANT, **more: Any) -> int:
        """Ask for a procedure."""
        run = await self.office.run(actor, runs.start, kind, "100001", **more)
        return run.id

    async def passes(self, seconds: float) -> None:
        """Virtual time, in small steps, with real time for the database at each."""
        for _ in range(round(seconds * 2)):
            await self.clock.fast_forward(seconds=0.5)
            for _ in range(2):
                await self.office.run(OPERATOR, _nothing)
                await self.office.read(OPERATOR, _nothing)
                await asyncio.sleep(0.005)

    async def ended(self, run_id: int, within_s: float = 120) -> dict[str, Any]:
        """The run, once it has ended."""
        for _ in range(round(within_s)):
            run = await self.office.read(OPERATOR, runs.get, run_id)
            if run["state"] == "ended":
                return run
            await self.passes(1)
        raise AssertionError(f"still at {run['step']}: {run['steps']}")

    async def outcome(self, kind: RunKind = RunKind.CLEAR_FAULT, **more: Any) -> tuple[RunResult, dict[str, Any]]:
        """Ask for a procedure and see how it ends."""
        run = await self.ended(await self.start(kind, **more))
        return RunResult(run["result"]), run


def _nothing(work: Work) -> None:
    """Wait for what was before."""


@pytest.fixture
async def bench(office: Office, clock: JumpingClock, bus: LocalBus) -> AsyncIterator[Bench]:
    await office.run(OPERATOR, chargers.add, "100001", name="Galle Face 1", connector_count=1)
    station = Station(office, clock)
    clerk = OrderClerk(office, bus, clock)
    orders = OrderRunner(office, station, clock, bus, office.house.node)
    bench = Bench(office, clock, bus, station, clerk, ProcedureRunner(
        office, clerk, clock, bus, "first", patience=QUICK
    ))  # fmt: skip
    sending = asyncio.create_task(orders.run())
    await station.arrive()
    bench.work(bench.runner)
    yield bench
    await bench.runner.stop()
    await orders.stop()
    for task in (*bench.tasks, sending):
        task.cancel()
    await asyncio.gather(*bench.tasks, sending, return_exceptions=True)
    await station.settle()
