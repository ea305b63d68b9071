"""Orders on the wire: one at a time, lost at once with the socket, matched by id however late."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from integrations.ocpp.settings import OcppSettings
from integrations.ocpp.transport import CentralSystem
from models.charger import OrderKind, OrderOutcome
from models.ports import Order, OrderAnswer
from tests.integrations.ocpp.memory_desk import FastClock, MemoryDesk, eventually, raw_charger


def _ask(
    central: CentralSystem, order_id: str, kind: OrderKind = OrderKind.CLEAR_CACHE, timeout_s: float = 300, **args: Any
) -> asyncio.Task[OrderAnswer]:
    return asyncio.create_task(central.call(Order(order_id, "CP1", kind, args, timeout_s)))


async def test_one_order_is_under_way_at_a_time(central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        first, second = _ask(central, "a"), _ask(central, "b")
        assert (await charger.hear())[1] == "a"
        with pytest.raises(TimeoutError):
            await charger.hear(0.1)
        await charger.send([3, "a", {"status": "Accepted"}])
        assert (await charger.hear())[1] == "b"
        await charger.send([3, "b", {"status": "Rejected"}])
        assert (await first).accepted
        assert (await second).status == "Rejected"


async def test_requests_of_the_charger_are_answered_while_an_order_waits(central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        waiting = _ask(central, "a")
        await charger.hear()
        assert "currentTime" in await charger.ask("Heartbeat", {})
        await charger.send([3, "a", {"status": "Accepted"}])
        assert (await waiting).accepted


async def test_an_answer_passes_a_request_whose_desk_is_slow(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    central = CentralSystem(desk, fast_clock, replace(settings, desk_timeout_s=10))
    await central.start()
    async with raw_charger(central.port) as charger:
        await charger.ask("Heartbeat", {})
        desk.hanging = True
        await charger.send([2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}])
        waiting = _ask(central, "a")
        assert (await charger.hear())[1] == "a"
        await charger.send([3, "a", {"status": "Accepted"}])
        assert (await waiting).accepted
        assert desk.of("booted") == []
        assert central.stats()["journaled"] == 0
    await central.stop()


async def test_when_the_socket_goes_whoever_waits_is_told_at_once(central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        first, second = _ask(central, "a", OrderKind.RESET, hard=True), _ask(central, "b")
        await charger.hear()
        charger.socket.transport.abort()
        async with asyncio.timeout(1):
            assert (await first).outcome is OrderOutcome.LOST
            assert (await second).outcome is OrderOutcome.NOT_CONNECTED


async def test_a_late_answer_is_matched_by_id_and_moves_no_other(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        answer = await _ask(central, "a", OrderKind.GET_CONFIGURATION, timeout_s=5)
        assert answer.outcome is OrderOutcome.TIMEOUT
        second = _ask(central, "b")
        assert [(await charger.hear())[1] for _ in range(2)] == ["a", "b"]
        key = {"key": "HeartbeatInterval", "readonly": False, "value": "60"}
        await charger.send([3, "a", {"configurationKey": [key]}])
        await asyncio.sleep(0.05)
        assert not second.done()
        await charger.send([3, "b", {"status": "Accepted"}])
        assert (await second).accepted
        assert central.stats()["late_answers"] == 1
        await eventually(lambda: desk.read == {"HeartbeatInterval": ("60", False)})


async def test_an_order_that_never_got_its_turn_was_surely_not_sent(central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        first = _ask(central, "a", timeout_s=40)
        second = _ask(central, "b", timeout_s=5)
        assert (await second).outcome is OrderOutcome.EXPIRED
        crowd = [_ask(central, f"c{number}", timeout_s=20) for number in range(17)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert crowd[-1].done()
        assert (await crowd[-1]).outcome is OrderOutcome.EXPIRED
        assert (await charger.hear())[1] == "a"
        assert (await first).outcome is OrderOutcome.TIMEOUT


async def test_no_order_is_sent_twice(central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        first = _ask(central, "a")
        await charger.hear()
        await charger.send([3, "a", {"status": "Accepted"}])
        await first
        assert (await _ask(central, "a")).outcome is OrderOutcome.ERROR
        with pytest.raises(TimeoutError):
            await charger.hear(0.1)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ([4, "a", "NotImplemented", "no", {}], "NotImplemented"),
        ([4, "a", "NotSupported"], "NotSupported"),
        ([4, "a"], "GenericError"),
        ([4, "a", None, None, None], "GenericError"),
    ],
)
async def test_an_error_is_an_answer_however_short(frame: list[Any], code: str, central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        waiting = _ask(central, "a")
        await charger.hear()
        await charger.send(frame)
        answer = await waiting
        assert (answer.outcome, answer.response["code"]) == (OrderOutcome.ERROR, code)
        assert not answer.accepted


@pytest.mark.parametrize(
    "payload", [{}, None, "Accepted", {"status": 1}, {"status": "Perhaps"}, {"status": "accepted"}]
)
async def test_an_odd_answer_is_no_yes_unless_it_is_plain(payload: Any, central: CentralSystem) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        waiting = _ask(central, "a")
        await charger.hear()
        await charger.send([3, "a", payload])
        answer = await waiting
        assert answer.outcome is OrderOutcome.ANSWERED
        assert answer.accepted is (payload == {"status": "accepted"})
        assert central.stats()["violations"] == 1


async def test_secrets_are_blank_in_the_log_and_tags_are_not(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port) as charger:
        await eventually(lambda: central.connected("CP1"))
        waiting = _ask(central, "a", OrderKind.CHANGE_CONFIGURATION, key="AuthorizationKey", value="hunter2")
        assert (await charger.hear())[3]["value"] == "hunter2"
        await charger.send([3, "a", {"status": "Accepted"}])
        await waiting
        waiting = _ask(central, "b", OrderKind.GET_CONFIGURATION)
        await charger.hear()
        keys = [{"key": "WifiPassword", "readonly": False, "value": "hunter2"}]
        await charger.send([3, "b", {"configurationKey": keys}])
        assert "hunter2" not in str((await waiting).response)
        await charger.ask("Authorize", {"idTag": "GOOD"})
        await charger.ask("DataTransfer", {"vendorId": "V", "data": '{"password": "hunter2", "x": 1}'})
        await charger.ask("DataTransfer", {"vendorId": "V", "data": "ftp://user:hunter2@host/file"})
        await charger.send('[2,"9","DataTransfer",{"password":"hunter2"')
        await charger.hear()
        await eventually(lambda: any("cannot be read" in record.frame for record in desk.log))
    text = " ".join(record.frame for record in desk.log)
    assert "hunter2" not in text
    assert "GOOD" in text
    assert "ftp://user:***@host/file" in text
    assert {record.direction for record in desk.log} == {"in", "out"}
    assert {"ChangeConfiguration", "Authorize", "DataTransfer"} <= {record.action for record in desk.log}
    assert desk.read["WifiPassword"] == (None, False)


async def test_a_log_that_cannot_be_written_costs_frames_and_nothing_else(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.ask("Heartbeat", {})
        await eventually(lambda: desk.log)
        desk.away = True
        await charger.ask("Heartbeat", {})
        await eventually(lambda: central.stats()["frames_lost"] >= 2)
        desk.away = False
        await charger.ask("Heartbeat", {})


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_charger_nobody_remembers_is_asked_for_its_state(
    version: str, desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    central = CentralSystem(desk, fast_clock, replace(settings, refresh_after_s=10))
    await central.start()
    async with raw_charger(central.port, subprotocols=(f"ocpp{version}",)) as charger:
        _, message_id, action, payload = await charger.hear()
        assert (action, payload["requestedMessage"]) == ("TriggerMessage", "StatusNotification")
        assert payload.get("evse") == (None if version == "1.6" else {"id": 1, "connectorId": 1})
        await charger.send([3, message_id, {"status": "Accepted"}])
        if version == "2.0.1":
            _, message_id, _, payload = await charger.hear()
            assert payload["evse"] == {"id": 2, "connectorId": 1}
            await charger.send([3, message_id, {"status": "Rejected"}])
        with pytest.raises(TimeoutError):
            await charger.hear(0.3)
    await central.stop()


async def test_a_charger_that_told_its_state_is_not_asked(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    central = CentralSystem(desk, fast_clock, replace(settings, refresh_after_s=10))
    await central.start()
    async with raw_charger(central.port) as charger:
        await charger.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        with pytest.raises(TimeoutError):
            await charger.hear(0.4)
    await central.stop()
