"""Every charger is answered while the desk is away, and nothing that it said is lost."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from integrations.ocpp.journal import Entry, Journal, Socket
from integrations.ocpp.settings import OcppSettings
from integrations.ocpp.transport import CentralSystem
from models.charger import ChargerState
from models.ports import StatusReport, TagVerdict
from tests.integrations.ocpp.memory_desk import FastClock, MemoryDesk, RawCharger, eventually, raw_charger

STAMP = "2026-03-02T08:00:00Z"


async def _say_status(charger: RawCharger, status: str, error: str = "NoError") -> None:
    payload = {"connectorId": 1, "errorCode": error, "status": status, "timestamp": STAMP}
    assert await charger.ask("StatusNotification", payload) == {}


async def _charge(charger: RawCharger, meter: int = 100) -> int:
    start = {"connectorId": 1, "idTag": "GOOD", "meterStart": meter, "timestamp": STAMP}
    number = int((await charger.ask("StartTransaction", start))["transactionId"])
    value = {"timestamp": STAMP, "sampledValue": [{"value": "150"}]}
    await charger.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})
    await charger.ask("StopTransaction", {"transactionId": number, "meterStop": 200, "timestamp": STAMP})
    return number


@pytest.mark.parametrize("how", ["away", "hanging"])
async def test_a_whole_session_is_kept_and_told_in_order_when_the_desk_is_back(
    how: str, central: CentralSystem, desk: MemoryDesk, settings: OcppSettings
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.ask("Authorize", {"idTag": "GOOD"})
        earlier = await _charge(charger)  # while the desk is there, so that numbers are in hand
        before = len(desk.told)
        setattr(desk, how, True)
        began = time.monotonic()
        await _say_status(charger, "Charging")
        number = await _charge(charger, meter=900)
        await _say_status(charger, "Available")
        assert time.monotonic() - began < 3
        assert central.stats()["journal_pending"] >= 5
        assert len(settings.journal.read_bytes().splitlines()) >= 5
        assert len(desk.told) == before
        setattr(desk, how, False)
        await eventually(lambda: central.stats()["journal_pending"] == 0)
    told = desk.told[before : before + 5]
    assert [verb for verb, _, _ in told] == ["status", "started", "metered", "stopped", "status"]
    assert told[1][2].transaction_id == told[2][2].transaction_id == told[3][2].transaction_id
    assert number == desk.starts["CP1", told[1][2].dedupe_key] != earlier
    await eventually(lambda: settings.journal.read_bytes() == b"")


async def test_the_verdict_on_a_tag_comes_from_memory_or_is_no(central: CentralSystem, desk: MemoryDesk) -> None:
    desk.tags["BAD"] = TagVerdict("Blocked")
    async with raw_charger(central.port) as charger:
        await charger.ask("Authorize", {"idTag": "GOOD"})
        await charger.ask("Authorize", {"idTag": "BAD"})
        desk.away = True
        answers = [await charger.ask("Authorize", {"idTag": tag}) for tag in ("good", "BAD", "NEW")]
        desk.away = False
    assert [answer["idTagInfo"]["status"] for answer in answers] == ["Accepted", "Blocked", "Invalid"]


async def test_without_any_number_in_hand_a_start_is_told_to_try_again(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.ask("Heartbeat", {})
        desk.away = True
        await charger.send(
            [2, "1", "StartTransaction", {"connectorId": 1, "idTag": "GOOD", "meterStart": 1, "timestamp": STAMP}]
        )
        assert (await charger.hear())[:3] == [4, "1", "InternalError"]
        desk.away = False
        assert await _charge(charger) > 0


async def test_what_was_kept_is_told_at_the_next_start(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    first = CentralSystem(desk, fast_clock, settings)
    await first.start()
    async with raw_charger(first.port) as charger:
        await charger.ask("Heartbeat", {})
        desk.away = True
        await _say_status(charger, "Faulted", "InternalError")
        await _say_status(charger, "Available")
    await first.stop()
    with settings.journal.open("ab") as file:
        file.write(b'{"kind":"status","charger')  # the power went while this was written
    desk.away = False
    second = CentralSystem(desk, fast_clock, settings)
    await second.start()
    await eventually(lambda: second.stats()["journal_pending"] == 0)
    assert [report.status for report in desk.of("status")] == [ChargerState.FAULTED, ChargerState.AVAILABLE]
    assert desk.online == {}
    await second.stop()


async def test_a_report_that_breaks_the_desk_is_set_aside_and_holds_up_nobody(
    central: CentralSystem, desk: MemoryDesk, settings: OcppSettings
) -> None:
    desk.poison = lambda verb, report: verb == "status" and report.error_code == "Poison"
    async with raw_charger(central.port) as charger, raw_charger(central.port, "CP2") as other:
        await _say_status(charger, "Faulted", "Poison")
        await _say_status(other, "Available")
        await _say_status(charger, "Available")
        await eventually(lambda: central.stats()["journal_pending"] == 0)
        assert [report.status for report in desk.of("status")] == [ChargerState.AVAILABLE, ChargerState.AVAILABLE]
        assert central.stats()["reports_dead"] == 1
        assert b"Poison" in settings.journal.with_suffix(".dead.jsonl").read_bytes()


async def test_what_was_received_is_told_though_the_socket_went(central: CentralSystem, desk: MemoryDesk) -> None:
    async with raw_charger(central.port) as charger:
        for number in range(20):
            payload = {"transactionId": 100 + number, "meterStop": 1, "timestamp": STAMP}
            await charger.send([2, f"s{number}", "StopTransaction", payload])
        charger.socket.transport.close()
    await eventually(lambda: desk.online == {} and desk.of("disconnected"))
    stops = [report.transaction_id for report in desk.of("stopped")]
    assert stops == [100 + number for number in range(len(stops))]
    assert len(stops) == 20


async def test_the_journal_takes_up_where_it_was(tmp_path: Path) -> None:
    def entry(number: int) -> Entry:
        at = FastClock().now()
        return Entry("status", f"CP{number % 2}", at, StatusReport(number, ChargerState.AVAILABLE, reported_at=at))

    journal = Journal(tmp_path / "deep" / "j.jsonl")
    journal.load()
    entries = [entry(number) for number in range(5)]
    await asyncio.gather(journal.append(entries[:2]), journal.append(entries[2:]))
    await journal.drop_head()
    await journal.drop_head()
    again = Journal(journal.path)
    again.load()
    assert again.head == entries[2]
    assert len(again) == 3
    assert again.holds("CP1")
    await again.append([entry(9)])
    for _ in range(4):
        await again.drop_head()
    assert not again.holds("CP1")
    assert journal.path.read_bytes() == b""


async def test_it_stops_within_two_seconds_though_the_desk_hangs_and_keeps_what_was_said(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    central = CentralSystem(desk, fast_clock, replace(settings, desk_timeout_s=30))
    await central.start()
    async with raw_charger(central.port) as charger:
        await charger.ask("Heartbeat", {})
        desk.hanging = True
        for number in range(3):
            stop = {"transactionId": 7 + number, "meterStop": 1, "timestamp": STAMP}
            await charger.send([2, f"s{number}", "StopTransaction", stop])
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await central.stop()
        assert time.monotonic() - began < 2
    journal = Journal(settings.journal)
    journal.load()
    assert journal.head is not None
    assert journal.head.kind == "stopped"


async def test_nothing_is_set_aside_while_the_desk_takes_nothing_at_all(
    central: CentralSystem, desk: MemoryDesk
) -> None:
    async with raw_charger(central.port) as charger:
        await charger.ask("Heartbeat", {})
        desk.poison = lambda _verb, _report: True  # a desk that fails in a way nobody foresaw
        await _say_status(charger, "Charging")
        await _say_status(charger, "Available")
        await asyncio.sleep(0.5)
        desk.poison = lambda _verb, _report: False
        await eventually(lambda: central.stats()["journal_pending"] == 0)
    assert [report.status for report in desk.of("status")] == [ChargerState.CHARGING, ChargerState.AVAILABLE]
    assert central.stats()["reports_dead"] == 0


async def test_a_socket_that_an_earlier_run_never_saw_close_is_closed_at_the_next_start(
    desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings
) -> None:
    journal = Journal(settings.journal)
    journal.load()
    await journal.append([Entry("connected", "CP1", fast_clock.now(), Socket("token", "1.6"))])
    central = CentralSystem(desk, fast_clock, settings)
    await central.start()
    await eventually(lambda: desk.of("disconnected") == [1])
    assert desk.online == {}
    await central.stop()
