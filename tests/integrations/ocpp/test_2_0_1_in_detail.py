"""What 2.0.1 says in its own way: EVSEs and connectors, Occupied, problems, transactions without a first reading."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.station import Outlets
from integrations.ocpp.transport import CentralSystem
from models.charger import ChargerState, OrderKind, fault_class
from models.ports import Order
from tests.integrations.ocpp.memory_desk import MemoryDesk, RawCharger, eventually, raw_charger

STAMP = "2026-03-02T08:00:00Z"
PAIRS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 3)), min_size=1)


@given(PAIRS)
def test_connectors_are_numbered_from_one_in_order_whatever_is_heard_first(heard: list[tuple[int, int]]) -> None:
    outlets = Outlets()
    for evse, connector in heard:
        outlets.learn(evse, connector)
    numbers = {pair: outlets.number(*pair) for pair in outlets.pairs}
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    assert [pair for pair, _ in sorted(numbers.items(), key=lambda item: item[1])] == sorted(numbers)
    assert all(outlets.pair(number) == pair for pair, number in numbers.items())
    assert set(heard) <= set(numbers)
    last = max(evse for evse, _ in numbers)
    assert outlets.pair(len(numbers) + 1) == (last + 1, 1)


async def _status(charger: RawCharger, evse: int, connector: int, word: str) -> None:
    payload = {"timestamp": STAMP, "connectorStatus": word, "evseId": evse, "connectorId": connector}
    assert await charger.ask("StatusNotification", payload) == {}


async def _event(charger: RawCharger, kind: str, seq: int, **more: Any) -> Any:
    info = {"transactionId": "tx-1", **more.pop("info", {})}
    payload = {
        "eventType": kind, "timestamp": STAMP, "triggerReason": "Authorized", "seqNo": seq,
        "transactionInfo": info, **more,
    }  # fmt: skip
    return await charger.ask("TransactionEvent", payload)


def _energy(wh: float, unit: str = "Wh") -> list[dict[str, Any]]:
    sample = {"value": wh, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": unit}}
    return [{"timestamp": STAMP, "sampledValue": [sample]}]


def _shown(desk: MemoryDesk) -> dict[int, tuple[ChargerState, int | None, int | None]]:
    return {one.connector: (one.status, one.evse, one.evse_connector) for one in desk.of("status")}


async def test_a_second_connector_heard_late_moves_the_others_up(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
        await _status(charger, 1, 1, "Available")
        await _status(charger, 2, 1, "Faulted")
        assert _shown(desk)[2] == (ChargerState.FAULTED, 2, 1)
        await _status(charger, 1, 2, "Unavailable")
        assert _shown(desk) == {
            1: (ChargerState.AVAILABLE, 1, 1),
            2: (ChargerState.UNAVAILABLE, 1, 2),
            3: (ChargerState.FAULTED, 2, 1),
        }
        order = asyncio.create_task(central.call(Order("a", "CP1", OrderKind.UNLOCK, {"connector": 3})))
        assert (await charger.hear())[3] == {"evseId": 2, "connectorId": 1}
        await charger.send([3, "a", {"status": "UnlockFailed"}])
        assert (await order).status == "UnlockFailed"


async def test_the_numbers_outlive_the_socket(central: CentralSystem, desk: MemoryDesk) -> None:
    for word in ("Available", "Unavailable"):
        async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
            if word == "Available":
                await _status(charger, 1, 2, word)
            await _status(charger, 2, 1, word)
    assert _shown(desk)[3] == (ChargerState.UNAVAILABLE, 2, 1)


async def test_occupied_means_what_the_session_says(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
        seen = []

        async def note() -> None:
            seen.append(desk.of("status")[-1].status.value)

        await _status(charger, 1, 1, "Occupied")
        await note()
        token = {"idToken": "GOOD", "type": "ISO14443"}
        answer = await _event(
            charger, "Started", 0, evse={"id": 1}, idToken=token, info={"chargingState": "EVConnected"}
        )
        assert answer["idTokenInfo"]["status"] == "Accepted"
        for seq, state in enumerate(("Charging", "SuspendedEV", "Charging", "SuspendedEVSE", "Idle"), 1):
            await _event(charger, "Updated", seq, info={"chargingState": state})
            await note()
        await _event(charger, "Ended", 9, info={"stoppedReason": "Local"})
        await note()
        await _status(charger, 1, 1, "Available")
        await note()
        await _status(charger, 1, 1, "Occupied")
        await note()
    assert seen == ["Preparing", "Charging", "SuspendedEV", "Charging", "SuspendedEVSE", "Finishing", "Finishing",
                    "Available", "Preparing"]  # fmt: skip


async def test_events_of_a_session_carry_its_numbers(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
        await _status(charger, 2, 1, "Occupied")
        await _event(charger, "Started", 0, evse={"id": 2, "connectorId": 1}, meterValue=_energy(1000), offline=True)
        await _event(charger, "Updated", 1, meterValue=_energy(1.5, "kWh"))
        await _event(charger, "Ended", 2, meterValue=_energy(2000), info={"stoppedReason": "EVDisconnected"})
        await eventually(lambda: desk.of("stopped"))
    start, stop = desk.of("started")[0], desk.of("stopped")[0]
    assert (start.connector, start.remote_id, start.seq, start.meter_start_wh) == (2, "tx-1", 0, 1000)
    assert [(one.transaction_id, one.remote_id, one.seq, one.energy_wh) for one in desk.of("metered")] == [
        (start.transaction_id, "tx-1", 1, 1500),
        (start.transaction_id, "tx-1", 2, 2000),
    ]
    assert (stop.transaction_id, stop.remote_id, stop.seq, stop.meter_stop_wh, stop.reason) == (
        start.transaction_id,
        "tx-1",
        2,
        2000,
        "EVDisconnected",
    )


async def test_a_lifetime_register_is_not_sold_where_the_start_had_no_reading(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
        await _event(charger, "Started", 0, evse={"id": 1, "connectorId": 1})
        await _event(charger, "Updated", 1, meterValue=_energy(123_456_000))
        await _event(charger, "Ended", 2, meterValue=_energy(123_457_000))
        stop = (await eventually(lambda: desk.of("stopped")))[0]
    assert desk.of("started")[0].meter_start_wh == 0
    assert stop.meter_stop_wh == 1000


async def test_a_repeated_start_keeps_its_number_and_a_session_never_begun_is_told_by_name(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
        for _ in range(2):
            await _event(charger, "Started", 0, evse={"id": 1, "connectorId": 1}, meterValue=_energy(10))
        first, second = desk.of("started")
        assert first.transaction_id == second.transaction_id
        await _event(charger, "Ended", 7, info={"transactionId": "never-begun"}, meterValue=_energy(50))
        stop = (await eventually(lambda: desk.of("stopped")))[0]
    assert (stop.transaction_id, stop.remote_id, stop.meter_stop_wh) == (None, "never-begun", 50)


@pytest.mark.parametrize(
    ("event", "code", "kind"),
    [
        ({"techCode": "GroundFailure"}, "GroundFailure", "safety"),
        ({"techCode": "CX003"}, "HighTemperature", "safety"),
        (
            {"component": {"name": "ElectricalFeed", "evse": {"id": 1}}, "techInfo": "RCD tripped"},
            "OtherError",
            "safety",
        ),
        (
            {"component": {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1}}},
            "ConnectorLockFailure",
            "mechanical",
        ),
        ({"component": {"name": "Controller"}, "techCode": "E77"}, "OtherError", "software"),
    ],
)
async def test_a_problem_explains_a_fault_before_or_after_it_shows(
    event: dict[str, Any], code: str, kind: str, central: CentralSystem, desk: MemoryDesk
) -> None:
    told = {
        "eventId": 1, "timestamp": STAMP, "trigger": "Delta", "actualValue": "true",
        "eventNotificationType": "HardWiredNotification", "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Problem"}, **event,
    }  # fmt: skip
    notice = {"generatedAt": STAMP, "seqNo": 0, "eventData": [told]}
    async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
        await _status(charger, 1, 1, "Faulted")
        assert desk.of("status")[-1].error_code == "OtherError"
        await charger.ask("NotifyEvent", notice)
        report = desk.of("status")[-1]
        assert (report.status, report.error_code) == (ChargerState.FAULTED, code)
        assert fault_class(report.error_code, report.vendor_error, report.info).value == kind
        count = len(desk.of("status"))
        await charger.ask("NotifyEvent", {**notice, "eventData": [{**told, "eventId": 2}]})
        assert len(desk.of("status")) == count
        await charger.ask("NotifyEvent", {**notice, "eventData": [{**told, "cleared": True, "actualValue": "false"}]})
        await _status(charger, 1, 1, "Faulted")
        assert desk.of("status")[-1].info is None


async def test_the_device_model_is_kept_by_component_and_variable(central: CentralSystem, desk: MemoryDesk) -> None:
    item = {
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
        "variableAttribute": [{"value": "22000", "mutability": "ReadOnly"}, {"type": "Target", "value": "1"}],
    }
    async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
        report = {"requestId": 1, "generatedAt": STAMP, "seqNo": 0, "reportData": [item]}
        await charger.ask("NotifyReport", report)
        await eventually(lambda: desk.read == {"EVSE#1.Power": ("22000", True)})


async def test_a_session_is_stopped_by_the_chargers_own_name_after_we_forgot_it(
    central: CentralSystem, virtual: Any, desk: MemoryDesk
) -> None:
    charger: VirtualCharger = await virtual(version="2.0.1")
    await charger.start_session("GOOD")
    start = (await eventually(lambda: desk.of("started")))[0]
    answer = await central.call(
        Order("a", "CP1", OrderKind.REMOTE_STOP, {"transaction_id": 5, "remote_id": start.remote_id})
    )
    assert answer.accepted
    await eventually(lambda: desk.of("stopped"))
