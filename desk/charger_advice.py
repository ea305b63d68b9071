"""What helps a charger, by its own symptoms: advice for whoever looks at it, never an act.

Session stuck though the car is full: Reset. Offline and Available in turns: Reboot. A transient fault: Clear Fault.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from desk import chargers
from desk.work import Work
from models.charger import Charger, ChargerState, Connector, FaultClass, fault_class
from models.charging import ChargingTransaction, MeterSample
from models.incident import Incident

STUCK_AFTER = timedelta(minutes=20)
"""A session that has drawn nothing for so long is a stuck one."""
TURNS, TURNS_WITHIN = 2, timedelta(hours=24)
"""So many silences within so long are a charger that comes and goes."""
TURNS_LINES, TURNS_LINES_WITHIN = 2, timedelta(hours=1)

_BY_CLASS: dict[FaultClass, tuple[str, str | None]] = {
    FaultClass.SAFETY: ("chargers_page.advice.safety", None),
    FaultClass.MECHANICAL: ("chargers_page.advice.unlock", "unlock"),
    FaultClass.GRID: ("chargers_page.advice.grid", None),
    FaultClass.METER: ("chargers_page.advice.clear", "clear"),
    FaultClass.SOFTWARE: ("chargers_page.advice.clear", "clear"),
    FaultClass.LIST: ("chargers_page.advice.clear", "clear"),
    FaultClass.RADIO: ("chargers_page.advice.radio", None),
    FaultClass.UNKNOWN: ("chargers_page.advice.unknown", None),
}


def of(work: Work, charger: Charger) -> list[dict[str, Any]]:
    """`[{"code", "facts", "command"}]`: phrases, and the command that each is about, where there is one.

    Danger silences the rest: nothing is to be switched from afar then.
    """
    rows = chargers.connectors(work, charger.id)
    if not charger.online:
        return [_says("chargers_page.advice.offline")]
    faults = [_fault(row) for row in rows if row.status is ChargerState.FAULTED]
    danger = [advice for advice in faults if advice["code"] == "chargers_page.advice.safety"]
    if danger:
        return danger[:1]
    if charger.out_of_service_since_at is not None:
        return [_says("chargers_page.advice.restore", "restore")]
    found = faults[:1]
    found += [_says("chargers_page.advice.reset", "reset", connector=number) for number in _stuck(work, charger)][:1]
    if _comes_and_goes(work, charger):
        found.append(_says("chargers_page.advice.reboot", "reboot"))
    return found


def _says(code: str, command: str | None = None, **facts: Any) -> dict[str, Any]:
    return {"code": code, "facts": facts, "command": command}


def _fault(row: Connector) -> dict[str, Any]:
    code, command = _BY_CLASS[fault_class(row.error_code, row.vendor_error, row.info)]
    return _says(code, command, connector=row.number, error_code=row.error_code)


def _stuck(work: Work, charger: Charger) -> list[int]:
    """Connectors whose session draws nothing any more."""
    before = work.now - STUCK_AFTER
    sessions = work.session.scalars(
        select(ChargingTransaction).where(
            ChargingTransaction.charger_id == charger.id,
            ChargingTransaction.stopped_at.is_(None),
            ChargingTransaction.started_at < before,
        )
    ).all()
    return sorted(row.connector for row in sessions if not _drew_since(work, row, before))


def _drew_since(work: Work, session: ChargingTransaction, before: datetime) -> bool:
    """Whether the register rose, judged by the readings since; fewer than two prove nothing against it."""
    readings, lowest, highest = work.session.execute(
        select(
            func.count(MeterSample.energy_wh), func.min(MeterSample.energy_wh), func.max(MeterSample.energy_wh)
        ).where(MeterSample.transaction_id == session.id, MeterSample.at >= before)
    ).one()
    return readings < 2 or lowest != highest


def _comes_and_goes(work: Work, charger: Charger) -> bool:
    silences = work.session.scalar(
        select(func.count()).where(
            Incident.charger_id == charger.id,
            Incident.cause == "silence",
            Incident.opened_at > work.now - TURNS_WITHIN,
        )
    )
    return (silences or 0) >= TURNS or lines_dropped(work, charger)


def lines_dropped(work: Work, charger: Charger) -> bool:
    """Connected, but it came back twice within the hour."""
    since = work.now - TURNS_LINES_WITHIN
    times = (charger.connected_at, charger.connected_before_at)
    return charger.online and charger.epoch > TURNS_LINES and all(at is not None and at > since for at in times)
