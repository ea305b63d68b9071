"""Everything that is kept about one person: found by what they are called, and written out as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, select

from desk import wallets
from desk.work import Work
from models.access import Permission
from models.base import Base
from models.charging import ChargingTransaction, IdTag
from models.contact import Contact, ContactIdentity, PhoneLink
from models.conversation import Conversation
from models.errors import NotFound
from models.force_charge import ForceCharge
from models.inbox import InboxItem
from models.message import Correction, Media, Message
from models.outbox import OutboxItem
from models.second_opinion import SecondOpinion
from models.ticket import Ticket, TicketEvent
from models.wallet import Payment, Wallet, WalletEntry


def find(work: Work, words: str) -> Contact:
    """A contact by phone, username, email or number (`12` or `#12`). Refuses none and several."""
    work.require(Permission.VIEW_CONTACTS)
    text = words.strip()
    number = text.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 7:
        contact = work.session.get(Contact, int(number))
    else:
        contact = work.session.get(Contact, wallets.lookup(work, text).contact_id)
    if contact is None or contact.erased_at is not None:
        raise NotFound("contact.unknown", id=text[:80])
    return contact


def export(work: Work, contact: Contact) -> dict[str, Any]:
    """All rows about a contact, JSON-ready, by table."""
    work.require(Permission.VIEW_CONTACTS)
    talks = [row.id for row in _rows(work, Conversation, Conversation.contact_id == contact.id)]
    messages = list(_rows(work, Message, Message.contact_id == contact.id))
    keys = [message.id for message in messages]
    cases = list(_rows(work, Ticket, Ticket.contact_id == contact.id))
    wallet = wallets.of_contact(work, contact.id)
    return {
        "exported_at": work.now.isoformat(),
        "contact": _plain(contact),
        "identities": _table(work, ContactIdentity, ContactIdentity.contact_id == contact.id),
        "phone_links": _table(work, PhoneLink, PhoneLink.contact_id == contact.id),
        "conversations": _table(work, Conversation, Conversation.contact_id == contact.id),
        "messages": [_plain(message) for message in messages],
        "media": _table(work, Media, Media.message_id.in_(keys)),
        "corrections": _table(work, Correction, Correction.message_id.in_(keys)),
        "second_opinions": _table(work, SecondOpinion, SecondOpinion.message_id.in_(keys)),
        "raw": _table(work, InboxItem, InboxItem.id.in_([m.inbox_id for m in messages if m.inbox_id is not None])),
        "replies": _table(work, OutboxItem, OutboxItem.conversation_id.in_(talks)),
        "tickets": [_plain(case) for case in cases],
        "ticket_history": _table(work, TicketEvent, TicketEvent.ticket_id.in_([case.id for case in cases])),
        "tags": _table(work, IdTag, IdTag.contact_id == contact.id),
        "sessions": _table(work, ChargingTransaction, ChargingTransaction.contact_id == contact.id),
        "force_charges": _table(work, ForceCharge, ForceCharge.contact_id == contact.id),
        "wallet": _table(work, Wallet, Wallet.contact_id == contact.id),
        "wallet_entries": _table(work, WalletEntry, WalletEntry.wallet_id == wallet.id) if wallet else [],
        "payments": _table(work, Payment, Payment.contact_id == contact.id),
    }


def _rows(work: Work, table: type[Any], where: ColumnElement[bool]) -> Iterable[Any]:
    return work.session.scalars(select(table).where(where).order_by(table.id))


def _table(work: Work, table: type[Any], where: ColumnElement[bool]) -> list[dict[str, Any]]:
    return [_plain(row) for row in _rows(work, table, where)]


def _plain(row: Base) -> dict[str, Any]:
    return {column.key: _json(getattr(row, column.key)) for column in row.__mapper__.column_attrs}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
