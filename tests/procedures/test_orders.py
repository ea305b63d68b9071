"""Orders: a row first, sent at most once, by whoever holds the socket; an end for each."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.wiring.orders import OrderClerk, OrderRunner
from desk import charger_state, chargers, orders
from desk.office import Office
from desk.work import Work
from integrations.bus import LocalBus
from models.access import ASSISTANT, OPERATOR, Actor, ActorKind, Role, charger_actor
from models.audit import AuditRow
from models.charger import Charger, ChargerCommand, OrderKind, OrderOutcome
from models.errors import NotFound
from models.ports import Order, OrderAnswer
from tests.clock import START, JumpingClock

ARGS = {"connector": 1}
TRIGGER = OrderKind.TRIGGER_STATUS


class Wire:
    """Fits models.ports.ChargerWire."""

    def __init__(self) -> None:
        self.here = {"100001", "100002"}
        self.calls: list[Order] = []
        self.busy: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False

    def connected(self, charger_id: str) -> bool:
        return charger_id in self.here

    async def call(self, order: Order) -> OrderAnswer:
        assert order.charger_id not in self.busy, "one call at a time for each charger"
        self.busy.add(order.charger_id)
        self.calls.append(order)
        if self.broken:
            raise RuntimeError("no")
        await self.gate.wait()
        self.busy.discard(order.charger_id)
        return OrderAnswer(OrderOutcome.ANSWERED, "Accepted", {"status": "Accepted"})


@pytest.fixture
async def ready(office: Office) -> Office:
    def seed(work: Work) -> None:
        for charger_id in ("100001", "100002"):
            chargers.add(work, charger_id)
            charger_state.connected(work, charger_id, "1.6", work.now)

    await office.run(OPERATOR, seed)
    return office


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def clerk(ready: Office, bus: LocalBus, clock: JumpingClock) -> OrderClerk:
    return OrderClerk(ready, bus, clock)


def _runner(office: Office, wire: Wire, bus: LocalBus, clock: JumpingClock) -> OrderRunner:
    return OrderRunner(office, wire, clock, bus, office.house.node)


def _states(work: Work) -> list[tuple[str, str | None]]:
    rows = work.session.scalars(select(ChargerCommand).order_by(ChargerCommand.requested_at))
    return [(row.state, row.outcome.value if row.outcome else None) for row in rows]


async def test_an_order_is_sent_once_and_its_answer_is_written_down(
    ready: Office, wire: Wire, clerk: OrderClerk, bus: LocalBus, clock: JumpingClock
) -> None:
    runner = _runner(ready, wire, bus, clock)
    task = asyncio.create_task(runner.run())
    member = Actor(ActorKind.MEMBER, "3", "Tara", role=Role.OPS_AGENT)
    answers = await asyncio.gather(
        *(clerk.acting_as(member).order("100001", TRIGGER, {"connector": n}) for n in range(8))
    )
    assert all(answer.accepted for answer in answers)
    assert len({order.id for order in wire.calls}) == len(wire.calls) == 8
    await runner.stop()
    await task

    def audit(work: Work) -> list[tuple[str, str, str]]:
        return [
            (row.actor_name, row.action, row.target)
            for row in work.session.scalars(select(AuditRow).where(AuditRow.action == "charger.order"))
        ]

    assert await ready.read(OPERATOR, audit) == [("Tara", "charger.order", "charger:100001")] * 8
    shown = await ready.read(OPERATOR, orders.page, "100001")
    assert {(row["by"], row["outcome"], row["status"]) for row in shown} == {("Tara", "answered", "Accepted")}


async def test_an_order_to_a_charger_that_is_away_ends_at_once(
    ready: Office, wire: Wire, clerk: OrderClerk, bus: LocalBus, clock: JumpingClock
) -> None:
    await ready.run(charger_actor("100001"), charger_state.disconnected, "100001", 1, START)
    assert (await clerk.order("100001", TRIGGER, ARGS)).outcome is OrderOutcome.NOT_CONNECTED
    wire.here.discard("100002")  # the desk believes in a socket that is gone
    runner = _runner(ready, wire, bus, clock)
    task = asyncio.create_task(runner.run())
    assert (await clerk.order("100002", TRIGGER, ARGS)).outcome is OrderOutcome.NOT_CONNECTED
    await runner.stop()
    await task
    assert wire.calls == []


async def test_an_order_that_nobody_sends_expires_and_is_never_sent(
    ready: Office, wire: Wire, clerk: OrderClerk, bus: LocalBus, clock: JumpingClock
) -> None:
    asked = asyncio.create_task(clerk.order("100001", TRIGGER, ARGS))
    while not await ready.read(OPERATOR, _states):
        await asyncio.sleep(0.01)
    clock.set(START + timedelta(seconds=61))
    runner = _runner(ready, wire, bus, clock)
    task = asyncio.create_task(runner.run())
    assert (await asked).outcome is OrderOutcome.EXPIRED
    await runner.stop()
    await task
    assert wire.calls == []


async def test_the_clerk_gives_up_in_the_end(ready: Office, clerk: OrderClerk, clock: JumpingClock) -> None:
    asked = asyncio.create_task(clerk.order("100001", TRIGGER, ARGS))
    while not await ready.read(OPERATOR, _states):
        await asyncio.sleep(0.01)
    clock.set(START + timedelta(seconds=600))
    assert (await asked).outcome is OrderOutcome.EXPIRED


async def test_what_a_dead_process_had_sent_is_lost_and_not_sent_again(
    ready: Office, wire: Wire, clerk: OrderClerk, bus: LocalBus, clock: JumpingClock
) -> None:
    def sent(work: Work) -> None:
        command = orders.place(work, "100001", TRIGGER, ARGS)
        assert orders.begin(work, command.id, work.house.node) is not None
        assert orders.begin(work, command.id, "another") is None

    await ready.run(ASSISTANT, sent)
    runner = _runner(ready, wire, bus, clock)
    task = asyncio.create_task(runner.run())
    assert (await clerk.order("100001", TRIGGER, ARGS)).accepted
    await runner.stop()
    await task
    assert sorted(await ready.read(OPERATOR, _states), key=str) == [("ended", "answered"), ("ended", "lost")]
    assert len(wire.calls) == 1


async def test_a_wire_that_breaks_its_promise_leaves_a_lost_order(
    ready: Office, wire: Wire, clerk: OrderClerk, bus: LocalBus, clock: JumpingClock
) -> None:
    wire.broken = True
    runner = _runner(ready, wire, bus, clock)
    task = asyncio.create_task(runner.run())
    assert (await clerk.order("100001", TRIGGER, ARGS)).outcome is OrderOutcome.LOST
    await runner.stop()
    await task


async def test_a_stop_in_the_middle_of_a_call_leaves_a_lost_order(
    ready: Office, wire: Wire, clerk: OrderClerk, bus: LocalBus, clock: JumpingClock
) -> None:
    wire.gate.clear()
    runner = _runner(ready, wire, bus, clock)
    task = asyncio.create_task(runner.run())
    asked = asyncio.create_task(clerk.order("100001", TRIGGER, ARGS))
    other = asyncio.create_task(clerk.order("100002", TRIGGER, ARGS))
    while len(wire.calls) < 2:
        await asyncio.sleep(0.01)
    assert await ready.read(OPERATOR, _states) == [("sent", None)] * 2
    await runner.stop()
    await task
    assert {(await asked).outcome, (await other).outcome} == {OrderOutcome.LOST}


async def test_orders_of_another_node_are_left_to_it(ready: Office) -> None:
    def elsewhere(work: Work) -> None:
        work.session.get_one(Charger, "100002").node = "other"
        orders.place(work, "100001", TRIGGER, ARGS)
        orders.place(work, "100002", TRIGGER, ARGS)

    await ready.run(ASSISTANT, elsewhere)
    mine = await ready.read(ASSISTANT, orders.waiting, ready.house.node)
    assert [one.charger_id for one in mine] == ["100001"]


async def test_an_unknown_charger_gets_no_order(clerk: OrderClerk) -> None:
    with pytest.raises(NotFound):
        await clerk.order("nobody", TRIGGER, ARGS)
