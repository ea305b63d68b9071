"""A customer as staff name them: found by what is typed, shown on one page, written to where they read."""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import ColumnElement, func, select

from desk import contacts, conversations, replies, ticket_views, tickets
from desk.work import Work
from models.access import Permission
from models.contact import Contact, ContactIdentity, IdentityKind
from models.conversation import Conversation, conversation_key
from models.errors import BadInput, NotFound, Refusal
from models.message import Message
from models.phone import e164
from models.reply import Intent
from models.ticket import LIVE, Ticket

MESSAGES_SHOWN = 5
TICKETS_SHOWN = 5
NAMES_SHOWN = 5
WHATSAPP = "whatsapp"
_NEXT = {"\ud7ff": "\ue000"}
"""Between these two are no letters, only halves that no database stores."""


def find(work: Work, words: str) -> Contact:
    """The one contact with that phone number, username, email or name, or whose name begins so.

    Refuses when nobody fits, and when several do, with their names.
    """
    work.require(Permission.VIEW_CONTACTS)
    text = " ".join(words.split())
    folded = text.casefold()
    for look in (
        _by_phone(work, text),
        Contact.username == text,
        Contact.email == folded,
        Contact.sort_name == folded,
        _begins_with(folded),
        func.lower(Contact.username) == folded,
        func.lower(Contact.email) == folded,
    ):
        found = _fitting(work, look) if look is not None and text else []
        if len(found) > 1:
            names = ", ".join(_label(work, contact) for contact in found[:NAMES_SHOWN])
            raise Refusal("contact.several", words=text[:80], names=names)
        if found:
            return found[0]
    raise NotFound("contact.nobody", words=text[:80])


def _begins_with(folded: str) -> ColumnElement[bool] | None:
    """Names that begin so, in a form that an index serves: the bounds are its, the rest is exact."""
    if not folded:
        return None
    end = folded[:-1] + _NEXT.get(folded[-1], chr(min(ord(folded[-1]) + 1, sys.maxunicode)))
    name = Contact.sort_name
    return (name >= folded) & (name < end) & name.startswith(folded, autoescape=True)


def page(work: Work, words: str) -> dict[str, Any]:
    """A contact with the tickets that wait and the last messages of any channel, JSON-ready."""
    contact = find(work, words)
    recent = work.session.scalars(
        select(Message).where(Message.contact_id == contact.id).order_by(Message.id.desc()).limit(MESSAGES_SHOWN)
    ).all()
    waiting = work.session.scalars(
        select(Ticket)
        .where(Ticket.contact_id == contact.id, Ticket.status.in_(LIVE))
        .order_by(Ticket.id.desc())
        .limit(TICKETS_SHOWN)
    )
    return {
        "contact": contacts.facts(work, contact),
        "tickets": [
            {"ref": each.ref, "status": each.status.value, "priority": each.priority.value, "summary": each.summary}
            for each in waiting
        ],
        "messages": [
            {
                "id": each.id,
                "at": each.received_at.isoformat(),
                "direction": each.direction.value,
                "channel": each.channel,
                "text": each.text or "",
            }
            for each in reversed(recent)
        ],
    }


def answer(work: Work, ref: str, text: str, *, key: str) -> Message:
    """Answer a ticket's customer where they wrote last. What they wrote counts as replied, the first-response clock
    stops, and the ticket has it as a note."""
    work.require(Permission.REPLY)
    ticket = ticket_views.get(work, ref)
    conversation = _last_used(work, ticket.contact_id) or _of_ticket(work, ticket)
    if conversation is None:
        raise Refusal("ticket.nobody_to_answer", ref=ticket.ref)
    tickets.add_note(work, ref, f"↩ {text}")
    message = replies.reply(work, conversation.id, text, key=key)
    tickets.first_response(work, ticket)
    return message


def write_to(work: Work, phone: str, text: str, *, key: str) -> Message:
    """Write to a known contact by phone number: on WhatsApp, else where they wrote last. Refuses unknown numbers."""
    work.require(Permission.REPLY)
    work.require(Permission.VIEW_CONTACTS)
    number = e164(phone, work.house.region)
    if number is None:
        raise BadInput("command.bad_phone", text=phone[:60], usage="")
    contact = contacts.by_phone(work, number)
    if contact is None or contact.erased_at is not None:
        raise NotFound("contact.unknown_number", phone=number)
    conversation = _on_whatsapp(work, contact, number) or _last_used(work, contact.id)
    if conversation is None:
        raise Refusal("contact.no_channel", phone=number)
    return replies.reply(work, conversation.id, text, key=key, intent=Intent.NOTICE)


def _by_phone(work: Work, text: str) -> ColumnElement[bool] | None:
    number = e164(text, work.house.region)
    if number is None:
        return None
    owners = select(ContactIdentity.contact_id).where(
        ContactIdentity.kind == IdentityKind.PHONE, ContactIdentity.value == number
    )
    return Contact.id.in_(owners)


def _fitting(work: Work, look: ColumnElement[bool]) -> list[Contact]:
    query = select(Contact).where(look, Contact.erased_at.is_(None)).limit(NAMES_SHOWN + 1)
    return sorted(work.session.scalars(query), key=lambda contact: -contact.id)


def _label(work: Work, contact: Contact) -> str:
    known = contact.username or contacts.phone_of(work, contact.id) or contact.email
    return f"{contact.name} ({known})" if known else f"{contact.name} (#{contact.id})"


def _of_ticket(work: Work, ticket: Ticket) -> Conversation | None:
    return conversations.get(work, ticket.conversation_id) if ticket.conversation_id is not None else None


def _last_used(work: Work, contact_id: int | None) -> Conversation | None:
    if contact_id is None:
        return None
    query = select(Conversation).where(Conversation.contact_id == contact_id, Conversation.last_inbound_at.is_not(None))
    return work.session.scalar(query.order_by(Conversation.last_inbound_at.desc(), Conversation.id.desc()).limit(1))


def _on_whatsapp(work: Work, contact: Contact, number: str) -> Conversation | None:
    """The conversation with that number, begun where there is none and WhatsApp is on."""
    address = f"whatsapp:{number}"
    known = work.session.scalar(
        select(Conversation)
        .where(Conversation.contact_id == contact.id, Conversation.channel == WHATSAPP, Conversation.address == address)
        .order_by(Conversation.id.desc())
        .limit(1)
    )
    if known is not None or not work.house.team_account:
        return known
    begun = Conversation(
        key=conversation_key(WHATSAPP, work.house.team_account, address), contact_id=contact.id, channel=WHATSAPP,
        account=work.house.team_account, address=address, language=contact.language, created_at=work.now,
    )  # fmt: skip
    work.session.add(begun)
    work.session.flush()
    return begun
