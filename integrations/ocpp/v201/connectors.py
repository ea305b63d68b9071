"""From (evse, connector) and the few states of 2.0.1 to the numbers and states that the desk knows."""

from __future__ import annotations

from datetime import datetime

from integrations.ocpp.services import Visit
from integrations.ocpp.station import Station
from integrations.ocpp.v201.problems import problem_at
from models.charger import IN_SESSION, ChargerState
from models.ports import StatusReport

SAID = {
    "Available": ChargerState.AVAILABLE,
    "Reserved": ChargerState.RESERVED,
    "Unavailable": ChargerState.UNAVAILABLE,
    "Faulted": ChargerState.FAULTED,
}
OCCUPIED = "Occupied"
MAX_EVSE, MAX_CONNECTOR = 200, 20


async def place(visit: Visit, evse: int, connector: int) -> int:
    """The number of a pair. Where a pair heard late moves others up, their states are told again."""
    station = visit.station
    before = list(station.outlets.pairs)
    if station.outlets.learn(evse, connector):
        for session in station.sessions.values():
            if 1 <= session.connector <= len(before):
                session.connector = station.outlets.number(*before[session.connector - 1])
        station.finished = {station.outlets.number(*before[number - 1]) for number in station.finished}
        for pair in [pair for pair in before if pair in station.words]:
            await tell(visit, pair, None)
    return station.outlets.number(evse, connector)


async def tell(visit: Visit, pair: tuple[int, int], reported_at: datetime | None) -> None:
    """Tell the desk the state of a connector as it follows from all that is known of it."""
    station = visit.station
    report = _report(station, pair, reported_at)
    if report is not None:
        station.statuses[report.connector] = report
        await visit.deliver("status", report)


async def follow(visit: Visit, number: int, reported_at: datetime | None) -> None:
    """Tell the desk where a session, or a problem, has changed what an unchanged status word means."""
    if number < 1:
        return
    station = visit.station
    pair = station.outlets.pair(number)
    session = station.session_at(number)
    if pair not in station.words:
        if session is None or session.state not in IN_SESSION:
            return
        station.words[pair] = OCCUPIED
    last = station.statuses.get(number)
    report = _report(station, pair, reported_at)
    if report is None or (last is not None and _gist(last) == _gist(report)):
        return
    station.statuses[number] = report
    await visit.deliver("status", report)


def _report(station: Station, pair: tuple[int, int], reported_at: datetime | None) -> StatusReport | None:
    word = station.words.get(pair)
    number = station.outlets.number(*pair)
    status = _occupied(station, number) if word == OCCUPIED else SAID.get(word or "")
    if status is None:
        return None
    report = StatusReport(number, status, reported_at=reported_at, evse=pair[0], evse_connector=pair[1])
    if status is not ChargerState.FAULTED:
        return report
    problem = problem_at(station, pair[0])
    return StatusReport(
        number,
        status,
        error_code=problem.error_code,
        vendor_error=problem.vendor_error,
        info=problem.info,
        reported_at=reported_at,
        evse=pair[0],
        evse_connector=pair[1],
    )


def _occupied(station: Station, number: int) -> ChargerState:
    session = station.session_at(number)
    if session is not None and session.state is not None:
        return session.state
    return ChargerState.FINISHING if number in station.finished else ChargerState.PREPARING


def _gist(report: StatusReport) -> tuple[ChargerState, str, str | None, str | None]:
    return report.status, report.error_code, report.vendor_error, report.info
