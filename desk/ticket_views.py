"""Tickets as they are looked at: one by its reference, pages, the queue, counts, and the facts of one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from desk import sla, tally
from desk.literal import is_one_of
from desk.work import Work
from models.access import OWN_TICKETS_ONLY, Department, Permission
from models.errors import NotFound
from models.incident import Incident
from models.member import Member
from models.reading import Category
from models.sla import ClockState, SlaClock
from models.tally import Counted
from models.ticket import LIVE, PRIORITY_RANK, Priority, Ticket, TicketEvent, TicketStatus

_REF = re.compile(r"(?:TKT-?)?0*([1-9][0-9]{0,17})", re.ASCII | re.IGNORECASE)
_NO_NUMBER = 0
LIVE_ORDER = (TicketStatus.OPEN, TicketStatus.ASSIGNED, TicketStatus.IN_PROGRESS)
"""`LIVE` in the order in which the indexes name them."""


def number_of(ref: str) -> int:
    """The key in a reference (`TKT-000042`, `tkt-42`, `42`); one that no ticket has where there is none."""
    match = _REF.fullmatch(ref.strip())
    return int(match[1]) if match else _NO_NUMBER


def get(work: Work, ref: str) -> Ticket:
    """A ticket that this actor may see."""
    work.require(Permission.VIEW_TICKETS)
    ticket = work.session.get(Ticket, number_of(ref))
    if ticket is None or not may_see(work, ticket):
        raise NotFound("ticket.unknown", ref=ref.strip()[:40])
    return ticket


def may_see(work: Work, ticket: Ticket) -> bool:
    """Some roles see only the tickets assigned to them."""
    return work.actor.role not in OWN_TICKETS_ONLY or ticket.assignee_id == work.actor.member_id


def page(
    work: Work, *, limit: int, after: int | None = None, status: TicketStatus | None = None,
    assignee_id: int | None = None, department: Department | None = None, category: Category | None = None,
    charger_id: str | None = None, contact_id: int | None = None, priority: Priority | None = None,
    unassigned: bool = False,
) -> list[Ticket]:  # fmt: skip
    """Newest first, older than the ticket with the key `after`. `unassigned`: OPEN with nobody on it."""
    query = _visible(work).order_by(Ticket.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Ticket.id < after)
    wanted: list[tuple[Any, Any]] = [
        (Ticket.status, status), (Ticket.assignee_id, assignee_id), (Ticket.department, department),
        (Ticket.category, category), (Ticket.charger_id, charger_id), (Ticket.contact_id, contact_id),
        (Ticket.priority, priority),
    ]  # fmt: skip
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    if unassigned:
        query = query.where(unassigned_only())
    return list(work.session.scalars(query))


def queue(work: Work, *, limit: int = 50) -> list[Ticket]:
    """What wants somebody: by priority, within it by the customer's tier, the oldest first."""
    rank = case({each.value: number for each, number in PRIORITY_RANK.items()}, value=Ticket.priority)
    query = _visible(work).where(live_only()).order_by(rank, Ticket.tier_rank, Ticket.id)
    return list(work.session.scalars(query.limit(limit)))


def recent(work: Work, *, limit: int = 10) -> list[Ticket]:
    """The most recently updated."""
    return list(work.session.scalars(_visible(work).order_by(Ticket.updated_at.desc(), Ticket.id.desc()).limit(limit)))


def counts(work: Work) -> dict[str, Any]:
    """`open` (state OPEN), `live` (OPEN, ASSIGNED, IN_PROGRESS), `unassigned`, `overdue`, `total`, `by_status`.

    Exact; `unassigned` and `overdue` look only at what is live, the statuses are kept as sums.
    """
    by_status = count_by_status(work)
    waiting = _visible(work).where(unassigned_only()).with_only_columns(func.count())
    overdue = _visible(work).where(Ticket.next_due_at <= work.now).with_only_columns(func.count())
    return {
        "open": by_status[TicketStatus.OPEN],
        "live": sum(by_status[status] for status in LIVE),
        "unassigned": work.session.scalar(waiting) or 0,
        "overdue": work.session.scalar(overdue) or 0,
        "total": sum(by_status.values()),
        "by_status": {status.value: count for status, count in by_status.items()},
    }


def count_by_status(work: Work) -> dict[TicketStatus, int]:
    """How many tickets this actor sees in each state; those of one member are counted, of all there is a sum."""
    work.require(Permission.VIEW_TICKETS)
    if work.actor.role not in OWN_TICKETS_ONLY:
        kept = tally.sums(work, Counted.TICKETS)
        return {status: kept.get(status.value, 0) for status in TicketStatus}
    rows = work.session.execute(_visible(work).with_only_columns(Ticket.status, func.count()).group_by(Ticket.status))
    return dict.fromkeys(TicketStatus, 0) | {status: int(count) for status, count in rows}


def live_only() -> ColumnElement[bool]:
    """What somebody has to act on, said so that the indexes of live tickets serve."""
    return is_one_of(Ticket.status, *LIVE_ORDER)


