"""What real chargers send that no specification allows: each gets an answer, or is passed over, and breaks nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.ocpp.transport import CentralSystem
from models.charger import ChargerState
from tests.integrations.ocpp.memory_desk import MemoryDesk, RawCharger, eventually, raw_charger

STAMP = "2026-03-02T08:00:00Z"
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
START = {"connectorId": 1, "idTag": "GOOD", "meterStart": 100, "timestamp": STAMP}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": STAMP}


async def _alive(charger: RawCharger) -> None:
    """The socket still works after whatever came before."""
    answer = await charger.ask("Heartbeat", {})
    assert answer["currentTime"].endswith("Z")


@pytest.mark.parametrize(
    ("frame", "message_id"),
    [
        ('[2,"7","Heartbeat"]', "7"),
        ('[2,"7","Heartbeat",{}', "7"),
        ('[,2,"7","Heartbeat",{}]', "7"),
        ('[2,"7","StopTransaction",{"transactionId":,"meterStop":1}]', "7"),
        ('[2,"7",12,{}]', "7"),
        ('[2,"7","Heartbeat",{"a":NaN}]', "7"),
        ('[2,"7","Heartbeat","text"]', "7"),
        ('[2,"7","BootNotification",[1,2]]', "7"),
    ],
)
async def test_a_broken_request_with_a_readable_id_gets_an_error(
    frame: str, message_id: str, central: CentralSystem
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.send(frame)
        kind, answered, code, *_ = await charger.hear()
        assert (kind, answered, code) == (4, message_id, "FormationViolation")
        await _alive(charger)


async def test_2_0_1_spells_the_same_error_its_own_way(central: CentralSystem) -> None:
    async with raw_charger(central.port, subprotocols=("ocpp2.0.1",)) as charger:
        await charger.send('[2,"7","Heartbeat"]')
        assert (await charger.hear())[2] == "FormatViolation"
        await charger.send('[6,"8","NotifyPeriodicEventStream",{}]')
        assert (await charger.hear())[:3] == [4, "8", "MessageTypeNotSupported"]


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "null",
        "[]",
        "{}",
        "hello",
        "[2]",
        "[2,null,\"Heartbeat\",{}]",
        "[2,true,\"Heartbeat\",{}]",
        "[5,\"1\",{}]",
        "[3]",
        "[3,\"never asked\",{}]",
        "[4,\"never asked\",\"GenericError\"]",
        b"\xff\xfe\x00binary",
        "[" * 5000,
        '[2,"' + "x" * 300 + '","Heartbeat",{}]',
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_is_passed_over_and_the_socket_lives(
    frame: str | bytes, central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.send(frame)
        await _alive(charger)
    assert {kind for kind, _, _ in desk.told} <= {"connected", "disconnected"}


@pytest.mark.parametrize(
    "frame",
    ['[2,7,"Heartbeat",{}]', b'[2,"7","Heartbeat",{}]', '["2","7","Heartbeat",{}]', '[2,"7","Heartbeat",null]',
     '[2,"7","Heartbeat",[]]', '\ufeff[2,"7","Heartbeat",{}]\n\x00', '[2,"7","Heartbeat",{"extra":1}]',
     '[2,"7","Heartbeat",{},{}]'],
)  # fmt: skip
async def test_a_request_that_only_bends_the_rules_is_answered_and_counted(
    frame: str | bytes, central: CentralSystem
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.send(frame)
        kind, message_id, payload = await charger.hear()
        assert (kind, str(message_id)) == (3, "7")
        assert "currentTime" in payload
    if not str(frame).startswith("\ufeff"):
        assert central.stats()["violations"] == 1


async def test_unknown_and_unwanted_actions_are_told_apart(central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        await charger.send([2, "1", "MakeCoffee", {}])
        assert (await charger.hear())[:3] == [4, "1", "NotImplemented"]
        await charger.send([2, "2", "Reset", {"type": "Hard"}])
        assert (await charger.hear())[:3] == [4, "2", "NotSupported"]
        await charger.send([2, "3", "../../etc/passwd", {}])
        assert (await charger.hear())[:3] == [4, "3", "NotImplemented"]


async def test_a_boot_with_empty_names_is_accepted_so_that_it_does_not_loop(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        answer = await charger.ask("BootNotification", {"chargePointVendor": "", "chargePointModel": "M" * 90})
        assert answer["status"] == "Accepted"
        assert answer["interval"] == 300
        answer = await charger.ask("BootNotification", {})
        assert answer["status"] == "Accepted"
    assert desk.of("booted")[0].vendor == ""
    assert len(desk.of("booted")[0].model) == 80


@pytest.mark.parametrize(
    ("slip", "energy"),
    [
        ({"meterValue": {"timestamp": STAMP, "sampledValue": [{"value": "5000"}]}}, 5000),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": [{"value": 5000}]}]}, 5000),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": {"value": "5000"}}]}, 5000),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": [{"value": "5.0", "unit": "kWh"}]}]}, 5000),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": [{"value": "5000", "context": "Odd"}]}]}, 5000),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": [
            {"value": "50", "measurand": "Frequency", "unit": "Hz"}, {"value": "5000"}]}]}, 5000),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": [
            {"value": "30", "measurand": "Temperature", "unit": "Celcius"}, {"value": "5000"}]}]}, 5000),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": [
            {"value": "2000", "phase": "L1"}, {"value": "2000", "phase": "L2"},
            {"value": "1000", "phase": "L3"}]}]}, 5000),
        ({"meterValue": [{"timestamp": "2022-02-29T00:00:00Z", "sampledValue": [{"value": "5000"}]}]}, 5000),
        ({"meterValue": [{"sampledValue": [{"value": "5000"}]}]}, 5000),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": []}]}, None),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": [{"value": "a lot"}]}]}, None),
        ({"meterValue": [{"timestamp": STAMP, "sampledValue": [{"value": "1e999"}]}]}, None),
        ({"meterValue": []}, None),
        ({"meterValue": "none"}, None),
        ({}, None),
    ],
)  # fmt: skip
async def test_odd_meter_values_are_understood_or_dropped_but_always_answered(
    slip: dict[str, Any], energy: int | None, central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        assert await charger.ask("MeterValues", {"connectorId": 1, "transactionId": 1234, **slip}) == {}
        await _alive(charger)
        if energy is None:
            await asyncio.sleep(0.05)
            assert desk.of("metered") == []
            return
        report = (await eventually(lambda: desk.of("metered")))[0]
        assert (report.transaction_id, report.energy_wh) == (1234, energy)
        assert report.at.tzinfo is UTC


@pytest.mark.parametrize(("number", "kept"), [(0, None), (-1, None), (-16, None), (2**63, None), (2**31, None),
                                              ("77", 77), (77.0, 77), (77, 77)])  # fmt: skip
async def test_transaction_numbers_that_were_never_given_become_orphans(
    number: Any, kept: int | None, central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        stop = {"transactionId": number, "meterStop": 500, "timestamp": STAMP}
        assert await charger.ask("StopTransaction", stop) == {}
    report = desk.of("stopped")[0]
    assert (report.transaction_id, report.meter_stop_wh) == (kept, 500)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"transactionId": 5},
        {"meterStop": "x", "transactionId": None},
        {"transactionId": 5, "meterStop": 1, "timestamp": "yesterday", "reason": "Why"},
    ],
)
async def test_a_stop_is_answered_with_a_result_whatever_is_missing(
    payload: dict[str, Any], central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        assert await charger.ask("StopTransaction", payload) == {}
    assert len(desk.of("stopped")) == 1


@pytest.mark.parametrize("payload", [{}, {"idTag": "GOOD"}, {"connectorId": "one", "idTag": 12}, {**START, "idTag": ""},
                                     {**START, "timestamp": ""}, {**START, "meterStart": -50}])  # fmt: skip
async def test_a_start_is_answered_with_a_number_whatever_is_missing(
    payload: dict[str, Any], central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        answer = await charger.ask("StartTransaction", payload)
    assert answer["transactionId"] > 0
    assert answer["idTagInfo"]["status"] in ("Accepted", "Invalid")
    assert len(desk.of("started")) == 1


async def test_the_same_start_under_a_new_message_id_gets_the_same_number(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        first = await charger.ask("StartTransaction", START)
        again = await charger.ask("StartTransaction", START)
        other = await charger.ask("StartTransaction", {**START, "meterStart": 200})
    assert first["transactionId"] == again["transactionId"] != other["transactionId"]
    assert {report.dedupe_key for report in desk.of("started")} == {key for _, key in desk.starts}
    async with raw_charger(central.port) as charger:  # and after the line was lost
        assert (await charger.ask("StartTransaction", START))["transactionId"] == first["transactionId"]


async def test_starts_without_a_stamp_are_not_taken_for_one_another(central: CentralSystem) -> None:
    bare = {key: value for key, value in START.items() if key != "timestamp"}
    async with raw_charger(central.port) as charger:
        first = await charger.ask("StartTransaction", bare)
        second = await charger.ask("StartTransaction", bare)
    assert first["transactionId"] != second["transactionId"]


async def test_a_message_sent_twice_is_done_once_and_answered_twice(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port) as charger:
        for _ in range(3):
            await charger.send([2, "same", "StopTransaction", {"transactionId": 9, "meterStop": 1, "timestamp": STAMP}])
        answers = [await charger.hear()]
        await charger.send([2, "same", "StopTransaction", {"transactionId": 9, "meterStop": 1, "timestamp": STAMP}])
        answers.append(await charger.hear())
    assert all(answer == [3, "same", {}] for answer in answers)
    assert len(desk.of("stopped")) == 1
    assert central.stats()["repeats"] == 3


async def test_a_charger_that_uses_one_id_for_everything_is_still_served(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        for action, payload in [("BootNotification", BOOT), ("StatusNotification", STATUS), ("Heartbeat", {})]:
            await charger.send([2, "1", action, payload])
            assert (await charger.hear())[:2] == [3, "1"]
    assert (len(desk.of("booted")), len(desk.of("status"))) == (1, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"errorCode": "Error", "status": "Faulted"}, (1, ChargerState.FAULTED, "OtherError")),
        ({"errorCode": "E42-vendor", "status": "Faulted"}, (1, ChargerState.FAULTED, "E42-vendor")),
        ({"errorCode": "", "status": "Faulted"}, (1, ChargerState.FAULTED, "OtherError")),
        ({"connectorId": "2"}, (2, ChargerState.AVAILABLE, "NoError")),
        ({"status": "available"}, (1, ChargerState.AVAILABLE, "NoError")),
        ({"connectorId": 0}, (0, ChargerState.AVAILABLE, "NoError")),
        ({"status": "OutOfCoffee"}, None),
    ],
)
async def test_odd_statuses_are_mended_or_not_believed(
    change: dict[str, Any], told: tuple[int, ChargerState, str] | None, central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        assert await charger.ask("StatusNotification", {**STATUS, **change}) == {}
    found = [(report.connector, report.status, report.error_code) for report in desk.of("status")]
    assert found == ([told] if told else [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"connectorId": None}, "OccurenceConstraintViolation"),
        ({"status": None}, "OccurenceConstraintViolation"),
        ({"connectorId": -1}, "TypeConstraintViolation"),
        ({"connectorId": 2**40}, "TypeConstraintViolation"),
        ({"connectorId": {"id": 1}}, "TypeConstraintViolation"),
    ],
)
async def test_a_status_that_names_no_connector_or_no_state_is_refused(
    change: dict[str, Any], code: str, central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.send([2, "1", "StatusNotification", {**STATUS, **change}])
        assert (await charger.hear())[:3] == [4, "1", code]
        await _alive(charger)
    assert desk.of("status") == []


@pytest.mark.parametrize(
    ("stamp", "understood"),
    [
        ("2026-03-02T08:00:00Z", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02T13:30:00+05:30", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02T08:00:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02T08:00:00.1234567Z", datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)),
        ("2022-02-29T08:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("2099-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        (12, None),
    ],
)
async def test_a_chargers_stamp_is_believed_only_where_it_can_be_true(
    stamp: Any, understood: datetime | None, central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.ask("StatusNotification", {**STATUS, "timestamp": stamp})
    assert desk.of("status")[0].reported_at == understood


async def test_a_status_before_any_boot_counts(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port) as charger:
        await charger.ask("StatusNotification", STATUS)
    assert len(desk.of("status")) == 1


async def test_an_authorization_with_extra_fields_or_without_a_tag(central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        answer = await charger.ask("Authorize", {"idTag": "good", "connectorId": 1})
        assert answer["idTagInfo"]["status"] == "Accepted"
        answer = await charger.ask("Authorize", {"idTag": "T" * 60})
        assert answer["idTagInfo"]["status"] == "Invalid"
        await charger.send([2, "9", "Authorize", {"idTag": ""}])
        assert (await charger.hear())[:3] == [4, "9", "OccurenceConstraintViolation"]


async def test_a_flood_of_stored_readings_is_taken_in_order(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port) as charger:
        for number in range(500):
            value = {"timestamp": STAMP, "sampledValue": [{"value": str(number)}]}
            await charger.send(
                [2, f"f{number}", "MeterValues", {"connectorId": 1, "transactionId": 5, "meterValue": [value]}]
            )
        for number in range(500):
            assert await charger.hear() == [3, f"f{number}", {}]
        await eventually(lambda: len(desk.of("metered")) == 500)
    assert [report.energy_wh for report in desk.of("metered")] == list(range(500))


async def test_a_frame_beyond_the_limit_closes_the_socket_and_nothing_else(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger, raw_charger(central.port, "CP2") as other:
        await charger.send('[2,"1","DataTransfer",{"vendorId":"' + "x" * (1 << 20) + '"}]')
        await charger.socket.wait_closed()
        assert charger.socket.close_code == 1009
        await _alive(other)


async def test_a_fault_of_our_own_is_answered_as_ours(central: CentralSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    from integrations.ocpp.services import Route
    from integrations.ocpp.v16.table import ROUTES

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(ROUTES, "Heartbeat", Route(quick=broken))
    async with raw_charger(central.port) as charger:
        await charger.send([2, "1", "Heartbeat", {}])
        assert (await charger.hear())[:3] == [4, "1", "InternalError"]
    assert central.stats()["internal_errors"] == 1


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_every_message_that_a_charger_may_send_is_answered_by_the_schema(
    version: str, central: CentralSystem
) -> None:
    from integrations.ocpp.schemas import schema
    from integrations.ocpp.v16.table import ROUTES as ROUTES_16
    from integrations.ocpp.v201.table import ROUTES as ROUTES_201

    number = "1.6" if version == "ocpp1.6" else "2.0.1"
    routes = ROUTES_16 if number == "1.6" else ROUTES_201
    async with raw_charger(central.port, subprotocols=(version,)) as charger:
        for place, action in enumerate(routes):
            await charger.send([2, f"e{place}", action, {}])
            answer = await charger.hear()
            assert answer[1] == f"e{place}"
            assert answer[0] == 3 or answer[2] == "OccurenceConstraintViolation", answer
            if answer[0] == 3:
                rules = schema(number, action, "answer")
                assert rules is not None
                assert rules.valid(answer[2]), (action, answer, rules.faults(answer[2]))
