"""What members do to a session or a cable from afar: end a session, let a connector go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk import audit, chargers, force_charge, runs
from desk.work import Work
from models.access import Permission
from models.charger import ProcedureRun, RunKind
from models.charging import ChargingTransaction
from models.errors import NotFound, Refusal
from models.force_charge import ForceCharge, ForceState


def running(work: Work, charger_id: str, connector: int | None) -> ChargingTransaction:
    """The one session that runs there. Refuses where none does, and where it could be several."""
    work.require(Permission.COMMAND_CHARGERS)
    chargers.get(work, charger_id)
    query = select(ChargingTransaction).where(
        ChargingTransaction.charger_id == charger_id, ChargingTransaction.stopped_at.is_(None)
    )
    if connector is not None:
        query = query.where(ChargingTransaction.connector == connector)
    found = list(work.session.scalars(query.order_by(ChargingTransaction.connector, ChargingTransaction.id.desc())))
    if not found:
        raise Refusal("charge.nothing_runs", id=charger_id)
    if len({session.connector for session in found}) > 1:
        raise Refusal("charge.which", id=charger_id, connectors=", ".join(str(one.connector) for one in found))
    return found[0]


def shown(work: Work, charger_id: str, connector: int | None) -> dict[str, Any]:
    """What would be ended: for the question."""
    if not chargers.get(work, charger_id).online:
        raise Refusal("run.not_connected", charger_id=charger_id)
    return {**force_charge.summary(work, running(work, charger_id, connector)), "id": charger_id}


def stop(work: Work, charger_id: str, connector: int | None, report_to: dict[str, Any]) -> ProcedureRun:
    """Have a session ended; whoever asked is told what it came to."""
    runs.hold(work, charger_id)
    session = running(work, charger_id, connector)
    watched = work.session.scalar(
        select(ForceCharge).where(ForceCharge.transaction_id == session.id, ForceCharge.ended_at.is_(None))
    )
    if watched is not None:
        watched.state, watched.stop_again_at = ForceState.STOPPING, work.now + force_charge.STOP_AGAIN
        if watched.door == report_to.get("door"):
            watched.door = None  # the run tells them
    audit.record(work, "charge.stop_asked", f"charger:{charger_id}", transaction_id=session.id)
    return force_charge.make_stop(work, session, report_to)


def outlet(work: Work, charger_id: str, connector: int | None) -> int:
    """The connector that is meant. Refuses one that is not there, and none where there are several."""
    work.require(Permission.COMMAND_CHARGERS)
    chargers.get(work, charger_id)
    numbers = [row.number for row in chargers.connectors(work, charger_id) if row.number > 0]
    if connector is None and len(numbers) > 1:
        raise Refusal("charge.which", id=charger_id, connectors=", ".join(map(str, numbers)))
    number = connector if connector is not None else next(iter(numbers), 1)
    if numbers and number not in numbers:
        raise NotFound("run.no_connector", charger_id=charger_id, connector=number)
    return number


def unlock(
    work: Work, charger_id: str, connector: int | None, report_to: dict[str, Any], *, despite_session: bool
) -> ProcedureRun:
    """Have a connector let its cable go. Refuses one in use, unless the member was warned of that."""
    runs.hold(work, charger_id)
    number = outlet(work, charger_id, connector)
    in_use = select(ChargingTransaction.id).where(
        ChargingTransaction.charger_id == charger_id,
        ChargingTransaction.connector == number,
        ChargingTransaction.stopped_at.is_(None),
    )
    if not despite_session and work.session.scalar(in_use.limit(1)) is not None:
        raise Refusal("run.in_session", charger_id=charger_id)
    return runs.make(
        work, RunKind.UNLOCK, charger_id, connector=number, args=report_to, conversation_id=None, message_id=None,
        incident_id=None,
    )  # fmt: skip


def outcome(work: Work, transaction_id: int) -> dict[str, Any]:
    """How a session stands: `running`, and its summary."""
    session = work.session.get_one(ChargingTransaction, transaction_id)
    return {**force_charge.summary(work, session), "running": session.stopped_at is None}
