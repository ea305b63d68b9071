"""How a ticket is changed: held for change, its history written, its clocks and watchers told. Verbs build on this."""

from __future__ import annotations

from desk import board, cards, notices, sla, tally
from desk.ticket_views import may_see, number_of
from desk.work import Work
from models.access import Actor, ActorKind
from models.errors import BadInput, NotFound, Refusal
from models.sla import TARGET_S, ClockKind
from models.tally import Counted
from models.ticket import LIVE, Priority, Ticket, TicketEvent, TicketStatus

NOTE_LIMIT = 4_000
_PEOPLE = (ActorKind.MEMBER, ActorKind.OPERATOR)


def hold(work: Work, ref: str) -> Ticket:
    """A ticket that this actor may see, locked for change. Refuses a closed one."""
    ticket = work.lock(Ticket, number_of(ref))
    if ticket is None or not may_see(work, ticket):
        raise NotFound("ticket.unknown", ref=ref.strip()[:40])
    if ticket.status is TicketStatus.CLOSED:
        raise Refusal("ticket.closed", ref=ticket.ref)
    return ticket


def hold_live(work: Work, ref: str) -> Ticket:
    """The same, and refuses one that is resolved."""
    ticket = hold(work, ref)
    if ticket.status not in LIVE:
        raise Refusal("ticket.not_live", ref=ticket.ref, status=status_name(ticket.status))
    return ticket


def by_person(work: Work) -> bool:
    """Whether a human of the team acts; what the house does by itself is no response."""
    return work.actor.kind in _PEOPLE


def write(
    work: Work, ticket: Ticket, kind: str, *, was: str | None = None, now: str | None = None, note: str = "",
    by: Actor | None = None,
) -> TicketEvent:  # fmt: skip
    """Add a line to the history."""
    event = TicketEvent.of(ticket, kind, by=by or work.actor, at=work.now, was=was, now=now, note=note)
    return changed(work, ticket, event)


def move(work: Work, ticket: Ticket, to: TicketStatus, note: str = "", *, by: Actor | None = None) -> TicketEvent:
    """Change the status, where the table of moves allows it."""
    was = ticket.status
    event = ticket.move(to, by=by or work.actor, at=work.now, note=note)
    tally.shift(work, Counted.TICKETS, was.value, to.value)
    if to is TicketStatus.RESOLVED:
        tally.add(work, Counted.RESOLVED, at=work.now)
    return changed(work, ticket, event)


def changed(work: Work, ticket: Ticket, event: TicketEvent) -> TicketEvent:
    """Store a history row; a human's act ends the chasing."""
    work.session.add(event)
    ticket.updated_at = work.now
    work.session.flush()
    if by_person(work):
        sla.acted(work, ticket)
    cards.touch(work, ticket_id=ticket.id)
    work.wake(f"live.ticket.{ticket.id}")
    return event


def reopen(work: Work, ticket: Ticket, note: str, *, by: Actor | None = None) -> TicketEvent:
    """From RESOLVED back to work: nobody has it in hand yet, and a new resolution clock runs."""
    if ticket.status is not TicketStatus.RESOLVED:
        raise Refusal(
            "ticket.illegal_move", ref=ticket.ref, here=ticket.status.value, there=TicketStatus.IN_PROGRESS.value
        )
    event = move(work, ticket, TicketStatus.IN_PROGRESS, note, by=by)
    ticket.taken_at = None
    sla.start_again(work, ticket, ClockKind.RESOLUTION, work.now)
    notices.reopened(work, ticket, event)
    board.raise_alert(
        work, kind="reopened", key=f"ticket:{ticket.id}:reopened:{event.id}", code="board.reopened",
        facts={"ref": ticket.ref, "summary": ticket.summary, "note": note[:200]}, ticket_id=ticket.id,
        charger_id=ticket.charger_id,
    )  # fmt: skip
    return event


def change_priority(work: Work, ticket: Ticket, priority: Priority, note: str, *, kind: str = "priority") -> None:
    """A new priority: the clocks keep what they consumed and get its targets."""
    was, ticket.priority = ticket.priority, priority
    work.session.flush()
    sla.retarget(work, ticket)
    write(work, ticket, kind, was=was.value, now=priority.value, note=note)


def follow_up(work: Work, ticket: Ticket, event_id: int) -> None:
    """After an escalation: a line on the board, and a check within the priority's response time."""
    sla.check_within(work, ticket, TARGET_S[ClockKind.FIRST_RESPONSE][ticket.priority])
    board.raise_alert(
        work, kind="escalation", key=f"ticket:{ticket.id}:escalated:{event_id}", code="board.escalated",
        facts={"ref": ticket.ref, "summary": ticket.summary, "priority": priority_name(ticket.priority)},
        ticket_id=ticket.id, charger_id=ticket.charger_id, urgent=ticket.priority is Priority.CRITICAL,
    )  # fmt: skip


def said(text: str, code: str) -> str:
    """A text that may not be empty, without what no database stores; `code` is the refusal."""
    clean = clean_text(text)
    if not clean:
        raise BadInput(code)
    return clean


def clean_text(text: str) -> str:
    """Trimmed, without NUL and lone surrogates, of a bounded length."""
    return text.encode("utf-8", "ignore").decode().replace("\x00", "").strip()[:NOTE_LIMIT]


def priority_name(priority: Priority) -> dict[str, str]:
    """A priority as a fact."""
    return {"$code": f"ticket.priority.{priority.value}"}


def status_name(status: TicketStatus) -> dict[str, str]:
    """A status as a fact."""
    return {"$code": f"ticket.status.{status.value.lower()}"}
