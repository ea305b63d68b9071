"""Conversations: what a person said is kept as a message that staff see at once."""

from __future__ import annotations

from sqlalchemy import select

from desk import contacts, inbox
from desk.redaction import redact
from desk.work import Work
from models.contact import Contact
from models.conversation import Conversation, conversation_key
from models.errors import NotFound
from models.message import Direction, Heard, Media, MediaState, Message, MessageKind, MessageState

TEXT_LIMIT = 20_000
"""Characters of a message that are kept; longer ones are cut, and the raw payload still has the rest."""


def hear(work: Work, inbox_id: int, heard: Heard) -> Message:
    """Keep an inbound message, its contact, conversation and media. The same inbox row gives the same message.

    Passwords in it are blanked, here and in the raw payload.
    """
    existing = work.session.scalar(select(Message).where(Message.inbox_id == inbox_id))
    if existing is not None:
        return existing
    contact = contacts.find_or_make(work, heard)
    conversation = _conversation(work, heard, contact)
    text = redact(heard.text)
    if text != heard.text:
        inbox.redact(work, inbox_id)
    message = Message(
        conversation_id=conversation.id, contact_id=contact.id, inbox_id=inbox_id, direction=Direction.INBOUND,
        kind=heard.kind, channel=heard.channel, sender=heard.identity[:200], text=_clean(text),
        payload=heard.payload[:300] if heard.payload else None, state=MessageState.UNREAD, needs_review=False,
        latitude=heard.location.latitude if heard.location else None,
        longitude=heard.location.longitude if heard.location else None, received_at=work.now,
    )  # fmt: skip
    work.session.add(message)
    work.session.flush()
    for item in heard.media:
        work.session.add(
            Media(
                message_id=message.id, channel=heard.channel, url=item.url, content_type=item.content_type[:120],
                state=MediaState.WAITING, due_at=work.now,
            )
        )  # fmt: skip
    if heard.media:
        work.wake("media")
    conversation.last_inbound_at = work.now
    message.move(MessageState.ANALYSING)
    work.wake(f"live.message.{message.id}")
    work.wake(f"chat.{conversation.id}")
    return message


def _clean(text: str) -> str | None:
    """What both engines can store; None where nothing is left."""
    kept = text.replace("\x00", "")[:TEXT_LIMIT]
    kept = kept.encode("utf-8", "replace").decode("utf-8")
    return kept if kept.strip() else None


def _conversation(work: Work, heard: Heard, contact: Contact) -> Conversation:
    key = conversation_key(heard.channel, heard.account, heard.address)
    conversation = work.session.scalar(select(Conversation).where(Conversation.key == key))
    if conversation is None:
        conversation = Conversation(
            key=key, contact_id=contact.id, channel=heard.channel, account=heard.account, address=heard.address,
            language=contact.language or heard.language_hint, created_at=work.now,
        )  # fmt: skip
        work.session.add(conversation)
        work.session.flush()
    elif conversation.contact_id != contact.id:
        # A number may pass to somebody else (its owner is erased or merged): what follows is theirs.
        conversation.contact_id = contact.id
    return conversation


def get(work: Work, conversation_id: int) -> Conversation:
    """A conversation by its key."""
    conversation = work.session.get(Conversation, conversation_id)
    if conversation is None:
        raise NotFound("conversation.unknown", id=conversation_id)
    return conversation


def unreadable(work: Work, message_id: int) -> None:
    """A message that broke its own handling: it shows as one that wants a human."""
    message = work.session.get(Message, message_id)
    if message is not None and message.kind is not MessageKind.BUTTON:
        message.needs_review = True
        message.move(MessageState.NEEDS_REVIEW)
        work.wake(f"live.message.{message.id}")


def by_inbox(work: Work, inbox_id: int) -> Message | None:
    """The message that an inbox row became."""
    return work.session.scalar(select(Message).where(Message.inbox_id == inbox_id))
