"""End to end: a virtual charger on a real WebSocket, the central system, the desk, the orders, the procedure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from bot.clock import SystemClock
from bot.wiring.charging import ChargingAdapter
from bot.wiring.orders import OrderClerk, OrderRunner
from desk import chargers, charging, runs, tags, wallets
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from integrations.ocpp.settings import OcppSettings
from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.simulator.station import Habits
from integrations.ocpp.transport import CentralSystem
from models.access import ASSISTANT, OPERATOR
from models.charger import RunKind
from models.charging import Tariff
from models.contact import Contact
from models.money import Money
from procedures.patience import Patience
from procedures.runner import ProcedureRunner

PASSWORD = "a charger's password"
QUICK = Patience(
    trigger_s=2, unavailable_s=1, verify_s=2, nudge_s=1, stable_s=0.5, disconnect_s=5, reconnect_s=15, poll_s=0.2,
    lease_s=20,
)  # fmt: skip
Version = Literal["1.6", "2.0.1"]


async def _until(true: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := await true()):
            await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def _working(worker: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await worker.stop()
        await asyncio.gather(task, return_exceptions=True)


class Network:
    """Everything between a charger and a procedure."""

    def __init__(self, url: str, house: House, folder: Path) -> None:
        self.clock, self.bus = SystemClock(), LocalBus()
        self.office = Office(url, clock=self.clock, bus=self.bus, house=house)
        adapter = ChargingAdapter(self.office, self.clock, heartbeat_interval_s=60)
        settings = OcppSettings(port=0, journal=folder / "journal.jsonl")
        self.central = CentralSystem(adapter, self.clock, settings)
        self.clerk = OrderClerk(self.office, self.bus, self.clock)
        self.stack = AsyncExitStack()

    async def open(self) -> None:
        await self.central.start()
        self.stack.push_async_callback(self.central.stop)
        node = self.office.house.node
        orders = OrderRunner(self.office, self.central, self.clock, self.bus, node)
        runner = ProcedureRunner(self.office, self.clerk, self.clock, self.bus, node, patience=QUICK)
        await self.stack.enter_async_context(_working(orders))
        await self.stack.enter_async_context(_working(runner))

    async def charger(self, scenario: str, version: Version) -> VirtualCharger:
        await self.office.run(OPERATOR, chargers.add, "100003", password=PASSWORD)
        charger = VirtualCharger(
            "100003", f"ws://127.0.0.1:{self.central.port}/ocpp", clock=self.clock, version=version,
            password=PASSWORD, scenario=scenario, habits=Habits(reboot_s=0.3, plug_in_s=0.1, sample_s=0.3),
        )  # fmt: skip
        task = asyncio.create_task(charger.run())

        async def gone() -> None:
            await charger.stop()
            await asyncio.gather(task, return_exceptions=True)

        self.stack.push_async_callback(gone)
        state = "Faulted" if charger.scenario.ailment else "Available"
        await _until(lambda: self.shows(state))
        return charger

    async def shows(self, state: str) -> bool:
        """Whether the charger's shown state is that one."""
        return bool((await self.office.read(OPERATOR, chargers.overview, "100003"))["state"] == state)

    async def charging(self) -> bool:
        """Whether a session runs, as the desk knows."""
        running = await self.office.read(OPERATOR, charging.sessions, charger_id="100003", active_only=True)
        return bool(running)

    async def outcome(self, kind: RunKind) -> dict[str, Any]:
        run = await self.office.run(ASSISTANT, runs.start, kind, "100003")

        async def ended() -> dict[str, Any] | None:
            found = await self.office.read(OPERATOR, runs.get, run.id)
            return found if found["state"] == "ended" else None

        found: dict[str, Any] = await _until(ended, 40)
        return found


@pytest.fixture
async def network(database_url: str, house: House, tmp_path: Path) -> AsyncIterator[Network]:
    network = Network(database_url, house, tmp_path)
    await network.open()
    yield network
    await network.stack.aclose()
    network.office.close()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_transient_fault_is_healed_over_a_real_socket(network: Network, version: Version) -> None:
    await network.charger("transient_fault", version)
    run = await network.outcome(RunKind.CLEAR_FAULT)
    assert (run["result"], run["facts"]["step"], run["facts"]["state"]) == ("CLEARED", "reset", "Available")
    shown = await network.office.read(OPERATOR, chargers.overview, "100003")
    assert (shown["state"], shown["ocpp_version"]) == ("Available", version)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_hard_fault_is_not_called_cleared(network: Network, version: Version) -> None:
    await network.charger("hard_fault", version)
    run = await network.outcome(RunKind.CLEAR_FAULT)
    assert run["result"] == "STILL_FAULTED"
    assert {step["outcome"] for step in run["steps"] if step["step"] == "verify"} == {"faulted"}


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_charger_is_taken_out_and_put_back_over_a_real_socket(network: Network, version: Version) -> None:
    await network.office.run(OPERATOR, tags.add, "ANA1")
    charger = await network.charger("healthy", version)
    assert await charger.start_session("ana1")
    await _until(network.charging)
    assert (await network.outcome(RunKind.TAKE_OUT_OF_SERVICE))["result"] == "OUT_OF_SERVICE"
    assert not await network.charging()
    await network.office.run(OPERATOR, chargers.restore_service, "100003")
    charger.unplug(1)
    await _until(lambda: network.shows("Available"))


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_session_is_metered_priced_and_paid(network: Network, version: Version) -> None:
    def seed(work: Work) -> None:
        work.session.add(Tariff(name="default", price_minor_per_kwh=10_000, currency="LKR", created_at=work.now))
        work.session.add(Contact(id=1, name="Ana", created_at=work.now))
        work.session.flush()
        tags.add(work, "ANA1", contact_id=1)
        wallets.credit(work, amount=Money(1_000_000, "LKR"), note="", key="a", contact_id=1)

    await network.office.run(OPERATOR, seed)
    charger = await network.charger("healthy", version)
    assert not await charger.start_session("STRANGER"), "a tag nobody knows starts nothing"
    assert await charger.start_session("ana1")

    async def metered() -> Any:
        found = await network.office.read(OPERATOR, charging.sessions, charger_id="100003", active_only=True)
        return found and found[0]["energy_wh"]

    await _until(metered)
    charger.stop_session(1, "Local")

    async def ended() -> Any:
        found = await network.office.read(OPERATOR, charging.sessions, charger_id="100003")
        return found and found[0]["stopped_at"] and found[0]

    session = await _until(ended)
    facts = await network.office.read(OPERATOR, wallets.balance, 1)
    assert session["customer"] == "Ana"
    assert session["amount"]["minor"] == session["energy_wh"] * 10
    assert facts.wallet == Money(1_000_000 - session["amount"]["minor"], "LKR")
