"""One contact whole: who they are, what is known of them and since when, and what they had to do with us; changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from desk import audit, charging, contact_list, contacts, ticket_list, wallets
from desk.work import Work
from models.access import Permission
from models.charger import Charger, Fleet
from models.contact import Contact, ContactIdentity, IdentityKind, PhoneLink, Tier
from models.conversation import Conversation
from models.errors import BadInput, NotFound, Refusal
from models.message import Direction, Message
from models.phone import e164
from models.ticket import Ticket

TALKS, CASES, SESSIONS = 8, 8, 8


@dataclass(frozen=True)
class Card:
    """What staff write down of somebody. Empty is not known."""

    name: str = ""
    username: str = ""
    email: str = ""
    organisation: str = ""
    tier: Tier = Tier.STANDARD
    language: str = ""
    primary_charger_id: str = ""
    notes: str = ""


def look(work: Work, contact_id: int) -> dict[str, Any]:
    """A contact with identities, consents, money and history, as far as this actor may see each."""
    contact = get(work, contact_id)
    fleet = work.session.get(Fleet, contact.fleet_id) if contact.fleet_id is not None else None
    links = select(PhoneLink).where(PhoneLink.contact_id == contact.id).order_by(PhoneLink.id.desc())
    return {
        "contact": contact,
        "row": contact_list.rows(work, [contact.id])[0],
        "identities": contact_list.identities(work, [contact.id]).get(contact.id, []),
        "consents": list(work.session.scalars(links)),
        "fleet": fleet.name if fleet is not None else None,
        "wallet": wallets.balance(work, contact.id) if work.actor.may(Permission.VIEW_FINANCE) else None,
        "talks": _talks(work, contact.id),
        "tickets": _tickets(work, contact.id),
        "sessions": (
            charging.sessions(work, contact_id=contact.id, limit=SESSIONS)
            if work.actor.may(Permission.VIEW_SESSIONS)
            else []
        ),
    }


def get(work: Work, contact_id: int) -> Contact:
    """A contact that has not been forgotten."""
    work.require(Permission.VIEW_CONTACTS)
    contact = contacts.get(work, contact_id)
    if contact.erased_at is not None:
        raise NotFound("contact.unknown", id=contact_id)
    return contact


def _talks(work: Work, contact_id: int) -> list[dict[str, Any]]:
    """Their conversations, the latest first, each with the last thing they said."""
    talks = work.session.scalars(
        select(Conversation).where(Conversation.contact_id == contact_id).order_by(Conversation.id.desc()).limit(TALKS)
    ).all()
    told = [{"conversation": talk, "last": _last_word(work, talk.id)} for talk in talks]
    return sorted(told, key=lambda one: one["last"].id if one["last"] is not None else 0, reverse=True)


def _last_word(work: Work, conversation_id: int) -> Message | None:
    return work.session.scalar(
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.direction == Direction.INBOUND)
        .order_by(Message.id.desc())
        .limit(1)
    )


def _tickets(work: Work, contact_id: int) -> list[dict[str, Any]]:
    if not work.actor.may(Permission.VIEW_TICKETS):
        return []
    newest = select(Ticket.id).where(Ticket.contact_id == contact_id).order_by(Ticket.id.desc()).limit(CASES)
    return ticket_list.of_ids(work, work.session.scalars(newest).all())


# Changing -------------------------------------------------------------------------------------------------------


def add(work: Work, card: Card, phone: str = "") -> Contact:
    """Somebody who has not written yet: there must be a name or a number. Refuses a number that somebody has."""
    work.require(Permission.EDIT_CONTACTS)
    if not card.name and not phone:
        raise BadInput("contact.needs_a_name")
    contact = Contact(created_at=work.now)
    _write(work, contact, card)
    work.session.add(contact)
    work.session.flush()
    if phone:
        _know_by(work, contact, phone)
    audit.record(work, "contact.added", f"contact:{contact.id}")
    work.wake(f"live.contact.{contact.id}")
    return contact


def change(work: Work, contact_id: int, card: Card) -> Contact:
    """Write down what changed. Refuses a username that another has, and a charger that there is not."""
    work.require(Permission.EDIT_CONTACTS)
    get(work, contact_id)
    contact = work.lock(Contact, contact_id)
    assert contact is not None
    changed = _write(work, contact, card)
    work.session.flush()
    if changed:
        audit.record(work, "contact.changed", f"contact:{contact.id}", fields=changed)
        work.wake(f"live.contact.{contact.id}")
    return contact


def add_phone(work: Work, contact_id: int, phone: str) -> str:
    """A further number that they are known by; gives it as E.164. Refuses one that somebody has."""
    work.require(Permission.EDIT_CONTACTS)
    number = _know_by(work, get(work, contact_id), phone)
    audit.record(work, "contact.number_added", f"contact:{contact_id}")
    work.wake(f"live.contact.{contact_id}")
    return number


def remove_phone(work: Work, contact_id: int, identity_id: int) -> None:
    """Take back a number. Refuses one by which they write to us: it would only come again, as somebody new."""
    work.require(Permission.EDIT_CONTACTS)
    contact = get(work, contact_id)
    row = work.session.get(ContactIdentity, identity_id)
    if row is None or row.contact_id != contact.id or row.kind is not IdentityKind.PHONE:
        raise NotFound("contact.unknown_number_of", id=contact_id)
    writes_by = select(Conversation.id).where(
        Conversation.contact_id == contact.id, Conversation.channel == "whatsapp",
        Conversation.address == f"whatsapp:{row.value}",
    )  # fmt: skip
    if work.session.scalar(writes_by.limit(1)) is not None:
        raise Refusal("contact.number_in_use", phone=row.value)
    work.session.delete(row)
    audit.record(work, "contact.number_removed", f"contact:{contact_id}")
    work.wake(f"live.contact.{contact_id}")


def _write(work: Work, contact: Contact, card: Card) -> list[str]:
    """Set what differs; gives the names of the fields."""
    _check(work, contact, card)
    new: dict[str, Any] = {
        "name": card.name[:200], "username": card.username[:100] or None, "email": card.email[:200] or None,
        "organisation": card.organisation[:200] or None, "tier": card.tier, "language": card.language[:16] or None,
        "primary_charger_id": card.primary_charger_id or None, "notes": card.notes or None,
    }  # fmt: skip
    changed = [field for field, value in new.items() if getattr(contact, field) != value]
    for field in changed:
        setattr(contact, field, new[field])
    return changed


def _check(work: Work, contact: Contact, card: Card) -> None:
    if card.email and ("@" not in card.email or any(sign.isspace() for sign in card.email)):
        raise BadInput("contact.bad_email")
    if card.primary_charger_id and work.session.get(Charger, card.primary_charger_id) is None:
        raise NotFound("charger.unknown", id=card.primary_charger_id[:48])
    if card.username:
        other = contacts.by_username(work, card.username)
        if other is not None and other.id != contact.id:
            raise Refusal("contact.username_taken", username=card.username)


def _know_by(work: Work, contact: Contact, phone: str) -> str:
    number = e164(phone, work.house.region)
    if number is None:
        raise BadInput("contact.bad_phone", phone=phone[:40])
    other = contacts.by_phone(work, number)
    if other is not None:
        raise Refusal("contact.phone_taken", phone=number, name=other.name or f"#{other.id}")
    contacts.add_identity(work, contact, IdentityKind.PHONE, number)
    return number
