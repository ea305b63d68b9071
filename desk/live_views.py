"""What the live page shows: the latest messages, chargers, procedures, tickets with their clocks, the board."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk import chargers, tally
from desk.work import Work
from models.access import Permission
from models.charger import ProcedureRun
from models.charging import ChargingTransaction
from models.contact import Contact
from models.member import TeamAlert
from models.message import Message
from models.outbox import OutboxItem
from models.sla import SlaClock
from models.tally import Counted
from models.ticket import LIVE, Ticket

MESSAGES = 30
TICKETS = 10
ALERTS = 12
RUNS = 6
CHARGERS = 60


def snapshot(work: Work) -> dict[str, Any]:
    """Everything at once; each part is bounded."""
    work.require(Permission.VIEW_DASHBOARD)
    return {
        "at": work.now.isoformat(),
        "messages": messages(work),
        "chargers": charger_tiles(work),
        "runs": runs(work),
        "tickets": tickets(work),
        "counts": counts(work),
        "alerts": alerts(work),
    }


def messages(work: Work) -> list[dict[str, Any]]:
    """The latest messages, newest first."""
    rows = work.session.execute(
        select(Message, Contact.name, OutboxItem.state, OutboxItem.language, OutboxItem.repeated)
        .join(Contact, Contact.id == Message.contact_id)
        .outerjoin(OutboxItem, OutboxItem.message_id == Message.id)
        .order_by(Message.id.desc())
        .limit(MESSAGES)
    )
    return [
        {
            "id": message.id,
            "direction": message.direction.value,
            "channel": message.channel,
            "name": name or "",
            "sender": message.sender,
            "text": message.text,
            "code": message.code,
            "facts": message.facts,
            "kind": message.kind.value,
            "category": message.category.value if message.category else None,
            "confidence": message.confidence,
            "urgency": message.urgency.value if message.urgency else None,
            "language": message.language or language,
            "state": message.state.value,
            "delivery": state.value if state else None,
            "repeated": bool(repeated),
            "at": message.received_at.isoformat(),
        }
        for message, name, state, language, repeated in rows
    ]


def charger_tiles(work: Work) -> list[dict[str, Any]]:
    """The chargers in order of id, in the shape of the API, with the energy of their running sessions."""
    tiles = chargers.page(work, limit=CHARGERS, after=None)
    running = {
        session.id: session.energy_wh
        for session in work.session.scalars(
            select(ChargingTransaction).where(ChargingTransaction.stopped_at.is_(None)).limit(CHARGERS * 4)
        )
    }
    for tile in tiles:
        energies = [
            running.get(connector["transaction"], 0) for connector in tile["connectors"] if connector["transaction"]
        ]
        tile["energy_wh"] = sum(energies) if energies else None
    return tiles


def runs(work: Work) -> list[dict[str, Any]]:
    """The latest procedures with their steps, newest first."""
    rows = work.session.scalars(select(ProcedureRun).order_by(ProcedureRun.id.desc()).limit(RUNS))
    return [
        {
            "id": run.id,
            "kind": run.kind.value,
            "charger_id": run.charger_id,
            "connector": run.connector,
            "step": run.step,
            "steps": run.steps,
            "result": run.result.value if run.result else None,
            "by": run.actor_name,
            "at": run.created_at.isoformat(),
            "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        }
        for run in rows
    ]


def tickets(work: Work) -> list[dict[str, Any]]:
    """The tickets updated last, with their clocks."""
    rows = list(
        work.session.scalars(select(Ticket).order_by(Ticket.updated_at.desc(), Ticket.id.desc()).limit(TICKETS))
    )
    clocks: dict[int, list[dict[str, Any]]] = {ticket.id: [] for ticket in rows}
    found = work.session.scalars(select(SlaClock).where(SlaClock.ticket_id.in_(clocks)).order_by(SlaClock.id))
    for clock in found:
        clocks[clock.ticket_id].append(
            {
                "kind": clock.kind.value,
                "state": clock.state.value,
                "target_s": clock.target_s,
                "due_at": clock.due_at.isoformat() if clock.due_at else None,
                "breached": clock.breached_at is not None,
            }
        )
    return [
        {
            "ref": ticket.ref,
            "status": ticket.status.value,
            "priority": ticket.priority.value,
            "category": ticket.category.value,
            "department": ticket.department.value,
            "summary": ticket.summary,
            "charger_id": ticket.charger_id,
            "created_at": ticket.created_at.isoformat(),
            "clocks": clocks[ticket.id],
        }
        for ticket in rows
    ]


def counts(work: Work) -> dict[str, int]:
    """How many tickets there are, and how many are still to be acted on."""
    by_status = tally.sums(work, Counted.TICKETS)
    return {"total": sum(by_status.values()), "live": sum(by_status.get(status.value, 0) for status in LIVE)}


def alerts(work: Work) -> list[dict[str, Any]]:
    """The board: what nobody has acknowledged, newest first."""
    rows = work.session.scalars(
        select(TeamAlert).where(TeamAlert.acked_at.is_(None)).order_by(TeamAlert.id.desc()).limit(ALERTS)
    )
    return [
        {
            "id": alert.id,
            "kind": alert.kind,
            "urgent": alert.urgent,
            "code": alert.code,
            "facts": alert.facts,
            "charger_id": alert.charger_id,
            "at": alert.raised_at.isoformat(),
        }
        for alert in rows
    ]
