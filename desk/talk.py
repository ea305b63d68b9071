"""What a talk leaves behind: the language, the questions under way, who waits for a human, how fast somebody writes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from desk.ticket_record import write
from desk.work import Work
from models.access import ASSISTANT
from models.charging import Tariff
from models.contact import Contact
from models.conversation import Conversation
from models.message import Direction, Media, Message
from models.money import Money
from models.outbox import OutboxItem
from models.ticket import Ticket


def hold(work: Work, message: Message) -> tuple[Conversation, Contact]:
    """The conversation and contact of a message, the conversation held for change."""
    conversation = work.lock(Conversation, message.conversation_id)
    assert conversation is not None
    return conversation, work.session.get_one(Contact, message.contact_id)


def previous(work: Work, message: Message) -> Message | None:
    """What the same person wrote just before."""
    return work.session.scalar(
        select(Message)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.direction == Direction.INBOUND,
            Message.id < message.id,
        )
        .order_by(Message.id.desc())
        .limit(1)
    )


def last_heard(work: Work, conversation_id: int) -> Message | None:
    """The last thing a person wrote in a conversation."""
    return work.session.scalar(
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.direction == Direction.INBOUND)
        .order_by(Message.id.desc())
        .limit(1)
    )


def quiet_dialogues(work: Work, seconds: int, limit: int = 100) -> list[int]:
    """Conversations in which a question of ours waits and nothing was written for `seconds`, oldest first."""
    return list(
        work.session.scalars(
            select(Conversation.id)
            .where(
                Conversation.last_inbound_at < work.now - timedelta(seconds=seconds),
                Conversation.dialogue["kind"].as_string().is_not(None),
            )
            .order_by(Conversation.last_inbound_at)
            .limit(limit)
        )
    )


def lately(work: Work, message: Message, seconds: int) -> list[str]:
    """What else the person wrote in this conversation within the last `seconds`, newest first."""
    texts = work.session.scalars(
        select(Message.text)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.direction == Direction.INBOUND,
            Message.id < message.id,
            Message.text.is_not(None),
            Message.received_at >= work.now - timedelta(seconds=seconds),
        )
        .order_by(Message.id.desc())
        .limit(20)
    )
    return [text for text in texts if text is not None]


def answered(work: Work, contact_id: int, seconds: int) -> int:
    """How many messages the assistant sent a contact within the last `seconds`."""
    return (
        work.session.scalar(
            select(func.count()).where(
                Message.contact_id == contact_id,
                Message.direction == Direction.OUTBOUND,
                Message.sender == ASSISTANT.name,
                Message.received_at > work.now - timedelta(seconds=seconds),
            )
        )
        or 0
    )


def said_since(work: Work, conversation: Conversation, code: str, seconds: int) -> bool:
    """Whether a phrase was said in a conversation within the last `seconds`."""
    return (
        work.session.scalar(
            select(Message.id)
            .where(
                Message.conversation_id == conversation.id,
                Message.direction == Direction.OUTBOUND,
                Message.code == code,
                Message.received_at > work.now - timedelta(seconds=seconds),
            )
            .limit(1)
        )
        is not None
    )


def human_spoke_at(work: Work, conversation: Conversation, since: datetime) -> datetime | None:
    """When a member last wrote into a conversation with own words, after `since`."""
    return work.session.scalar(
        select(OutboxItem.created_at)
        .where(
            OutboxItem.conversation_id == conversation.id,
            OutboxItem.text.is_not(None),
            OutboxItem.created_at >= since,
        )
        .order_by(OutboxItem.created_at.desc())
        .limit(1)
    )


def has_media(work: Work, message: Message) -> bool:
    """Whether files came with a message."""
    return work.session.scalar(select(Media.id).where(Media.message_id == message.id).limit(1)) is not None


def set_dialogue(work: Work, conversation: Conversation, dialogue: dict[str, Any] | None) -> None:
    """Keep the questions under way, or end them."""
    conversation.dialogue = dialogue


def set_language(work: Work, conversation: Conversation, language: str) -> None:
    """Answer in this language from now on."""
    conversation.language = language


def choose_language(work: Work, conversation: Conversation, contact: Contact, language: str) -> None:
    """The person chose: this wins over what is detected, on every channel."""
    contact.language = language
    conversation.language = language


def remember_charger(work: Work, conversation: Conversation, charger_id: str) -> None:
    """The charger that is talked about."""
    conversation.last_charger_id = charger_id


def wait_for_human(work: Work, conversation: Conversation) -> None:
    """The assistant keeps still from now on."""
    if conversation.human_since_at is None:
        conversation.human_since_at = work.now


def back_to_assistant(work: Work, conversation: Conversation) -> None:
    """The assistant answers again."""
    conversation.human_since_at = None


def mute(work: Work, contact: Contact, seconds: int) -> None:
    """Answer a contact no more for a while."""
    contact.muted_until_at = work.now + timedelta(seconds=seconds)


def tariffs(work: Work) -> list[tuple[str, Money]]:
    """Names and prices per kWh."""
    rows = work.session.scalars(select(Tariff).order_by(Tariff.price_minor_per_kwh, Tariff.id))
    return [(row.name, Money(row.price_minor_per_kwh, row.currency)) for row in rows]


def name_charger(work: Work, ticket: Ticket, charger_id: str, incident_id: int | None) -> None:
    """It is known now which charger a ticket is about."""
    if ticket.charger_id is None:
        ticket.charger_id = charger_id
        write(work, ticket, "charger", now=charger_id)
    if ticket.incident_id is None:
        ticket.incident_id = incident_id
