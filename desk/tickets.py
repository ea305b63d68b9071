"""What is done to a ticket: opened, assigned, taken, worked on, resolved, closed, reopened, escalated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from desk import board, members, notices, paging, sla, tally
from desk.cases import asked_again, customer_said, find_live
from desk.ticket_record import (
    by_person,
    change_priority,
    clean_text,
    follow_up,
    hold,
    hold_live,
    move,
    priority_name,
    said,
    write,
)
from desk.ticket_record import reopen as _reopen
from desk.ticket_views import facts, get
from desk.work import Work
from models.access import GRANTS, Department, Permission, Role
from models.charger import Charger
from models.contact import TIER_RANK, Contact
from models.conversation import Conversation
from models.errors import BadInput, NotAllowed, NotFound, Refusal
from models.member import Member, MemberDepartment
from models.message import Message
from models.reading import Category, Urgency
from models.sla import ClockKind
from models.tally import Counted
from models.ticket import CATEGORY_DEPARTMENT, PRIORITY_RANK, Priority, Ticket, TicketStatus

__all__ = [
    "add_note", "asked_again", "assign", "close", "close_quiet", "customer_said", "escalate", "facts", "find_live",
    "first_response", "get", "open_ticket", "pause_clock", "release", "reopen", "resolve", "resume_clock",
    "schedule_visit", "set_priority", "snooze", "start", "step_up", "take",
]  # fmt: skip

QUIET_S = 7 * 24 * 3600
"""How long a RESOLVED ticket waits for a word before it closes by itself."""
LONGEST_SNOOZE_S = 24 * 3600
CLOSE_CHUNK = 200
"""How many tickets close in one transaction."""
SUMMARY_LIMIT = 300
ANY_DEPARTMENT = frozenset({Role.ADMIN, Role.MANAGER, Role.DISPATCHER})
"""Roles that can be given a ticket of any department."""
_BY_URGENCY: dict[Urgency, Priority] = {
    Urgency.SAFETY: Priority.CRITICAL,
    Urgency.URGENT: Priority.HIGH,
    Urgency.NORMAL: Priority.NORMAL,
    Urgency.LOW: Priority.LOW,
}
_SERIOUS = (Priority.CRITICAL, Priority.HIGH)


def open_ticket(
    work: Work, *, category: Category, summary: str, priority: Priority | None = None,
    urgency: Urgency | None = None, description: str = "", charger_id: str | None = None,
    connector: int | None = None, contact_id: int | None = None, conversation_id: int | None = None,
    message_id: int | None = None, evidence: dict[str, Any] | None = None, incident_id: int | None = None,
    started_at: datetime | None = None, assignee_id: int | None = None,
    scheduled_visit_at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """Open a ticket; its clocks run from `started_at`, when the person wrote. The priority follows the urgency.

    Refuses an empty summary, and a charger, contact, conversation or member that does not exist.
    """
    work.require(Permission.OPEN_TICKETS)
    started = min(_aware(started_at), work.now) if started_at is not None else work.now
    tier = _check_links(work, charger_id, contact_id, conversation_id)
    ticket = Ticket(
        status=TicketStatus.OPEN, priority=priority or _BY_URGENCY[urgency or Urgency.NORMAL], category=category,
        department=CATEGORY_DEPARTMENT[category], summary=_summary(summary), description=clean_text(description),
        evidence=evidence, charger_id=charger_id, connector=connector, contact_id=contact_id,
        conversation_id=conversation_id, incident_id=incident_id, tier_rank=tier, created_at=started,
        updated_at=work.now,
    )  # fmt: skip
    work.session.add(ticket)
    work.session.flush()
    tally.add(work, Counted.TICKETS, ticket.status.value)
    tally.add(work, Counted.OPENED, at=started)
    write(work, ticket, "opened", now=ticket.priority.value, note=ticket.summary)
    sla.start(work, ticket, started)
    _link_message(work, ticket, message_id)
    if ticket.priority in _SERIOUS:
        board.raise_alert(
            work, kind="ticket", key=f"ticket:{ticket.id}:opened", code="board.ticket_opened",
            facts={"ref": ticket.ref, "summary": ticket.summary, "priority": priority_name(ticket.priority)},
            ticket_id=ticket.id, charger_id=charger_id, message_id=message_id, urgent=True,
        )  # fmt: skip
    if assignee_id is not None:
        assign(work, ticket.ref, assignee_id)
    if scheduled_visit_at is not None:
        schedule_visit(work, ticket.ref, scheduled_visit_at)
    return ticket


def add_note(work: Work, ref: str, text: str) -> Ticket:
    """Write something down. Refuses an empty note and a closed ticket."""
    work.require(Permission.WORK_TICKETS)
    note = said(text, "ticket.note_needed")
    ticket = hold(work, ref)
    write(work, ticket, "note", note=note)
    return ticket


def assign(work: Work, ref: str, member_id: int, note: str = "") -> Ticket:
    """Give a ticket to an active member who has its department; the member and the customer are told."""
    work.require(Permission.ASSIGN_TICKETS)
    ticket = hold_live(work, ref)
    member = _able(work, ticket, members.get(work, member_id))
    if ticket.assignee_id != member.id:
        ticket.taken_at = None
        _hand_over(work, ticket, member, clean_text(note))
    return ticket


def release(work: Work, ref: str, note: str = "") -> Ticket:
    """Put a ticket back into the unassigned queue."""
    work.require(Permission.ASSIGN_TICKETS)
    ticket = hold_live(work, ref)
    was = _name_of(work, ticket.assignee_id)
    ticket.assignee_id = ticket.taken_at = None
    write(work, ticket, "assigned", was=was, note=clean_text(note))
    if ticket.status is TicketStatus.IN_PROGRESS:
        move(work, ticket, TicketStatus.ASSIGNED)
    if ticket.status is TicketStatus.ASSIGNED:
        move(work, ticket, TicketStatus.OPEN)
    return ticket


def take(work: Work, ref: str) -> Ticket:
    """Say "mine": the ticket is the actor's and the chasing stops, the clocks do not.

    Refuses somebody else's ticket: that one is assigned.
    """
    work.require(Permission.WORK_TICKETS)
    member_id = work.actor.member_id
    if member_id is None:
        raise NotAllowed("ticket.members_only")
    ticket = hold_live(work, ref)
    if ticket.assignee_id not in (None, member_id):
        raise Refusal("ticket.taken", ref=ticket.ref, by=_name_of(work, ticket.assignee_id))
    ticket.taken_at = ticket.taken_at or work.now
    if ticket.assignee_id is None:
        _hand_over(work, ticket, _able(work, ticket, members.get(work, member_id)), "")
    write(work, ticket, "taken")
    return ticket


def snooze(work: Work, ref: str, until: datetime) -> Ticket:
    """Keep the card and the chasing still until a moment within a day; the clocks run on, and a breach is told."""
    work.require(Permission.WORK_TICKETS)
    moment = _aware(until)
    if not work.now < moment <= work.now + timedelta(seconds=LONGEST_SNOOZE_S):
        raise BadInput("ticket.bad_snooze", most={"$span": LONGEST_SNOOZE_S})
    ticket = hold_live(work, ref)
    was, ticket.snoozed_until_at = ticket.snoozed_until_at, moment
    write(work, ticket, "snoozed", was=was.isoformat() if was else None, now=moment.isoformat())
    sla.chase_after(work, ticket, moment)
    return ticket


def start(work: Work, ref: str, note: str = "") -> Ticket:
    """Work begins. By a member it counts as the arrival that the first-response clock waits for."""
    work.require(Permission.WORK_TICKETS)
    ticket = hold_live(work, ref)
    if ticket.assignee_id is None and work.actor.member_id is not None:
        _hand_over(work, ticket, _able(work, ticket, members.get(work, work.actor.member_id)), "", quiet=True)
    event = move(work, ticket, TicketStatus.IN_PROGRESS, clean_text(note))
    first_response(work, ticket)
    notices.in_progress(work, ticket, event)
    return ticket


def resolve(work: Work, ref: str, note: str) -> Ticket:
    """Solved: whoever says so says what was done. The solution clock stops; so does an unanswered first response,
    without a verdict where no member acted."""
    work.require(Permission.WORK_TICKETS)
    done = said(note, "ticket.note_needed")
    ticket = hold(work, ref)
    event = move(work, ticket, TicketStatus.RESOLVED, done)
    sla.stop(work, ticket, ClockKind.RESOLUTION, work.now)
    if by_person(work):
        sla.stop(work, ticket, ClockKind.FIRST_RESPONSE, work.now)
    else:
        sla.cancel(work, ticket, ClockKind.FIRST_RESPONSE)
    sla.quiet(work, ticket)
    notices.resolved(work, ticket, event)
    paging.resolved(work, ticket, event)
    return ticket


def close(work: Work, ref: str, note: str = "") -> Ticket:
    """The customer is satisfied, says a manager, dispatcher or admin. Only a RESOLVED ticket closes."""
    work.require(Permission.CLOSE_TICKETS)
    ticket = hold(work, ref)
    event = move(work, ticket, TicketStatus.CLOSED, clean_text(note))
    sla.quiet(work, ticket)
    notices.closed(work, ticket, event)
    return ticket


def close_quiet(work: Work, limit: int = CLOSE_CHUNK) -> int:
    """Close what was RESOLVED and heard nothing for seven days; tells how many."""
    work.require(Permission.CLOSE_TICKETS)
    query = (
        select(Ticket)
        .where(Ticket.status == TicketStatus.RESOLVED, Ticket.updated_at <= work.now - timedelta(seconds=QUIET_S))
        .order_by(Ticket.id)
        .limit(limit)
    )
    tickets = work.session.scalars(query.with_for_update(skip_locked=True) if work.postgresql else query).all()
    for ticket in tickets:
        close(work, ticket.ref)
    return len(tickets)


def reopen(work: Work, ref: str, note: str) -> Ticket:
    """From RESOLVED back to work, with a new resolution clock. The note says why."""
    work.require(Permission.WORK_TICKETS)
    why = said(note, "ticket.note_needed")
    ticket = hold(work, ref)
    _reopen(work, ticket, why)
    return ticket


def set_priority(work: Work, ref: str, priority: Priority, note: str = "") -> Ticket:
    """Change the priority. Whoever works on a ticket may raise it; lowering wants who may assign."""
    work.require(Permission.WORK_TICKETS)
    ticket = hold_live(work, ref)
    if PRIORITY_RANK[priority] > PRIORITY_RANK[ticket.priority]:
        work.require(Permission.ASSIGN_TICKETS)
    if priority is not ticket.priority:
        change_priority(work, ticket, priority, clean_text(note))
    return ticket


def escalate(  # noqa: PLR0917 - the three answers in the order in which they are asked
    work: Work, ref: str, priority: Priority, tried: str, failed: str, needed: str, assignee_id: int | None = None
) -> Ticket:
    """Raise a ticket that does not get solved: what was tried, what failed, what expertise is needed.

    The three stand in the note, one a line. A check follows within the new priority's response time; no clock
    starts anew. Refuses a priority that is not higher (a critical one stays critical).
    """
    work.require(Permission.WORK_TICKETS)
    note = "\n".join(" ".join(said(each, "ticket.escalation_needs").split()) for each in (tried, failed, needed))
    ticket = hold_live(work, ref)
    if PRIORITY_RANK[priority] >= PRIORITY_RANK[ticket.priority] and priority is not Priority.CRITICAL:
        raise Refusal("ticket.not_higher", ref=ticket.ref, priority=priority_name(ticket.priority))
    was, ticket.priority = ticket.priority, priority
    work.session.flush()
    sla.retarget(work, ticket)
    event = write(work, ticket, "escalated", was=was.value, now=priority.value, note=note)
    follow_up(work, ticket, event.id)
    if assignee_id is not None:
        assign(work, ref, assignee_id)
    return ticket


def step_up(work: Work, ref: str, tried: str, failed: str, needed: str) -> Ticket:
    """Escalate by one step of priority."""
    ranks = {rank: priority for priority, rank in PRIORITY_RANK.items()}
    higher = ranks[max(PRIORITY_RANK[get(work, ref).priority] - 1, 0)]
    return escalate(work, ref, higher, tried, failed, needed)


def schedule_visit(work: Work, ref: str, at: datetime) -> Ticket:
    """Somebody comes at `at`; the customer is told. Refuses a time that has passed."""
    work.require(Permission.WORK_TICKETS)
    moment = _aware(at)
    if moment <= work.now:
        raise BadInput("ticket.visit_past", at={"$at": moment.isoformat()})
    ticket = hold_live(work, ref)
    was, ticket.scheduled_visit_at = ticket.scheduled_visit_at, moment
    event = write(work, ticket, "visit", was=was.isoformat() if was else None, now=moment.isoformat())
    notices.visit(work, ticket, event)
    return ticket


def first_response(work: Work, ticket: Ticket) -> bool:
    """A member replied, called or came: the first-response clock stops. Automatic answers never stop it.

    Tells whether this was the first response.
    """
    if not by_person(work):
        return False
    held = work.lock(Ticket, ticket.id)
    if held is None or held.status is TicketStatus.CLOSED:
        return False
    sla.acted(work, held)
    clock = sla.stop(work, held, ClockKind.FIRST_RESPONSE, work.now)
    if clock is not None:
        write(work, held, "first_response", now=clock.state.value)
    return clock is not None


def pause_clock(work: Work, ref: str, why: str, kind: ClockKind = ClockKind.RESOLUTION) -> Ticket:
    """Stop counting while the ticket waits for a part, the customer or access to the site. `why` is written down."""
    work.require(Permission.ASSIGN_TICKETS)
    note = said(why, "ticket.note_needed")
    ticket = hold_live(work, ref)
    sla.pause(work, ticket, kind, work.now)
    write(work, ticket, "paused", now=kind.value, note=note)
    return ticket


def resume_clock(work: Work, ref: str, note: str = "", kind: ClockKind = ClockKind.RESOLUTION) -> Ticket:
    """Count on."""
    work.require(Permission.ASSIGN_TICKETS)
    ticket = hold_live(work, ref)
    sla.resume(work, ticket, kind, work.now)
    write(work, ticket, "resumed", now=kind.value, note=clean_text(note))
    return ticket


# Parts ----------------------------------------------------------------------------------------------------------


def _hand_over(work: Work, ticket: Ticket, member: Member, note: str, *, quiet: bool = False) -> None:
    was = _name_of(work, ticket.assignee_id)
    ticket.assignee_id = member.id
    event = write(work, ticket, "assigned", was=was, now=member.name[:120], note=note)
    if ticket.status is not TicketStatus.ASSIGNED:
        move(work, ticket, TicketStatus.ASSIGNED)
    if not quiet:
        notices.assigned(work, ticket, event, member)


def _able(work: Work, ticket: Ticket, member: Member) -> Member:
    """The member, if this ticket can be theirs."""
    if not member.active:
        raise Refusal("ticket.member_left", member=member.name)
    if Permission.WORK_TICKETS not in GRANTS[member.role]:
        raise Refusal("ticket.member_cannot", member=member.name)
    if member.role in ANY_DEPARTMENT:
        return member
    has = work.session.get(MemberDepartment, (member.id, ticket.department))
    if has is None:
        raise Refusal("ticket.wrong_department", member=member.name, department=_department_name(ticket.department))
    return member


def _department_name(department: Department) -> dict[str, str]:
    return {"$code": f"ticket.department.{department.value}"}


def _name_of(work: Work, member_id: int | None) -> str | None:
    member = work.session.get(Member, member_id) if member_id is not None else None
    return member.name[:120] if member is not None else None


def _check_links(work: Work, charger_id: str | None, contact_id: int | None, conversation_id: int | None) -> int:
    """Refuse what does not exist; the rank of the contact's tier."""
    if charger_id is not None and work.session.get(Charger, charger_id) is None:
        raise NotFound("charger.unknown", id=charger_id[:48])
    if conversation_id is not None and work.session.get(Conversation, conversation_id) is None:
        raise NotFound("conversation.unknown", id=conversation_id)
    if contact_id is None:
        return max(TIER_RANK.values())
    contact = work.session.get(Contact, contact_id)
    if contact is None:
        raise NotFound("contact.unknown", id=contact_id)
    return TIER_RANK[contact.tier]


def _link_message(work: Work, ticket: Ticket, message_id: int | None) -> None:
    message = work.session.get(Message, message_id) if message_id is not None else None
    if message is not None:
        message.ticket_id = ticket.id


def _summary(text: str) -> str:
    return " ".join(said(text, "ticket.summary_needed").split())[:SUMMARY_LIMIT]


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise BadInput("ticket.naive_time")
    return moment.astimezone(UTC)
