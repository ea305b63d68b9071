"""StatusNotification and NotifyEvent."""

from __future__ import annotations

from ocpp.v201 import call_result

from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.tolerance import instant_of, needed_text, needed_whole, parts_of
from integrations.ocpp.v201.connectors import MAX_CONNECTOR, MAX_EVSE, OCCUPIED, SAID, follow, place, tell
from integrations.ocpp.v201.problems import take
from models.charger import ChargerState
from models.ports import StatusReport


async def status_notification(visit: Visit, payload: Payload) -> call_result.StatusNotification:
    """A connector's state. A state outside the list is answered and not believed."""
    station = visit.station
    evse = needed_whole(payload, "evseId", 0, MAX_EVSE)
    connector = needed_whole(payload, "connectorId", 0, MAX_CONNECTOR)
    word = needed_text(payload, "connectorStatus")
    reported_at = instant_of(payload, "timestamp", visit.at)
    if word != OCCUPIED and word not in SAID:
        visit.odd(f"connector status {word[:40]} is none of OCPP's")
        return call_result.StatusNotification()
    if evse == 0:
        await _station_state(visit, StatusReport(0, SAID.get(word, ChargerState.AVAILABLE), reported_at=reported_at))
        return call_result.StatusNotification()
    pair = evse, connector or 1
    number = await place(visit, *pair)
    station.words[pair] = word
    if word != OCCUPIED:
        station.finished.discard(number)
    await tell(visit, pair, reported_at)
    return call_result.StatusNotification()


async def _station_state(visit: Visit, report: StatusReport) -> None:
    visit.station.statuses[0] = report
    await visit.deliver("status", report)


async def notify_event(visit: Visit, payload: Payload) -> call_result.NotifyEvent:
    """Events of the device model; problems among them explain a connector's Faulted."""
    station = visit.station
    for event in parts_of(payload, "eventData"):
        evse = take(station, event)
        if evse is None:
            continue
        numbers = station.outlets.of_evse(evse) if evse else range(1, len(station.outlets.pairs) + 1)
        for number in numbers:
            if station.words.get(station.outlets.pair(number)) == "Faulted":
                await follow(visit, number, instant_of(event, "timestamp", visit.at))
    return call_result.NotifyEvent()
