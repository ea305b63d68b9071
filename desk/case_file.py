"""Everything about one ticket at one look, and changes that refuse to overwrite what somebody did meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import select

from desk import chargers, contact_list, messages, sla, team_choices, ticket_list, ticket_views
from desk.work import Work
from models.access import Permission
from models.charger import Charger, Site
from models.contact import Contact
from models.errors import NotFound, Refusal
from models.message import Media, Message
from models.sla import ClockKind, ClockState, SlaClock
from models.ticket import LIVE, MOVES, Ticket, TicketEvent, TicketStatus

P = ParamSpec("P")

MESSAGES = 30
FILES = 24
OTHERS = 6
CHANGES = ("opened", "moved", "assigned", "priority", "escalated", "visit", "taken", "paused", "resumed", "snoozed")
"""What a form that was opened before would overwrite without knowing; notes and answers stand beside each other."""


def look(work: Work, ref: str) -> dict[str, Any]:
    """A ticket with its customer, charger, history, messages and files, and what the actor may do with it now."""
    ticket = ticket_views.get(work, ref)
    events = ticket_views.history(work, ticket)
    said = _messages(work, ticket)
    return {
        "ticket": ticket,
        "row": ticket_list.of_ids(work, [ticket.id])[0],
        "seen": max((event.id for event in events if event.kind in CHANGES), default=0),
        "clocks": _clocks(work, ticket),
        "history": events,
        "event_files": _files_by_event(work, events),
        "contact": _contact(work, ticket),
        "others": _others(work, ticket),
        "charger": _charger(work, ticket),
        "messages": said,
        "files": _files(said),
        "can": _can(work, ticket),
        "assignable": team_choices.for_ticket(work, ref) if work.actor.may(Permission.ASSIGN_TICKETS) else [],
    }


def changing(
    work: Work, ref: str, seen: int, verb: Callable[Concatenate[Work, str, P], Ticket], /, *args: P.args,
    **kwargs: P.kwargs,
) -> Ticket:  # fmt: skip
    """Do something to a ticket as it was seen. Refuses when somebody changed it since: look again, then decide."""
    ticket = work.lock(Ticket, ticket_views.number_of(ref))
    if ticket is None or not ticket_views.may_see(work, ticket):
        raise NotFound("ticket.unknown", ref=ref.strip()[:40])
    latest = work.session.scalars(
        select(TicketEvent)
        .where(TicketEvent.ticket_id == ticket.id, TicketEvent.kind.in_(CHANGES), TicketEvent.id > seen)
        .order_by(TicketEvent.id.desc())
        .limit(1)
    ).first()
    if latest is not None:
        raise Refusal("ticket.changed_meanwhile", ref=ticket.ref, by=latest.by_name, at={"$at": latest.at.isoformat()})
    return verb(work, ref, *args, **kwargs)


def sites(work: Work) -> Sequence[Site]:
    """Sites by name, for a list to be narrowed to."""
    work.require(Permission.VIEW_TICKETS)
    return work.session.scalars(select(Site).order_by(Site.name)).all()


def contact_named(work: Work, contact_id: int) -> dict[str, Any]:
    """A contact as a form shows the one who was chosen."""
    work.require(Permission.VIEW_CONTACTS)
    found = contact_list.rows(work, [contact_id])
    if not found:
        raise NotFound("contact.unknown", id=contact_id)
    return found[0]


# Parts ----------------------------------------------------------------------------------------------------------


def _can(work: Work, ticket: Ticket) -> dict[str, bool]:
    """What the state allows and the role grants: a page offers nothing that would be refused."""
    may, live, status = work.actor.may, ticket.status in LIVE, ticket.status
    works, assigns = may(Permission.WORK_TICKETS), may(Permission.ASSIGN_TICKETS)
    mine_or_free = ticket.assignee_id in (None, work.actor.member_id)
    return {
        "note": works and status is not TicketStatus.CLOSED,
        "reply": may(Permission.REPLY) and ticket.contact_id is not None and status is not TicketStatus.CLOSED,
        "take": works and live and mine_or_free and not (ticket.taken_at and ticket.assignee_id is not None),
        "start": works and TicketStatus.IN_PROGRESS in MOVES[status] and live,
        "assign": assigns and live,
        "release": assigns and live and ticket.assignee_id is not None,
        "priority": works and live,
        "visit": works and live,
        "snooze": works and live,
        "escalate": works and live,
        "pause": assigns and live,
        "resolve": works and TicketStatus.RESOLVED in MOVES[status],
        "close": may(Permission.CLOSE_TICKETS) and status is TicketStatus.RESOLVED,
        "reopen": works and status is TicketStatus.RESOLVED,
    }


def _clocks(work: Work, ticket: Ticket) -> list[dict[str, Any]]:
    """The newest clock of each kind; one of before a reopening is in the history."""
    newest: dict[ClockKind, SlaClock] = {}
    for clock in sla.clocks(work, ticket):
        newest.setdefault(clock.kind, clock)
    return [_clock(work, clock) for clock in newest.values()]


def _clock(work: Work, clock: SlaClock) -> dict[str, Any]:
    overdue = clock.state is ClockState.RUNNING and clock.due_at is not None and clock.due_at <= work.now
    return {
        "kind": clock.kind.value,
        "seq": clock.seq,
        "state": clock.state.value,
        "late": overdue or clock.breached_at is not None,
        "target_s": clock.target_s,
        "due_at": clock.due_at,
        "stopped_at": clock.stopped_at,
        "breached_at": clock.breached_at,
        "left_s": int((clock.due_at - work.now).total_seconds()) if clock.due_at else None,
        "used": _used(work, clock),
    }


def _used(work: Work, clock: SlaClock) -> int:
    """Percent of the target that is gone, 100 at most."""
    ran_s = clock.consumed_s
    if clock.running_since_at is not None:
        ran_s += max(0, int((work.now - clock.running_since_at).total_seconds()))
    return min(100, 100 * ran_s // max(1, clock.target_s))


def _contact(work: Work, ticket: Ticket) -> dict[str, Any] | None:
    """The customer; who may not see contacts sees the name of the one the ticket is for."""
    if ticket.contact_id is None:
        return None
    if work.actor.may(Permission.VIEW_CONTACTS):
        return contact_list.rows(work, [ticket.contact_id])[0]
    name = work.session.scalar(select(Contact.name).where(Contact.id == ticket.contact_id))
    return {"id": ticket.contact_id, "name": name or ""}


def _others(work: Work, ticket: Ticket) -> list[dict[str, Any]]:
    """The customer's other tickets, the newest first."""
    if ticket.contact_id is None:
        return []
    query = (
        select(Ticket.id)
        .where(Ticket.contact_id == ticket.contact_id, Ticket.id != ticket.id)
        .order_by(Ticket.id.desc())
        .limit(OTHERS)
    )
    return ticket_list.of_ids(work, list(work.session.scalars(query)))


