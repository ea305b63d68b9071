"""Contacts: found or made by the identity a channel proves, searched by staff."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk.work import Work
from models.contact import Contact, ContactIdentity, IdentityKind, PhoneLink
from models.conversation import Conversation
from models.errors import NotFound
from models.message import Heard, Presence


def find_or_make(work: Work, heard: Heard) -> Contact:
    """The contact behind an inbound message; new identities of a known person are added to it.

    An identity proves only itself: a phone typed into a chat never links anybody here.
    """
    pairs = [(IdentityKind(heard.identity_kind), heard.identity)]
    pairs += [(IdentityKind(kind), value) for kind, value in heard.aliases]
    known = [row for kind, value in pairs if (row := _identity(work, kind, value, heard.account)) is not None]
    contact = _owner(work, known)
    if contact is None:
        contact = Contact(name=heard.sender_name[:200], created_at=work.now)
        work.session.add(contact)
        work.session.flush()
    elif heard.sender_name and not contact.name:
        contact.name = heard.sender_name[:200]
    have = {(row.kind, row.value) for row in known}
    for kind, value in pairs:
        if (kind, value) not in have:
            add_identity(work, contact, kind, value, account=_account(kind, heard.account))
    for row in known:
        row.dead_at = None  # whoever writes is there
    return contact


def _owner(work: Work, known: list[ContactIdentity]) -> Contact | None:
    """The first identity named decides; a merge of two people is staff's to make."""
    return work.session.get(Contact, known[0].contact_id) if known else None


def _account(kind: IdentityKind, account: str) -> str:
    return "" if kind is IdentityKind.PHONE else account


def _identity(work: Work, kind: IdentityKind, value: str, account: str) -> ContactIdentity | None:
    return work.session.scalar(
        select(ContactIdentity).where(
            ContactIdentity.kind == kind,
            ContactIdentity.value == value,
            ContactIdentity.account == _account(kind, account),
        )
    )


def add_identity(work: Work, contact: Contact, kind: IdentityKind, value: str, *, account: str = "") -> ContactIdentity:
    """Note a further way to know a contact."""
    row = ContactIdentity(contact_id=contact.id, kind=kind, value=value, account=account, created_at=work.now)
    work.session.add(row)
    work.session.flush()
    return row


def noticed(work: Work, news: Presence) -> None:
    """Somebody blocked us, or can be written to again."""
    row = _identity(work, IdentityKind(news.identity_kind), news.identity, news.account)
    if row is not None:
        row.dead_at = None if news.here else work.now


def get(work: Work, contact_id: int) -> Contact:
    """A contact by its key."""
    contact = work.session.get(Contact, contact_id)
    if contact is None:
        raise NotFound("contact.unknown", id=contact_id)
    return contact


def by_phone(work: Work, e164: str) -> Contact | None:
    """The contact with that phone number."""
    row = _identity(work, IdentityKind.PHONE, e164, "")
    return work.session.get(Contact, row.contact_id) if row else None


def by_username(work: Work, username: str) -> Contact | None:
    """The contact with that account name."""
    return work.session.scalar(select(Contact).where(Contact.username == username))


def phone_of(work: Work, contact_id: int) -> str | None:
    """A contact's phone number, where one is known."""
    return work.session.scalar(
        select(ContactIdentity.value)
        .where(ContactIdentity.contact_id == contact_id, ContactIdentity.kind == IdentityKind.PHONE)
        .order_by(ContactIdentity.id)
    )


def proven_phone(work: Work, contact_id: int, channel: str) -> str | None:
    """The phone number that is proven there: WhatsApp owns numbers, on Telegram the person may have shared it."""
    if channel == "whatsapp":
        return phone_of(work, contact_id)
    return work.session.scalar(
        select(PhoneLink.phone)
        .join(Conversation, Conversation.id == PhoneLink.conversation_id)
        .join(
            ContactIdentity,  # staff may have taken the number away from the contact
            (ContactIdentity.contact_id == PhoneLink.contact_id) & (ContactIdentity.value == PhoneLink.phone),
        )
        .where(
            PhoneLink.contact_id == contact_id, PhoneLink.undone_at.is_(None), Conversation.channel == channel,
            Conversation.contact_id == contact_id,
        )
        .limit(1)
    )  # fmt: skip


def facts(work: Work, contact: Contact) -> dict[str, Any]:
    """A contact for the API and the console."""
    return {
        "id": contact.id,
        "name": contact.name,
        "username": contact.username,
        "email": contact.email,
        "phone": phone_of(work, contact.id),
        "organisation": contact.organisation,
        "language": contact.language,
        "tier": contact.tier.value,
        "account_active": contact.account_active,
        "primary_charger_id": contact.primary_charger_id,
        "notes": contact.notes,
        "created_at": contact.created_at.isoformat(),
    }