def unassigned_only() -> ColumnElement[bool]:
    """OPEN with nobody on it."""
    return is_one_of(Ticket.status, TicketStatus.OPEN) & Ticket.assignee_id.is_(None)


def _visible(work: Work) -> Select[Ticket]:
    work.require(Permission.VIEW_TICKETS)
    query = select(Ticket)
    return query.where(Ticket.assignee_id == work.actor.member_id) if work.actor.role in OWN_TICKETS_ONLY else query


# One ticket's facts ---------------------------------------------------------------------------------------------


def facts(work: Work, ticket: Ticket) -> dict[str, Any]:
    """A ticket as JSON: instants in ISO form, UTC; spans in seconds; `clocks` with the newest of a kind first."""
    return facts_of(work, [ticket])[0]


def facts_of(work: Work, tickets: Sequence[Ticket]) -> list[dict[str, Any]]:
    """These tickets as JSON, in their order; by four statements, however many they are."""
    ids = [ticket.id for ticket in tickets]
    events = _by_ticket(work, select(TicketEvent).where(TicketEvent.ticket_id.in_(ids)).order_by(TicketEvent.id))
    clocks = _by_ticket(work, select(SlaClock).where(SlaClock.ticket_id.in_(ids)))
    members = _by_key(work, Member, {ticket.assignee_id for ticket in tickets})
    incidents = _by_key(work, Incident, {ticket.incident_id for ticket in tickets})
    return [
        _facts(ticket, events.get(ticket.id, ()))
        | {
            "assignee": _assignee(members.get(ticket.assignee_id)),
            "clocks": [_clock(work, clock) for clock in sla.in_order(clocks.get(ticket.id, ()))],
            "incident": _incident(incidents.get(ticket.incident_id)),
        }
        for ticket in tickets
    ]


def _by_ticket(work: Work, query: Select[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in work.session.scalars(query):
        found.setdefault(row.ticket_id, []).append(row)
    return found


def _by_key(work: Work, table: type[Any], ids: Collection[int | None]) -> dict[int | None, Any]:
    keys = [key for key in ids if key is not None]
    return {row.id: row for row in work.session.scalars(select(table).where(table.id.in_(keys)))} if keys else {}


def _facts(ticket: Ticket, events: Sequence[TicketEvent]) -> dict[str, Any]:
    return {
        "ref": ticket.ref,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "class": ticket.claim_class.value if ticket.claim_class else None,
        "category": ticket.category.value,
        "department": ticket.department.value,
        "summary": ticket.summary,
        "description": ticket.description,
        "charger_id": ticket.charger_id,
        "connector": ticket.connector,
        "contact_id": ticket.contact_id,
        "conversation_id": ticket.conversation_id,
        "scheduled_visit_at": _iso(ticket.scheduled_visit_at),
        "taken_at": _iso(ticket.taken_at),
        "snoozed_until_at": _iso(ticket.snoozed_until_at),
        "created_at": _iso(ticket.created_at),
        "updated_at": _iso(ticket.updated_at),
        "resolved_at": _iso(ticket.resolved_at),
        "closed_at": _iso(ticket.closed_at),
        "evidence": ticket.evidence,
        "notes": [_note(event) for event in events if event.kind == "note"],
        "history": [_event(event) for event in events],
    }


def history(work: Work, ticket: Ticket) -> list[TicketEvent]:
    """Everything that happened to a ticket, the oldest first."""
    query = select(TicketEvent).where(TicketEvent.ticket_id == ticket.id).order_by(TicketEvent.id)
    return list(work.session.scalars(query))


def _assignee(member: Member | None) -> dict[str, Any] | None:
    return {"id": member.id, "name": member.name} if member is not None else None


def _incident(incident: Incident | None) -> dict[str, Any] | None:
    if incident is None:
        return None
    return {
        "id": incident.id,
        "charger_id": incident.charger_id,
        "state": incident.state.value,
        "cause": incident.cause,
        "opened_at": _iso(incident.opened_at),
        "ended_at": _iso(incident.ended_at),
    }


def _clock(work: Work, clock: SlaClock) -> dict[str, Any]:
    """`state` says breached as soon as the due time passed, though the clock may still run."""
    overdue = clock.state is ClockState.RUNNING and clock.due_at is not None and clock.due_at <= work.now
    state = ClockState.BREACHED if overdue or clock.breached_at is not None else clock.state
    return {
        "kind": clock.kind.value,
        "seq": clock.seq,
        "target_s": clock.target_s,
        "started_at": _iso(clock.started_at),
        "due_at": _iso(clock.due_at),
        "stopped_at": _iso(clock.stopped_at),
        "breached_at": _iso(clock.breached_at),
        "state": state.value,
    }


def _note(event: TicketEvent) -> dict[str, Any]:
    return {"id": event.id, "text": event.note, "by": event.by_name, "at": _iso(event.at)}


def _event(event: TicketEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind,
        "was": event.was,
        "now": event.now,
        "note": event.note,
        "by": {"kind": event.by_kind, "id": event.by_id, "name": event.by_name},
        "at": _iso(event.at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
