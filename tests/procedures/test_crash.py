"""A worker dies at any step: what it took out is put back, nothing is sent twice, and the end is what can be seen."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from desk import charger_state, chargers, orders, run_steps
from desk.run_steps import LeaseLost
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Actor, charger_actor
from models.charger import Charger, OrderKind, OrderOutcome, RunKind
from models.ports import Order, OrderAnswer
from procedures.run import Run
from procedures.runner import ProcedureRunner
from tests.fakes.station import REJECTED
from tests.procedures.conftest import Bench


class Mortal:
    """Fits models.ports.Chargers; takes the worker with it at its n-th order, before or after that was sent."""

    def __init__(self, bench: Bench, dies_at: int, *, after: bool) -> None:
        self.bench, self.dies_at, self.after = bench, dies_at, after
        self.count = 0
        self.died = asyncio.Event()
        self.runner: ProcedureRunner | None = None

    async def order(
        self, charger_id: str, kind: OrderKind, args: dict[str, Any], *, run_id: int | None = None,
        actor: Actor | None = None,
    ) -> OrderAnswer:  # fmt: skip
        """An order, or the end."""
        self.count += 1
        if self.count != self.dies_at:
            return await self.bench.clerk.order(charger_id, kind, args, run_id=run_id)
        if self.after:
            await self.bench.clerk.order(charger_id, kind, args, run_id=run_id)
        self._kill()
        await asyncio.Event().wait()
        raise AssertionError

    def _kill(self) -> None:
        """As kill -9 does: no last words. What the dead worker held stays held in its name."""
        assert self.runner is not None
        self.runner._leave = _no_last_words  # type: ignore[method-assign]
        for task in [*self.runner._tasks.values(), *self.bench.tasks]:
            task.cancel()
        self.died.set()


async def _no_last_words(run: Run) -> None:
    """A killed process puts nothing back."""


async def _crash(bench: Bench, dies_at: int, *, after: bool, kind: RunKind = RunKind.CLEAR_FAULT, **more: Any) -> int:
    await bench.runner.stop()
    mortal = Mortal(bench, dies_at, after=after)
    mortal.runner = bench.new_runner("mortal", mortal)
    bench.work(mortal.runner)
    run_id = await bench.start(kind, **more)
    for _ in range(60):
        if mortal.died.is_set():
            break
        await bench.passes(0.5)
    assert mortal.died.is_set()
    await asyncio.gather(*bench.tasks, return_exceptions=True)
    bench.work(bench.new_runner("heir"))
    return run_id


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", [1, 2, 3, 4, 5])
async def test_whatever_the_step_nothing_stays_inoperative_and_nothing_is_sent_twice(
    bench: Bench, dies_at: int, after: bool
) -> None:
    """The orders of a hard fault: refresh, inoperative, operative, (nudge or) reset, and what follows."""
    station = bench.station
    if dies_at == 5:
        station.speaks = False  # a nudge comes between
    run_id = await _crash(bench, dies_at, after=after)
    run = await bench.ended(run_id)
    await bench.passes(3)
    assert run["result"] == "UNKNOWN"
    assert station.operative == {1: True}
    assert len([one for one in station.sent(OrderKind.SET_AVAILABILITY) if not one.args["operative"]]) <= 1
    assert len(station.sent(OrderKind.RESET)) <= 1
    assert len({one.id for one in station.calls}) == len(station.calls)
    assert await bench.office.read(OPERATOR, run_steps.owed, run_id) == []
    died_at = next(n for n, step in enumerate(run["steps"]) if step["step"] == "reap")
    assert {step.get("order") for step in run["steps"][died_at:]} <= {None, "trigger_status"}


async def test_a_crash_after_a_cure_is_verified_and_ends_as_cleared(bench: Bench) -> None:
    bench.station.cleared_by = frozenset({"cycle"})
    run_id = await _crash(bench, 3, after=True)
    run = await bench.ended(run_id)
    assert run["result"] == "CLEARED"
    assert bench.station.sent(OrderKind.RESET) == []


async def test_a_charger_that_returns_after_the_heir_has_begun_is_waited_for(bench: Bench) -> None:
    """A new process has no sockets at first; the reset that the dead one had sent has worked meanwhile."""
    station = bench.station
    station.cleared_by = frozenset({"reset"})
    station.returns_from_reset = False
    run_id = await _crash(bench, 4, after=True)
    await bench.passes(3)
    station.fault = None
    await station.arrive()
    run = await bench.ended(run_id)
    assert run["result"] == "CLEARED", run["steps"]
    assert len(station.sent(OrderKind.RESET)) == 1


async def test_an_order_that_was_not_sent_when_the_worker_died_is_never_sent(bench: Bench) -> None:
    """The row is there, its sender slow: the heir withdraws it before it looks at anything."""
    await bench.runner.stop()
    run_id = await bench.start()
    await bench.office.run(ASSISTANT, run_steps.claim, "dead:1", 1.0, 5)

    def place(work: Work) -> None:
        work.session.get_one(Charger, "100001").node = "slow"
        orders.place(work, "100001", OrderKind.RESET, {"hard": False}, run_id=run_id)

    def hurry(work: Work) -> None:
        work.session.get_one(Charger, "100001").node = work.house.node
        work.wake("order")

    await bench.office.run(ASSISTANT, place)
    await bench.passes(2)
    assert bench.station.calls == []
    bench.clock.set(bench.clock.now() + timedelta(seconds=2))
    (heir,) = await bench.office.run(ASSISTANT, run_steps.claim, "heir:1", 1.0, 5)
    assert heir.died
    await bench.office.run(ASSISTANT, hurry)
    await bench.passes(2)
    assert bench.station.calls == []


async def test_what_is_out_of_service_is_not_put_back_for_an_old_debt(bench: Bench) -> None:
    station = bench.station
    run_id = await _crash(bench, 2, after=True)
    await station.leave()
    await bench.ended(run_id)
    await bench.office.run(ASSISTANT, chargers.take_out, "100001", "smoke")
    await station.arrive()
    await bench.passes(5)
    assert station.operative == {1: False}


async def test_a_connector_whose_return_was_not_answered_is_put_back_before_the_run_ends(bench: Bench) -> None:
    station = bench.station
    station.answers[OrderKind.RESET] = REJECTED
    deaf_once = [True]
    real = station.call

    async def call(order: Order) -> OrderAnswer:
        if order.kind is OrderKind.SET_AVAILABILITY and order.args["operative"] and deaf_once:
            deaf_once.clear()
            station.calls.append(order)
            return OrderAnswer(OrderOutcome.TIMEOUT)
        return await real(order)

    station.call = call  # type: ignore[method-assign]
    run_id = await bench.start()
    run = await bench.ended(run_id)
    assert run["result"] == "STILL_FAULTED"
    ended_at = datetime.fromisoformat(run["ended_at"])
    rows = await bench.office.read(OPERATOR, orders.page, "100001")
    backs = [row for row in rows if row["kind"] == "set_availability" and row["args"]["operative"]]
    assert [datetime.fromisoformat(row["requested_at"]) <= ended_at for row in backs] == [True, True]
    await bench.passes(0.5)
    assert station.operative == {1: True}


async def test_a_charger_that_is_away_is_put_back_when_it_returns(bench: Bench) -> None:
    station = bench.station
    run_id = await _crash(bench, 2, after=True)
    assert station.operative == {1: False}
    await station.leave()
    run = await bench.ended(run_id)
    assert run["result"] == "UNKNOWN"
    assert station.operative == {1: False}
    assert await bench.office.read(OPERATOR, run_steps.owed, run_id) == [1]
    await station.arrive()
    await bench.passes(4)
    assert station.operative == {1: True}
    assert await bench.office.read(OPERATOR, run_steps.owed, run_id) == []


async def test_a_charger_that_refuses_to_be_put_back_is_asked_again_with_growing_pauses(bench: Bench) -> None:
    station = bench.station
    run_id = await _crash(bench, 2, after=True)
    station.answers[OrderKind.SET_AVAILABILITY] = REJECTED
    await bench.ended(run_id)
    before = len(station.sent(OrderKind.SET_AVAILABILITY))
    await bench.passes(12)
    tries = len(station.sent(OrderKind.SET_AVAILABILITY)) - before
    assert 2 <= tries <= 6
    del station.answers[OrderKind.SET_AVAILABILITY]
    await bench.passes(20)
    assert station.operative == {1: True}


async def test_a_stop_of_the_process_puts_the_connector_back_before_it_goes(bench: Bench) -> None:
    station = bench.station
    station.speaks = False
    run_id = await bench.start()
    while not station.sent(OrderKind.SET_AVAILABILITY):
        await asyncio.sleep(0.005)
    await bench.runner.stop()
    assert station.operative == {1: True}
    station.speaks = True
    bench.work(bench.new_runner("next"))
    assert (await bench.ended(run_id))["result"] == "UNKNOWN"
    assert [one.args["operative"] for one in station.sent(OrderKind.SET_AVAILABILITY)] == [False, True]


async def test_a_worker_whose_lease_ran_out_does_not_take_its_own_run_twice(bench: Bench) -> None:
    await bench.runner.stop()
    run_id = await bench.start()
    assert len(await bench.office.run(ASSISTANT, run_steps.claim, "slow:1", 1.0, 5)) == 1
    bench.clock.set(bench.clock.now() + timedelta(seconds=5))
    assert await bench.office.run(ASSISTANT, run_steps.claim, "slow:1", 1.0, 5, [run_id]) == []


async def test_a_worker_that_lost_its_lease_writes_nothing_more(bench: Bench) -> None:
    await bench.runner.stop()
    run_id = await bench.start()
    (mine,) = await bench.office.run(ASSISTANT, run_steps.claim, "slow:1", 1.0, 5)
    assert mine.id == run_id
    bench.clock.set(bench.clock.now() + timedelta(seconds=5))
    (theirs,) = await bench.office.run(ASSISTANT, run_steps.claim, "quick:1", 60.0, 5)
    assert (theirs.id, theirs.died) == (run_id, True)
    for verb in (run_steps.begin, run_steps.snapshot):
        with pytest.raises(LeaseLost):
            await bench.office.run(ASSISTANT, verb, run_id, "slow:1", "reset")  # type: ignore[arg-type]


async def test_a_reboot_whose_worker_died_is_a_reboot_when_the_boot_was_seen(bench: Bench) -> None:
    bench.station.fault = None
    await bench.station.report(1)
    run_id = await _crash(bench, 1, after=True, kind=RunKind.REBOOT)
    assert (await bench.ended(run_id))["result"] == "REBOOTED"
    assert len(bench.station.sent(OrderKind.RESET)) == 1


async def test_a_reboot_that_was_never_sent_is_not_sent_by_the_heir(bench: Bench) -> None:
    bench.station.fault = None
    await bench.station.report(1)
    run_id = await _crash(bench, 1, after=False, kind=RunKind.REBOOT)
    run = await bench.ended(run_id)
    assert (run["result"], run["facts"]["sent"]) == ("UNKNOWN", False)
    assert bench.station.calls == []


async def test_taking_out_goes_on_as_seen_after_a_crash(bench: Bench) -> None:
    bench.station.fault = None
    await bench.station.report(1)
    run_id = await _crash(bench, 1, after=True, kind=RunKind.TAKE_OUT_OF_SERVICE, args={"why": "smoke"})
    run = await bench.ended(run_id)
    assert run["result"] == "OUT_OF_SERVICE"
    assert bench.station.operative == {1: False}
    assert len(bench.station.sent(OrderKind.SET_AVAILABILITY)) == 1


async def test_a_database_that_fails_for_a_moment_does_not_end_the_worker(bench: Bench) -> None:
    at = bench.clock.now()
    with pytest.raises(Exception, match="unknown"):
        await bench.office.run(charger_actor("x"), charger_state.connected, "nobody", "1.6", at)
    bench.station.cleared_by = frozenset({"cycle"})
    result, _ = await bench.outcome()
    assert result.value == "CLEARED"
