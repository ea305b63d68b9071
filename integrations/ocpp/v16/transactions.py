"""StartTransaction, StopTransaction and MeterValues. Start and Stop are always answered with a result: a charger
that gets none, or an error, repeats them for ever and sends nothing else."""

from __future__ import annotations

from ocpp.v16 import call_result

from integrations.ocpp.readings import Reading, readings
from integrations.ocpp.reports import KEPT
from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.station import Session
from integrations.ocpp.tolerance import instant_of, register_of, text_of, whole_of
from integrations.ocpp.v16.authorize import tag_info
from integrations.ocpp.v16.status import MAX_CONNECTOR
from models.charger import ChargerState
from models.ports import MeterReport, StartReport, StopReport, TagVerdict


async def start_transaction(visit: Visit, payload: Payload) -> call_result.StartTransaction:
    """A session began. The same start heard again gets the number it got the first time."""
    station = visit.station
    connector = connector_of(payload)
    tag = text_of(payload, "idTag", 36)
    meter = register_of(payload, "meterStart") or 0
    started_at = instant_of(payload, "timestamp", visit.at)
    key = _start_key(visit, payload, connector, tag, meter, stamped=started_at is not None)
    report = StartReport(
        transaction_id=station.starts.get(key) or await visit.services.ids.next(),
        connector=connector,
        id_tag=tag,
        meter_start_wh=meter,
        started_at=started_at or visit.at,
        dedupe_key=key,
    )
    number, verdict = await _book(visit, report)
    station.begun(key, Session(number, connector, tag, state=ChargerState.CHARGING))
    return call_result.StartTransaction(transaction_id=number, id_tag_info=tag_info(verdict))


def _start_key(visit: Visit, payload: Payload, connector: int, tag: str | None, meter: int, *, stamped: bool) -> str:
    """What makes two starts the same one. Without a usable stamp only the repeated message itself is the same."""
    when = str(payload["timestamp"])[:40] if stamped else "#" + visit.message_id.replace("\x00", "")[:40]
    return f"{connector}:{(tag or '').upper()}:{when}:{meter}:{whole_of(payload, 'reservationId') or ''}"


async def _book(visit: Visit, report: StartReport) -> tuple[int, TagVerdict]:
    answer = await visit.deliver("started", report)
    who = visit.station.charger_id
    if answer is not KEPT:
        number, verdict = answer
        if report.id_tag is not None:
            visit.services.tags.learn(who, report.id_tag, verdict)
        return number, verdict
    known = visit.services.tags.recall(who, report.id_tag, visit.at) if report.id_tag else TagVerdict("Invalid")
    return report.transaction_id, known


async def stop_transaction(visit: Visit, payload: Payload) -> call_result.StopTransaction:
    """A session ended. One that was never ours is kept by the desk as an orphan."""
    number = transaction_of(visit, payload)
    session = visit.station.ended(number)
    connector = session.connector if session is not None else None
    for reading in readings(payload, visit.at, "transactionData"):
        visit.put("metered", _report(number, connector or 0, reading))
    tag = text_of(payload, "idTag", 36)
    report = StopReport(
        transaction_id=number,
        remote_id=None,
        meter_stop_wh=register_of(payload, "meterStop"),
        stopped_at=instant_of(payload, "timestamp", visit.at) or visit.at,
        reason=text_of(payload, "reason", 40) or "Local",
        id_tag=tag,
        connector=connector,
    )
    await visit.deliver("stopped", report)
    info = tag_info(await visit.verdict(tag)) if tag is not None else None
    return call_result.StopTransaction(id_tag_info=info)


def meter_values(visit: Visit, payload: Payload) -> call_result.MeterValues:
    """Readings, answered at once."""
    connector = connector_of(payload)
    number = transaction_of(visit, payload)
    if number is None and (session := visit.station.session_at(connector)) is not None:
        number = session.transaction_id
    for reading in readings(payload, visit.at):
        visit.put("metered", _report(number, connector, reading))
    return call_result.MeterValues()


def _report(number: int | None, connector: int, reading: Reading) -> MeterReport:
    return MeterReport(
        transaction_id=number,
        remote_id=None,
        connector=connector,
        at=reading.at,
        energy_wh=reading.energy_wh,
        power_w=reading.power_w,
        soc_percent=reading.soc_percent,
    )


def transaction_of(visit: Visit, payload: Payload) -> int | None:
    """The transaction number in a message; None for one that we can never have given."""
    number = whole_of(payload, "transactionId")
    if number is not None and number > 0:
        return number
    if "transactionId" in payload:
        visit.odd(f"transaction {str(payload['transactionId'])[:30]} was never given")
    return None


def connector_of(payload: Payload) -> int:
    """The connector's number; 0 where it cannot be one."""
    number = whole_of(payload, "connectorId") or 0
    return number if 0 <= number <= MAX_CONNECTOR else 0
