"""TransactionEvent and MeterValues."""

from __future__ import annotations

from ocpp.v201 import call_result

from integrations.ocpp.readings import Reading, readings
from integrations.ocpp.reports import KEPT
from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.station import Session, Station
from integrations.ocpp.tolerance import instant_of, needed_text, part_of, text_of, whole_of
from integrations.ocpp.v201.authorize import tag_of, token_info
from integrations.ocpp.v201.connectors import MAX_CONNECTOR, MAX_EVSE, follow, place
from models.charger import ChargerState
from models.ports import MeterReport, StartReport, StopReport, TagVerdict

STATES = {
    "Charging": ChargerState.CHARGING,
    "EVConnected": ChargerState.PREPARING,
    "SuspendedEV": ChargerState.SUSPENDED_EV,
    "SuspendedEVSE": ChargerState.SUSPENDED_EVSE,
}


async def transaction_event(visit: Visit, payload: Payload) -> call_result.TransactionEvent:
    """A session began, went on, or ended. Live and late events are taken alike."""
    kind = needed_text(payload, "eventType")
    remote_id = needed_text(part_of(payload, "transactionInfo"), "transactionId")[:36]
    at = instant_of(payload, "timestamp", visit.at) or visit.at
    found = readings(payload, visit.at)
    tag = tag_of(payload)
    session = visit.station.session_named(remote_id)
    number = await _connector(visit, payload, session)
    verdict: TagVerdict | None = None
    if kind == "Started":
        verdict = await _started(visit, payload, remote_id, number, found)
        found = found[1:] if found and found[0].energy_wh is not None else found
        session = visit.station.session_named(remote_id)
    _note_state(session, payload)
    seq = whole_of(payload, "seqNo")
    for reading in found:
        visit.put("metered", _metered(session, remote_id, number, reading, seq))
    if kind == "Ended":
        await _ended(visit, payload, session, number, found)
    await follow(visit, number, at)
    if tag is not None and verdict is None:
        verdict = await visit.verdict(tag)
    info = token_info(verdict) if tag is not None and verdict is not None else None
    return call_result.TransactionEvent(id_token_info=info)


async def _connector(visit: Visit, payload: Payload, session: Session | None) -> int:
    """The connector's number: the one named, the session's own, or the busy one of the EVSE named."""
    evse = part_of(payload, "evse")
    number, connector = whole_of(evse, "id"), whole_of(evse, "connectorId")
    if number is None:
        return session.connector if session is not None else 1
    if not 0 < number <= MAX_EVSE:
        return session.connector if session is not None else 0
    if connector and 0 < connector <= MAX_CONNECTOR:
        return await place(visit, number, connector)
    if session is not None:
        return session.connector
    station = visit.station
    await place(visit, number, 1)
    busy = (one for one in station.outlets.of_evse(number) if _occupied(station, one))
    return next(busy, station.outlets.number(number, 1))


def _occupied(station: Station, number: int) -> bool:
    return station.words.get(station.outlets.pair(number)) == "Occupied"


async def _started(visit: Visit, payload: Payload, remote_id: str, connector: int, found: list[Reading]) -> TagVerdict:
    station, services = visit.station, visit.services
    key = f"2.0.1:{remote_id}"
    first = found[0].energy_wh if found else None
    tag = tag_of(payload)
    report = StartReport(
        transaction_id=station.starts.get(key) or await services.ids.next(),
        connector=connector,
        id_tag=tag,
        meter_start_wh=first or 0,
        started_at=instant_of(payload, "timestamp", visit.at) or visit.at,
        dedupe_key=key,
        remote_id=remote_id,
        seq=whole_of(payload, "seqNo"),
    )
    answer = await visit.deliver("started", report)
    if answer is KEPT:
        number = report.transaction_id
        verdict = services.tags.recall(station.charger_id, tag, visit.at) if tag else TagVerdict("Invalid")
    else:
        number, verdict = answer
        if tag is not None:
            services.tags.learn(station.charger_id, tag, verdict)
    origin = 0 if first is not None else None
    if key not in station.starts:
        station.begun(key, Session(number, connector, tag, remote_id, origin_wh=origin))
        station.finished.discard(connector)
    return verdict


def _note_state(session: Session | None, payload: Payload) -> None:
    word = part_of(payload, "transactionInfo").get("chargingState")
    if session is None or not isinstance(word, str):
        return
    if word == "Idle":
        session.state = ChargerState.PREPARING if session.state is None else ChargerState.FINISHING
    else:
        session.state = STATES.get(word, session.state)


def _metered(
    session: Session | None, remote_id: str | None, connector: int, reading: Reading, seq: int | None
) -> MeterReport:
    return MeterReport(
        transaction_id=session.transaction_id if session is not None else None,
        remote_id=remote_id,
        connector=connector,
        at=reading.at,
        energy_wh=session.energy(reading.energy_wh) if session is not None else reading.energy_wh,
        power_w=reading.power_w,
        soc_percent=reading.soc_percent,
        seq=seq,
    )


async def _ended(visit: Visit, payload: Payload, session: Session | None, connector: int, found: list[Reading]) -> None:
    info = part_of(payload, "transactionInfo")
    last = next((reading.energy_wh for reading in reversed(found) if reading.energy_wh is not None), None)
    if session is not None:
        last = session.energy(last if last is not None else session.last_wh)
    report = StopReport(
        transaction_id=session.transaction_id if session is not None else None,
        remote_id=needed_text(info, "transactionId")[:36],
        meter_stop_wh=last,
        stopped_at=instant_of(payload, "timestamp", visit.at) or visit.at,
        reason=text_of(info, "stoppedReason", 40) or "Local",
        id_tag=tag_of(payload),
        connector=connector,
        seq=whole_of(payload, "seqNo"),
    )
    if session is not None:
        visit.station.ended(session.transaction_id)
    if _occupied(visit.station, connector):
        visit.station.finished.add(connector)
    await visit.deliver("stopped", report)


def meter_values(visit: Visit, payload: Payload) -> call_result.MeterValues:
    """Readings outside of transaction events, answered at once. EVSE 0 is the grid's meter and no session's."""
    station = visit.station
    evse = whole_of(payload, "evseId") or 0
    numbers = station.outlets.of_evse(evse) if evse > 0 else []
    session = next((found for number in numbers if (found := station.session_at(number)) is not None), None)
    if session is not None:
        for reading in readings(payload, visit.at):
            visit.put("metered", _metered(session, session.remote_id, session.connector, reading, None))
    return call_result.MeterValues()
