"""The existing case: before a new ticket the one that is there, its news, and what the customer says about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select

from desk import board
from desk.ticket_record import change_priority, clean_text, follow_up, hold, priority_name, reopen, status_name, write
from desk.work import Work
from models.access import ActorKind, Permission, contact_actor
from models.contact import Contact
from models.member import Member, TeamAlert
from models.message import Message
from models.reading import Category
from models.ticket import LIVE, Priority, Ticket, TicketEvent, TicketStatus

NEWS_WITHIN_S = 48 * 3600
CHUNK = 200
_STEP_UP: dict[Priority, Priority] = {
    Priority.LOW: Priority.NORMAL,
    Priority.NORMAL: Priority.HIGH,
    Priority.HIGH: Priority.CRITICAL,
    Priority.CRITICAL: Priority.CRITICAL,
}
_TROUBLE = frozenset({Category.FAULT, Category.COMPLAINT})


def find_live(
    work: Work, *, contact_id: int | None = None, charger_id: str | None = None, category: Category | None = None
) -> Ticket | None:
    """The newest ticket that still waits for somebody and fits everything given; None where none does.

    Where a contact is given and nothing waits, a RESOLVED ticket of the same charger (or, without one, category)
    counts too: it is the same case until it is closed. `customer_said` reopens it.
    """
    if contact_id is None and charger_id is None:
        return None
    query = select(Ticket).order_by(Ticket.id.desc()).limit(1)
    wanted = ((Ticket.contact_id, contact_id), (Ticket.charger_id, charger_id), (Ticket.category, category))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    live = work.session.scalar(query.where(Ticket.status.in_(LIVE)))
    if live is not None or contact_id is None or (charger_id is None and category is None):
        return live
    return work.session.scalar(query.where(Ticket.status == TicketStatus.RESOLVED))


def customer_said(
    work: Work, ticket: Ticket, text: str, message_id: int | None = None, *, still_broken: bool | None = None
) -> bool:
    """Add what the customer wrote to the history; tells whether it reopened the ticket.

    A RESOLVED ticket is reopened when it is `still_broken`; where the caller does not know, when the message was
    read as a fault or a complaint. Refuses a closed ticket.
    """
    work.require(Permission.OPEN_TICKETS)
    held = hold(work, ticket.ref)
    message = work.session.get(Message, message_id) if message_id is not None else None
    if message is not None and message.ticket_id is None:
        message.ticket_id = held.id
    contact = work.session.get(Contact, held.contact_id) if held.contact_id is not None else None
    by = contact_actor(contact.id, contact.name) if contact is not None else work.actor
    note = clean_text(text)
    write(work, held, "customer", note=note, by=by)
    if still_broken is None:
        still_broken = message is not None and message.category in _TROUBLE
    if held.status is not TicketStatus.RESOLVED or not still_broken:
        return False
    reopen(work, held, note, by=by)
    return True


def asked_again(work: Work, ticket: Ticket) -> dict[str, Any]:
    """The existing-case rule for somebody who asks about a ticket: its news, or an escalation after 48 h without.

    Gives facts: `ref`, `status`, `priority`, `assignee` (name or None), `news_at` (None: no news since it was
    opened), `scheduled_visit_at`, `escalated` (now, by this question).
    """
    work.require(Permission.OPEN_TICKETS)
    held = hold(work, ticket.ref)
    news_at = last_news_at(work, held)
    silent_since = news_at or held.created_at
    escalated = False
    if held.status in LIVE and _late(work, silent_since) and not _escalated_since(work, held):
        write(work, held, "no_news", was=silent_since.isoformat())
        change_priority(work, held, _STEP_UP[held.priority], "", kind="escalated")
        follow_up(work, held, _last_event_id(work, held))
        escalated = True
    assignee = work.session.get(Member, held.assignee_id) if held.assignee_id is not None else None
    return {
        "ref": held.ref,
        "summary": held.summary,
        "status": status_name(held.status),
        "priority": priority_name(held.priority),
        "assignee": assignee.name if assignee is not None else None,
        "news_at": {"$at": news_at.isoformat()} if news_at is not None else None,
        "scheduled_visit_at": _at(held.scheduled_visit_at),
        "escalated": escalated,
    }


def last_news_at(work: Work, ticket: Ticket) -> datetime | None:
    """When somebody of the team last did something about it."""
    return work.session.scalar(
        select(TicketEvent.at)
        .where(TicketEvent.ticket_id == ticket.id, TicketEvent.by_kind == ActorKind.MEMBER.value)
        .where(TicketEvent.kind != "opened")
        .order_by(TicketEvent.id.desc())
        .limit(1)
    )


def point_at_stale(work: Work, limit: int = CHUNK) -> int:
    """A line on the board for each waiting ticket that nobody touched for 48 h, again every 48 h."""
    cutoff = work.now - timedelta(seconds=NEWS_WITHIN_S)
    touched = exists().where(
        TicketEvent.ticket_id == Ticket.id,
        TicketEvent.by_kind == ActorKind.MEMBER.value,
        TicketEvent.at > cutoff,
    )
    pointed = exists().where(TeamAlert.ticket_id == Ticket.id, TeamAlert.kind == "stale", TeamAlert.raised_at > cutoff)
    tickets = work.session.scalars(
        select(Ticket)
        .where(Ticket.status.in_(LIVE), Ticket.created_at <= cutoff, ~touched, ~pointed)
        .order_by(Ticket.id)
        .limit(limit)
    ).all()
    for ticket in tickets:
        board.raise_alert(
            work, kind="stale", key=f"ticket:{ticket.id}:stale:{work.now.isoformat()}", code="board.stale_case",
            facts={"ref": ticket.ref, "summary": ticket.summary, "silent": {"$span": NEWS_WITHIN_S}},
            ticket_id=ticket.id, charger_id=ticket.charger_id,
        )  # fmt: skip
    return len(tickets)


def _late(work: Work, since: datetime) -> bool:
    return (work.now - since).total_seconds() > NEWS_WITHIN_S


def _escalated_since(work: Work, ticket: Ticket) -> bool:
    """Asking ten times a day raises a ticket once."""
    query = select(TicketEvent.id).where(
        TicketEvent.ticket_id == ticket.id,
        TicketEvent.kind == "no_news",
        TicketEvent.at > work.now - timedelta(seconds=NEWS_WITHIN_S),
    )
    return work.session.scalar(query.limit(1)) is not None


def _last_event_id(work: Work, ticket: Ticket) -> int:
    query = select(TicketEvent.id).where(TicketEvent.ticket_id == ticket.id).order_by(TicketEvent.id.desc())
    return work.session.scalars(query.limit(1)).one()


def _at(moment: datetime | None) -> dict[str, str] | None:
    return {"$at": moment.isoformat()} if moment is not None else None
