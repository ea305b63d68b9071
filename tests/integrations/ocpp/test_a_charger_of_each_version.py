"""From boot to the end of a session, and every order, with a virtual charger of each version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.transport import CentralSystem
from models.charger import ChargerState, OrderKind, OrderOutcome
from models.ports import Order, OrderAnswer
from tests.integrations.ocpp.memory_desk import MemoryDesk, eventually

VERSIONS = pytest.mark.parametrize("version", ["1.6", "2.0.1"])


def _states(desk: MemoryDesk, connector: int = 1) -> list[ChargerState]:
    return [report.status for report in desk.of("status") if report.connector == connector]


async def _order(central: CentralSystem, kind: OrderKind, **args: Any) -> OrderAnswer:
    _order.count += 1  # type: ignore[attr-defined]
    return await central.call(Order(f"order-{_order.count}", "CP1", kind, args, timeout_s=300))  # type: ignore[attr-defined]


_order.count = 0  # type: ignore[attr-defined]


@VERSIONS
async def test_a_charger_boots_and_tells_its_connectors(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    await virtual(version=version, connectors=2)
    await eventually(lambda: len(desk.of("status")) == 2)
    assert desk.of("connected") == [version]
    boot = desk.of("booted")[0]
    assert (boot.vendor, boot.model, boot.serial_number) == ("Chargehand", "Virtual", "V-CP1")
    assert [(one.connector, one.status, one.error_code) for one in desk.of("status")] == [
        (1, ChargerState.AVAILABLE, "NoError"),
        (2, ChargerState.AVAILABLE, "NoError"),
    ]
    assert central.connected("CP1")
    assert central.stats()["connected"] == 1
    assert central.stats()["violations"] == 0
    await eventually(lambda: "CP1" in desk.heard)


@VERSIONS
async def test_a_session_runs_from_plug_to_stop_with_readings_in_between(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version, connectors=2)
    assert await charger.start_session("GOOD", connector=2)
    start = (await eventually(lambda: desk.of("started")))[0]
    assert (start.connector, start.id_tag) == (2, "GOOD")
    await eventually(lambda: len(desk.of("metered")) >= 3)
    charger.stop_session(2)
    stop = (await eventually(lambda: desk.of("stopped")))[0]
    charger.unplug(2)
    await eventually(lambda: _states(desk, 2)[-1] is ChargerState.AVAILABLE)

    readings = desk.of("metered")
    assert {reading.transaction_id for reading in readings} == {start.transaction_id}
    assert {reading.connector for reading in readings} == {2}
    registers = [reading.energy_wh for reading in readings]
    assert registers == sorted(registers)
    assert start.meter_start_wh <= registers[0]
    assert 3_000 < readings[0].power_w < 50_000
    assert 0 <= readings[0].soc_percent <= 100
    assert stop.transaction_id == start.transaction_id
    assert stop.reason == "Local"
    assert stop.meter_stop_wh >= registers[-1] - 1
    assert _states(desk, 2) == [
        ChargerState.AVAILABLE,
        ChargerState.PREPARING,
        ChargerState.CHARGING,
        ChargerState.FINISHING,
        ChargerState.AVAILABLE,
    ]
    assert central.stats()["violations"] == 0


@VERSIONS
async def test_a_tag_that_may_not_charge_starts_nothing(
    version: str, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    assert not await charger.start_session("STRANGER")
    charger.begin_session("STRANGER")  # as a charger that authorises by its own list does
    stop = (await eventually(lambda: desk.of("stopped")))[0]
    assert stop.reason == "DeAuthorized"


@VERSIONS
async def test_a_car_that_takes_no_more_shows_as_suspended(
    version: str, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    await charger.start_session("GOOD")
    charger.suspend()
    await eventually(lambda: _states(desk)[-1] is ChargerState.SUSPENDED_EV)


@VERSIONS
async def test_a_fault_is_told_with_its_code_and_its_end(
    version: str, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    charger.fault("GroundFailure")
    await eventually(lambda: _states(desk)[-1] is ChargerState.FAULTED)
    await eventually(lambda: desk.of("status")[-1].error_code == "GroundFailure")
    charger.clear()
    await eventually(lambda: _states(desk)[-1] is ChargerState.AVAILABLE)
    assert desk.of("status")[-1].error_code == "NoError"


@VERSIONS
async def test_it_reports_its_status_when_asked(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    await virtual(version=version, connectors=2)
    await eventually(lambda: len(desk.of("status")) == 2)
    answer = await _order(central, OrderKind.TRIGGER_STATUS, connector=2)
    assert answer.accepted
    await eventually(lambda: len(desk.of("status")) == 3)
    report = desk.of("status")[-1]
    assert report.connector == 2
    assert report.reported_at is not None


@VERSIONS
async def test_it_is_taken_out_of_service_and_put_back(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    assert (await _order(central, OrderKind.SET_AVAILABILITY, connector=1, operative=False)).accepted
    await eventually(lambda: _states(desk)[-1] is ChargerState.UNAVAILABLE)
    charger.reboot(hard=True)
    await eventually(lambda: charger.boots == 2)
    assert _states(desk)[-1] is ChargerState.UNAVAILABLE
    assert (await _order(central, OrderKind.SET_AVAILABILITY, connector=0, operative=True)).accepted
    await eventually(lambda: _states(desk)[-1] is ChargerState.AVAILABLE)


@VERSIONS
async def test_out_of_service_waits_for_a_session(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    await charger.start_session("GOOD")
    answer = await _order(central, OrderKind.SET_AVAILABILITY, connector=1, operative=False)
    assert (answer.status, answer.accepted) == ("Scheduled", False)
    charger.stop_session()
    await eventually(lambda: _states(desk)[-1] is ChargerState.UNAVAILABLE)


@VERSIONS
@pytest.mark.parametrize("hard", [False, True])
async def test_a_reset_drops_the_line_and_boots_again(
    version: str, hard: bool, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    assert (await _order(central, OrderKind.RESET, hard=hard)).accepted
    await eventually(lambda: len(desk.of("booted")) == 2 and charger.online)
    assert charger.orders[-1][1]["type"] in (("Hard", "Immediate") if hard else ("Soft", "OnIdle"))
    assert len(desk.of("connected")) == 2


async def test_a_soft_reset_of_2_0_1_waits_until_the_session_is_over(
    central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version="2.0.1")
    await charger.start_session("GOOD")
    assert (await _order(central, OrderKind.RESET, hard=False)).status == "Scheduled"
    assert len(desk.of("booted")) == 1
    charger.stop_session()
    await eventually(lambda: len(desk.of("booted")) == 2)


@VERSIONS
async def test_a_hard_reset_ends_the_session_and_tells_it_afterwards(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    await charger.start_session("GOOD")
    start = (await eventually(lambda: desk.of("started")))[0]
    await _order(central, OrderKind.RESET, hard=True)
    stop = (await eventually(lambda: desk.of("stopped")))[0]
    assert stop.transaction_id == start.transaction_id
    assert stop.reason in ("HardReset", "ImmediateReset")


@VERSIONS
async def test_a_stuck_lock_opens_when_told(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    await virtual(version=version, scenario="lock_fault")
    await eventually(lambda: _states(desk) and _states(desk)[-1] is ChargerState.FAULTED)
    assert desk.of("status")[-1].error_code == "ConnectorLockFailure"
    answer = await _order(central, OrderKind.UNLOCK, connector=1)
    assert (answer.status, answer.accepted) == ("Unlocked", True)
    await eventually(lambda: _states(desk)[-1] is ChargerState.AVAILABLE)


@VERSIONS
async def test_a_session_starts_and_stops_from_afar(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    await virtual(version=version, connectors=2)
    assert (await _order(central, OrderKind.REMOTE_START, connector=2, id_tag="GOOD")).accepted
    start = (await eventually(lambda: desk.of("started")))[0]
    assert (start.connector, start.id_tag) == (2, "GOOD")
    await eventually(lambda: _states(desk, 2)[-1] is ChargerState.CHARGING)
    assert (await _order(central, OrderKind.REMOTE_STOP, transaction_id=start.transaction_id)).accepted
    stop = (await eventually(lambda: desk.of("stopped")))[0]
    assert (stop.transaction_id, stop.reason) == (start.transaction_id, "Remote")
    answer = await _order(central, OrderKind.REMOTE_STOP, transaction_id=424242)
    assert not answer.accepted


@VERSIONS
async def test_a_busy_or_broken_connector_rejects_a_remote_start(
    version: str, central: CentralSystem, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    charger.fault()
    answer = await _order(central, OrderKind.REMOTE_START, connector=1, id_tag="GOOD")
    assert (answer.outcome, answer.status) == (OrderOutcome.ANSWERED, "Rejected")


@pytest.mark.parametrize(
    ("version", "key", "locked"),
    [
        ("1.6", "HeartbeatInterval", "NumberOfConnectors"),
        ("2.0.1", "OCPPCommCtrlr.HeartbeatInterval", "Nothing.Known"),
    ],
)
async def test_configuration_is_changed_and_read(
    *, version: str, key: str, locked: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    assert (await _order(central, OrderKind.CHANGE_CONFIGURATION, key=key, value="77")).accepted
    assert charger.habits.heartbeat_s == 77
    assert not (await _order(central, OrderKind.CHANGE_CONFIGURATION, key=locked, value="9")).accepted
    assert (await _order(central, OrderKind.GET_CONFIGURATION, keys=[key])).accepted
    await eventually(lambda: desk.read.get(key) == ("77", False))


@VERSIONS
async def test_all_configuration_is_read_without_its_secrets(
    version: str, central: CentralSystem, desk: MemoryDesk, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    secret = "AuthorizationKey" if version == "1.6" else "SecurityCtrlr.BasicAuthPassword"
    charger.variables[secret] = "hunter2hunter2", False
    answer = await _order(central, OrderKind.GET_CONFIGURATION)
    assert answer.accepted
    await eventually(lambda: len(desk.read) == len(charger.variables))
    assert desk.read[secret][0] is None
    assert "hunter2" not in str(answer)
    await eventually(lambda: len(desk.log) > 5)
    assert "hunter2" not in str(desk.log)


@VERSIONS
async def test_the_cache_is_cleared(version: str, central: CentralSystem, virtual: Callable[..., Any]) -> None:
    await virtual(version=version)
    assert (await _order(central, OrderKind.CLEAR_CACHE)).accepted


async def test_an_order_for_a_charger_that_is_not_here_is_surely_not_sent(central: CentralSystem) -> None:
    assert (await _order(central, OrderKind.CLEAR_CACHE)).outcome is OrderOutcome.NOT_CONNECTED
    assert not central.connected("CP1")


@VERSIONS
async def test_an_order_without_what_it_needs_is_not_sent(
    version: str, central: CentralSystem, virtual: Callable[..., Any]
) -> None:
    charger: VirtualCharger = await virtual(version=version)
    lacking: list[tuple[OrderKind, dict[str, Any]]] = [
        (OrderKind.SET_AVAILABILITY, {"connector": 1}),
        (OrderKind.REMOTE_START, {"connector": 1}),
        (OrderKind.REMOTE_STOP, {}),
        (OrderKind.CHANGE_CONFIGURATION, {"value": "1"}),
        (OrderKind.UNLOCK, {"connector": "left"}),
    ]
    for kind, args in lacking:
        answer = await _order(central, kind, **args)
        assert (answer.outcome, answer.response["code"]) == (OrderOutcome.ERROR, "CannotSay")
    assert charger.orders == []