def _charger(work: Work, ticket: Ticket) -> dict[str, Any] | None:
    """Its live state; who may not see chargers sees where it stands, because that is where the work is."""
    if ticket.charger_id is None:
        return None
    if work.actor.may(Permission.VIEW_CHARGERS):
        return chargers.overview(work, ticket.charger_id)
    row = work.session.execute(
        select(Charger.id, Charger.name, Site.name, Site.address)
        .outerjoin(Site, Site.id == Charger.site_id)
        .where(Charger.id == ticket.charger_id)
    ).one()
    return {"id": row[0], "name": row[1], "site": row[2], "address": row[3], "state": None}


def _messages(work: Work, ticket: Ticket) -> list[dict[str, Any]]:
    """The last messages of the conversation in which the case is, the oldest first."""
    if ticket.conversation_id is None or not work.actor.may(Permission.VIEW_MESSAGES):
        return []
    newest = work.session.scalars(
        select(Message)
        .where(Message.conversation_id == ticket.conversation_id)
        .order_by(Message.id.desc())
        .limit(MESSAGES)
    ).all()
    return messages.facts_of(work, newest[::-1])


def _files(said: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**file, "at": message["received_at"]} for message in said for file in message["media"]][-FILES:]


def _files_by_event(work: Work, events: Sequence[TicketEvent]) -> dict[int, list[Media]]:
    found: dict[int, list[Media]] = {}
    notes = [event.id for event in events if event.kind == "note"]
    for item in work.session.scalars(select(Media).where(Media.event_id.in_(notes)).order_by(Media.id)):
        found.setdefault(item.event_id or 0, []).append(item)
    return found
