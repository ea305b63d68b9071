"""What ails virtual chargers, and what helps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.simulator.fleet import simulate
from integrations.ocpp.simulator.station import Habits
from integrations.ocpp.transport import CentralSystem
from models.charger import IN_SESSION, ChargerState, OrderKind
from models.ports import Order, OrderAnswer
from tests.integrations.ocpp.memory_desk import PASSWORD, FastClock, MemoryDesk, eventually

VERSIONS = pytest.mark.parametrize("version", ["1.6", "2.0.1"])


def _shown(desk: MemoryDesk) -> str:
    reports = desk.of("status")
    return f"{reports[-1].status} {reports[-1].error_code}" if reports else ""


async def _order(central: CentralSystem, kind: OrderKind, **args: Any) -> OrderAnswer:
    return await central.call(
        Order(f"{kind}-{id(args)}-{asyncio.get_running_loop().time()}", "CP1", kind, args, timeout_s=300)
    )


@VERSIONS
async def test_a_transient_fault_goes_with_a_soft_reset_and_comes_back(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any], fast_clock: FastClock
) -> None:
    await virtual(version=version, scenario="transient_fault")
    await eventually(lambda: _shown(desk) == "Faulted InternalError")
    await _order(central, OrderKind.SET_AVAILABILITY, connector=1, operative=False)
    await _order(central, OrderKind.SET_AVAILABILITY, connector=1, operative=True)
    await asyncio.sleep(0.1)
    assert _shown(desk) == "Faulted InternalError"
    assert (await _order(central, OrderKind.RESET, hard=False)).accepted
    await eventually(lambda: _shown(desk) == "Available NoError")
    cleared = fast_clock.now()
    await eventually(lambda: _shown(desk) == "Faulted InternalError", 10)
    assert 100 < (fast_clock.now() - cleared).total_seconds() < 400


@VERSIONS
async def test_the_availability_cycle_helps_where_it_is_told_to(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    habits = Habits(cycle_clears=True, returns_after_s=100_000)
    await virtual(version=version, scenario="transient_fault", habits=habits)
    await eventually(lambda: _shown(desk) == "Faulted InternalError")
    await _order(central, OrderKind.SET_AVAILABILITY, connector=1, operative=False)
    await _order(central, OrderKind.SET_AVAILABILITY, connector=1, operative=True)
    await eventually(lambda: _shown(desk) == "Available NoError")


@VERSIONS
@pytest.mark.parametrize(("scenario", "code"), [("hard_fault", "InternalError"), ("ground_failure", "GroundFailure")])
async def test_some_faults_survive_every_reset(
    *, version: str, scenario: str, code: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version, scenario=scenario)
    for boots, hard in ((1, None), (2, False), (3, True)):
        if hard is not None:
            assert (await _order(central, OrderKind.RESET, hard=hard)).accepted
        await eventually(lambda boots=boots: charger.boots == boots and len(desk.of("status")) >= boots)  # type: ignore[misc]
    assert {f"{one.status} {one.error_code}" for one in desk.of("status")} == {f"Faulted {code}"}


async def test_one_ignores_resets_and_one_says_nothing_when_asked(
    central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(scenario="ignores_reset")
    assert (await _order(central, OrderKind.RESET, hard=True)).accepted
    await asyncio.sleep(0.3)
    assert (charger.boots, charger.online) == (1, True)
    await charger.stop()
    quiet: VirtualCharger = await virtual(scenario="accepts_trigger_but_silent")
    await eventually(lambda: quiet.online and len(desk.of("status")) == 2)
    assert (await _order(central, OrderKind.TRIGGER_STATUS, connector=1)).accepted
    await asyncio.sleep(0.2)
    assert len(desk.of("status")) == 2


async def test_a_silent_one_never_connects(central: CentralSystem, virtual: Callable[..., Any]) -> None:
    await virtual(scenario="silent")
    await asyncio.sleep(0.2)
    assert not central.connected("CP1")


async def test_a_flaky_one_goes_and_comes_back_without_a_boot(desk: MemoryDesk, virtual: Callable[..., Any]) -> None:
    charger: VirtualCharger = await virtual(scenario="flaky")
    await eventually(lambda: len(desk.of("connected")) >= 2, 10)
    assert charger.boots == 1


async def test_one_that_goes_silent_keeps_its_session_and_tells_it_later(
    central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual()
    await charger.start_session("GOOD")
    start = (await eventually(lambda: desk.of("started")))[0]
    charger.go_silent()
    await eventually(lambda: not central.connected("CP1"))
    charger.stop_session()
    await asyncio.sleep(0.2)
    assert desk.of("stopped") == []
    charger.come_back()
    stop = (await eventually(lambda: desk.of("stopped")))[0]
    assert stop.transaction_id == start.transaction_id


@VERSIONS
async def test_busy_ones_live_by_their_seed(
    version: str, central: CentralSystem, desk: MemoryDesk, fast_clock: FastClock
) -> None:
    desk.tags = dict.fromkeys(("DEMO0001", "DEMO0002", "DEMO0003"), desk.tags["GOOD"])
    url = f"ws://127.0.0.1:{central.port}/ocpp"
    desk.admitted = {str(900_001 + place): PASSWORD for place in range(6)}
    fleet = asyncio.create_task(
        simulate(url, clock=fast_clock, count=6, version=version, scenario="busy", password=PASSWORD, seed=7)  # type: ignore[arg-type]
    )
    await eventually(lambda: len(desk.of("started")) >= 4, 20)
    await eventually(lambda: [one for one in desk.of("status") if one.status in IN_SESSION])
    assert ChargerState.PREPARING in {one.status for one in desk.of("status")}
    assert central.stats()["violations"] == 0
    fleet.cancel()
    await asyncio.gather(fleet, return_exceptions=True)


async def test_an_unknown_scenario_is_an_error_with_the_list(fast_clock: FastClock) -> None:
    with pytest.raises(ValueError, match="healthy"):
        await simulate("ws://127.0.0.1:1/ocpp", clock=fast_clock, scenario="sleepy")
