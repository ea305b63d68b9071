"""One customer request at one look: the talk around it, how it was read, what was corrected, which cases it touches."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk import (
    cases,
    contact_list,
    contacts,
    messages,
    outbox,
    second_opinions,
    ticket_list,
    ticket_views,
    tickets,
)
from desk.work import Work
from models.access import Permission
from models.charger import Charger
from models.conversation import Conversation
from models.message import Correction, Message
from models.ticket import Ticket

THREAD = 30
CASES = 6


def look(work: Work, message_id: int) -> dict[str, Any]:
    """A message with everything that is needed to decide about it."""
    message = messages.get(work, message_id)
    conversation = work.session.get_one(Conversation, message.conversation_id)
    told = messages.facts(work, message)
    return {
        "message": message,
        "told": told,
        "conversation": conversation,
        "window_closed": not outbox.window_open(work, conversation),
        "contact": contact_list.rows(work, [message.contact_id])[0],
        "thread": thread(work, conversation.id, around=message.id),
        "corrections": list(
            work.session.scalars(
                select(Correction).where(Correction.message_id == message.id).order_by(Correction.id.desc())
            )
        ),
        "opinion": second_opinions.of(work, message.id),
        "ticket": _linked(work, message),
        "cases": _cases(work, message),
        "charger_id": _charger_named(work, message),
    }


def thread(work: Work, conversation_id: int, *, around: int | None = None, before: int | None = None) -> dict[str, Any]:
    """A stretch of a conversation, oldest first: what came last, or before a message, or about a message.

    `older` is the key before which there is more, `newer` tells whether there is more after it.
    """
    work.require(Permission.VIEW_MESSAGES)
    here = select(Message).where(Message.conversation_id == conversation_id)
    if before is not None:
        rows = _back(work, here.where(Message.id < before), THREAD + 1)
        later: list[Message] = []
    elif around is not None:
        rows = _back(work, here.where(Message.id <= around), THREAD + 1)
        later = list(work.session.scalars(here.where(Message.id > around).order_by(Message.id).limit(THREAD + 1)))
    else:
        rows, later = _back(work, here, THREAD + 1), []
    older = rows[0].id if len(rows) > THREAD else None
    shown = rows[-THREAD:] + later[:THREAD]
    return {
        "items": messages.facts_of(work, shown),
        "older": rows[-THREAD].id if older is not None else None,
        "newer": len(later) > THREAD,
    }


def _back(work: Work, query: Any, limit: int) -> list[Message]:
    return list(work.session.scalars(query.order_by(Message.id.desc()).limit(limit)))[::-1]


def _linked(work: Work, message: Message) -> dict[str, Any] | None:
    """The ticket that this message belongs to, as far as this actor may see it."""
    if message.ticket_id is None or not work.actor.may(Permission.VIEW_TICKETS):
        return None
    rows = ticket_list.of_ids(work, [message.ticket_id])
    return rows[0] if rows else None


def _cases(work: Work, message: Message) -> list[dict[str, Any]]:
    """This person's tickets, newest first, without the one that the message belongs to."""
    if not work.actor.may(Permission.VIEW_TICKETS):
        return []
    ids = work.session.scalars(
        select(Ticket.id).where(Ticket.contact_id == message.contact_id).order_by(Ticket.id.desc()).limit(CASES)
    ).all()
    return [row for row in ticket_list.of_ids(work, ids) if row["id"] != message.ticket_id]


def _charger_named(work: Work, message: Message) -> str | None:
    """The first charger that the message names and that is ours; else the one the conversation was last about."""
    conversation = work.session.get_one(Conversation, message.conversation_id)
    named = [str(key) for key in (message.entities or {}).get("charger_id", ())]
    for key in [*named, conversation.last_charger_id]:
        if key is not None and work.session.get(Charger, key) is not None:
            return key
    return None


# Cases ----------------------------------------------------------------------------------------------------------


def attach(work: Work, message_id: int, ref: str) -> Ticket:
    """Put a message to a ticket, whose history has it from then on; a resolved one may reopen by it.

    What somebody else than the ticket's customer wrote stands there as a note. Refuses a closed ticket.
    """
    work.require(Permission.OPEN_TICKETS)
    message, ticket = messages.get(work, message_id), ticket_views.get(work, ref)
    if message.ticket_id == ticket.id:
        return ticket
    said = message.text or message.summary or "…"
    if message.contact_id == ticket.contact_id:
        message.ticket_id = None
        cases.customer_said(work, ticket, said, message.id)
    else:
        tickets.add_note(work, ref, f"{contacts.get(work, message.contact_id).name or message.sender}: {said}")
    message.ticket_id = ticket.id
    work.wake(f"live.message.{message.id}")
    return ticket
