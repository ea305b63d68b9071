"""What people hear of a ticket: the customer of its changes, a member of an assignment. A row each, once a cause."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk import outbox
from desk.work import Work
from models.conversation import Conversation
from models.member import Member, MemberIdentity, MemberIdentityKind
from models.reply import Intent, Reply
from models.ticket import Ticket, TicketEvent


def assigned(work: Work, ticket: Ticket, event: TicketEvent, member: Member) -> None:
    """Somebody has it now: the customer hears who, and the member that it is theirs, unless they took it."""
    _to_customer(work, ticket, event, Reply("ticket.assigned", _facts(ticket, member=member.name)))
    if work.actor.member_id != member.id:
        _to_member(work, ticket, event, member)


def in_progress(work: Work, ticket: Ticket, event: TicketEvent) -> None:
    """Somebody works on it."""
    _to_customer(work, ticket, event, Reply("ticket.in_progress", _facts(ticket)))


def resolved(work: Work, ticket: Ticket, event: TicketEvent) -> None:
    """It is solved, and how."""
    _to_customer(work, ticket, event, Reply("ticket.resolved", _facts(ticket, note=event.note)))


def closed(work: Work, ticket: Ticket, event: TicketEvent) -> None:
    """It is over."""
    _to_customer(work, ticket, event, Reply("ticket.now_closed", _facts(ticket)))


def reopened(work: Work, ticket: Ticket, event: TicketEvent) -> None:
    """It was solved and is not."""
    _to_customer(work, ticket, event, Reply("ticket.reopened", _facts(ticket)))


def visit(work: Work, ticket: Ticket, event: TicketEvent) -> None:
    """When somebody comes."""
    assert ticket.scheduled_visit_at is not None
    at = {"$at": ticket.scheduled_visit_at.isoformat()}
    _to_customer(work, ticket, event, Reply("ticket.visit", _facts(ticket, at=at)))


def _facts(ticket: Ticket, **more: Any) -> dict[str, Any]:
    return {"ref": ticket.ref, "summary": ticket.summary, **more}


def _to_customer(work: Work, ticket: Ticket, event: TicketEvent, reply: Reply) -> None:
    if ticket.conversation_id is None:
        return
    conversation = work.session.get(Conversation, ticket.conversation_id)
    if conversation is not None:
        work.session.flush()
        key = f"ticket:{ticket.id}:{event.kind}:{event.id}"
        outbox.say(work, conversation, reply, key=key, intent=Intent.NOTICE)


def _to_member(work: Work, ticket: Ticket, event: TicketEvent, member: Member) -> None:
    work.session.flush()
    identities = work.session.scalars(
        select(MemberIdentity).where(
            MemberIdentity.member_id == member.id, MemberIdentity.kind == MemberIdentityKind.WHATSAPP
        )
    )
    facts = _facts(ticket, by=work.actor.name, priority={"$code": f"ticket.priority.{ticket.priority.value}"})
    for identity in identities:
        outbox.tell(
            work, identity, Reply("ticket.assigned_to_you", facts), language=member.language, intent=Intent.ALERT,
            key=f"ticket:{ticket.id}:{event.kind}:{event.id}:{identity.id}",
        )  # fmt: skip
