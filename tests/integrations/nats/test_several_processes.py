"""What the office, the clerk and the application make of NATS; on both engines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import App
from bot.settings import from_mapping
from bot.wiring.orders import OrderClerk, OrderRunner
from desk import charger_state, chargers
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from integrations.nats.bus import NatsBus
from integrations.nats.presence import TOPIC
from models.access import OPERATOR
from models.charger import OrderKind, OrderOutcome
from tests.clock import JumpingClock
from tests.integrations.nats.conftest import Join, Node
from tests.integrations.nats.server import NatsServer, Other, eventually

TRIGGER = OrderKind.TRIGGER_STATUS
ARGS = {"connector": 1}


@pytest.fixture
async def asker(server: NatsServer, join: Join) -> Node:
    """The process that gives orders and holds no socket."""
    return await join(server.url)


@pytest.fixture
async def desk(database_url: str, clock: JumpingClock, asker: Node) -> AsyncIterator[Office]:
    """Its office; the database believes that another process holds the sockets of two chargers."""

    def seed(work: Work) -> None:
        for charger_id in ("100001", "100002"):
            chargers.add(work, charger_id)
            charger_state.connected(work, charger_id, "1.6", work.now)

    seeder = Office(database_url, clock=clock, bus=LocalBus(), house=House(node="holder"))
    await seeder.run(OPERATOR, seed)
    await asyncio.to_thread(seeder.close)
    office = Office(database_url, clock=clock, bus=asker.bus, house=House(node="asker"))
    yield office
    await asyncio.to_thread(office.close)


async def test_an_order_to_a_dead_process_ends_within_seconds(
    desk: Office, asker: Node, other: Other, clock: JumpingClock
) -> None:
    await asyncio.to_thread(other.start, "100001")
    clerk = OrderClerk(desk, asker.bus, clock, presence=asker.presence)
    alive = asyncio.create_task(clerk.order("100001", TRIGGER, ARGS))
    await asyncio.sleep(2.5)
    assert not alive.done(), "whoever holds the socket is alive and may be slow"
    other.kill()
    begun = time.monotonic()
    assert (await alive).outcome is OrderOutcome.NOT_CONNECTED
    assert (await clerk.order("100002", TRIGGER, ARGS)).outcome is OrderOutcome.NOT_CONNECTED
    assert time.monotonic() - begun < 10


async def test_a_holder_that_lost_nats_alone_still_gets_its_orders(
    desk: Office, asker: Node, clock: JumpingClock, database_url: str
) -> None:
    """It is not heard on its subject and has no wake-up but its own poll."""
    holder_bus = LocalBus()
    holder = Office(database_url, clock=clock, bus=holder_bus, house=House(node="holder"))
    wire = type(asker.wire)({"100001"})
    runner = OrderRunner(holder, wire, clock, holder_bus, "holder")
    task = asyncio.create_task(runner.run())
    clerk = OrderClerk(desk, asker.bus, clock, presence=asker.presence)
    assert await asker.presence.connected("100001") is False
    assert [(await clerk.order("100001", TRIGGER, ARGS)).outcome for _ in range(3)] == [OrderOutcome.ANSWERED] * 3
    await runner.stop()
    await task
    await asyncio.to_thread(holder.close)


async def test_without_nats_an_order_waits_as_it_always_did(
    desk: Office, asker: Node, server: NatsServer, clock: JumpingClock
) -> None:
    server.kill()
    await eventually(lambda: asker.link.client is None)
    clerk = OrderClerk(desk, asker.bus, clock, presence=asker.presence)
    asked = asyncio.create_task(clerk.order("100001", TRIGGER, ARGS))
    await asyncio.sleep(3)
    assert not asked.done()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)


async def test_a_commit_wakes_the_other_process(desk: Office, asker: Node, server: NatsServer, join: Join) -> None:
    there = await join(server.url)
    theirs = there.bus.subscribe("order")
    await desk.run(OPERATOR, lambda work: work.wake("order.7"))
    assert await asyncio.wait_for(theirs.get(), 10) == "order.7"


async def test_a_notification_of_the_database_is_not_sent_on(
    postgres_url: str, clock: JumpingClock, server: NatsServer, join: Join
) -> None:
    speaker, hearer, third = LocalBus(), await join(server.url), await join(server.url)
    mine, theirs = hearer.bus.subscribe("told."), third.bus.subscribe("told.")
    here = Office(postgres_url, clock=clock, bus=speaker, house=House(node="speaker"))
    there = Office(postgres_url, clock=clock, bus=hearer.bus, house=House(node="hearer"))
    try:
        async with asyncio.timeout(20):
            while mine.empty():  # until its listener is there
                await here.run(OPERATOR, lambda work: work.wake("told.1"))
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        assert theirs.empty()
        assert hearer.bus.sent == 0
    finally:
        await asyncio.to_thread(here.close)
        await asyncio.to_thread(there.close)


def _app(folder: Path, clock: JumpingClock, **given: str) -> App:
    named = {"DATABASE_URL": f"sqlite:///{folder / 'test.db'}", "HTTP_PORT": "0", "OCPP_PORT": "0", **given}
    settings = from_mapping(
        {f"CHARGEHAND_{name}": value for name, value in named.items()} | {"CHARGEHAND_SECRET_KEY": "k" * 40},
        root=folder,
    )
    return App(settings, frozenset({"ocpp", "worker"}), clock=clock, metronome=False)


@pytest.fixture
def schema(tmp_path: Path, sqlite_template: Path) -> Path:
    """A folder with an empty database."""
    (tmp_path / "test.db").write_bytes(sqlite_template.read_bytes())
    return tmp_path


async def test_the_application_joins_and_answers_for_its_sockets(
    schema: Path, clock: JumpingClock, asker: Node, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _app(schema, clock, NATS_URL=server.url)
    assert isinstance(app.bus, NatsBus)
    await app.start()
    try:
        await eventually(lambda: app.nats is not None and app.nats.stats()["connected"])
        monkeypatch.setattr(app.central, "connected", lambda charger_id: charger_id == "100001")
        assert await asker.presence.connected("100001") is False
        app.bus.announce(TOPIC + "100001")
        async with asyncio.timeout(10):
            while await asker.presence.connected("100001") is not True:
                await asyncio.sleep(0.02)
    finally:
        begun = time.monotonic()
        await app.stop()
    assert time.monotonic() - begun < 5
    assert await asker.presence.connected("100001") is False


async def test_without_a_nats_url_the_bus_is_local(schema: Path, clock: JumpingClock) -> None:
    app = _app(schema, clock)
    assert type(app.bus) is LocalBus
    assert app.clerk.presence is None
    await asyncio.to_thread(app.office.close)


async def test_the_application_starts_where_nats_is_not(schema: Path, clock: JumpingClock) -> None:
    app = _app(schema, clock, NATS_URL="nats://127.0.0.1:1")
    await app.start()
    assert app.presence is not None
    assert await app.presence.connected("100001") is None
    await app.stop()
