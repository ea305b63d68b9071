"""A person lets us know them by their phone number on a channel that does not own numbers; and takes it back.

With the number comes whoever has it on our books: the conversation, what was said there and its cases belong to that
contact from then on, and to the earlier one again when the person undoes it.
"""

from __future__ import annotations

from sqlalchemy import select, update

from desk import audit, contacts
from desk.work import Work
from models.contact import Contact, ContactIdentity, IdentityKind, PhoneLink
from models.conversation import Conversation
from models.message import Message
from models.ticket import Ticket


def standing(work: Work, conversation: Conversation) -> PhoneLink | None:
    """The link that holds for a conversation."""
    return work.session.scalar(
        select(PhoneLink)
        .where(PhoneLink.conversation_id == conversation.id, PhoneLink.undone_at.is_(None))
        .order_by(PhoneLink.id.desc())
    )


def link(work: Work, conversation: Conversation, phone: str, message_id: int) -> Contact:
    """Know the person of a conversation by a number that its channel vouches for. Gives the contact that they are now.

    `message_id` is the message in which they shared it: their consent.
    """
    held = standing(work, conversation)
    if held is not None and held.phone == phone:
        return contacts.get(work, conversation.contact_id)
    if held is not None:
        undo(work, conversation)
    before = contacts.get(work, conversation.contact_id)
    owner = contacts.by_phone(work, phone)
    if owner is None:
        contacts.add_identity(work, before, IdentityKind.PHONE, phone)
        owner = before
    _move(work, conversation, before, owner)
    work.session.add(
        PhoneLink(
            conversation_id=conversation.id, contact_id=owner.id, before_contact_id=before.id, message_id=message_id,
            phone=phone, linked_at=work.now,
        )
    )  # fmt: skip
    audit.record(work, "phone.linked", f"contact:{owner.id}", conversation=conversation.id, before=before.id,
                 message=message_id)  # fmt: skip
    return owner


def undo(work: Work, conversation: Conversation) -> str | None:
    """Forget the link of a conversation; gives the number it was for, None where there is none."""
    held = standing(work, conversation)
    if held is None:
        return None
    held.undone_at = work.now
    owner = contacts.get(work, held.contact_id)
    before = contacts.get(work, held.before_contact_id)
    if owner.id != before.id:
        _move(work, conversation, owner, before)
    elif _known_elsewhere(work, owner, conversation):
        _move(work, conversation, owner, _somebody_new(work, owner))
    else:
        row = work.session.scalar(
            select(ContactIdentity).where(
                ContactIdentity.contact_id == owner.id, ContactIdentity.kind == IdentityKind.PHONE,
                ContactIdentity.value == held.phone,
            )
        )  # fmt: skip
        if row is not None:
            work.session.delete(row)
    audit.record(work, "phone.unlinked", f"contact:{owner.id}", conversation=conversation.id)
    return held.phone


def _known_elsewhere(work: Work, contact: Contact, conversation: Conversation) -> bool:
    """Whether the number meanwhile serves the same contact in another conversation, as on WhatsApp."""
    other = select(Conversation.id).where(
        Conversation.contact_id == contact.id, Conversation.channel != conversation.channel
    )
    return work.session.scalar(other.limit(1)) is not None


def _somebody_new(work: Work, like: Contact) -> Contact:
    contact = Contact(name=like.name, language=like.language, created_at=work.now)
    work.session.add(contact)
    work.session.flush()
    return contact


def _move(work: Work, conversation: Conversation, before: Contact, to: Contact) -> None:
    """The conversation, what was said in it and its cases are another contact's from now on."""
    if before.id == to.id:
        return
    if to.language is None:
        to.language = before.language
    work.session.execute(
        update(ContactIdentity)
        .where(
            ContactIdentity.contact_id == before.id, ContactIdentity.account == conversation.account,
            ContactIdentity.kind == IdentityKind.TELEGRAM_USER, ContactIdentity.value == conversation.address,
        )
        .values(contact_id=to.id)
    )  # fmt: skip
    conversation.contact_id = to.id
    for table in (Message, Ticket):
        work.session.execute(update(table).where(table.conversation_id == conversation.id).values(contact_id=to.id))
    work.session.flush()
