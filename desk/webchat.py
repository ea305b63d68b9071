"""What a web-chat socket reads: lines of its conversation, and which are new since it last looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from desk.work import Work
from models.conversation import Conversation
from models.inbox import InboxItem
from models.message import Direction, Message
from models.outbox import OutboxItem, OutboxState


@dataclass(frozen=True)
class Line:
    """A line of the conversation. `number` rises with each line said to the person; theirs carry their own id."""

    number: int
    text: str
    choices: list[dict[str, Any]]
    language: str
    at: datetime
    own: bool
    client_id: str | None = None


@dataclass(frozen=True)
class News:
    """What a socket should show. `conversation_id` is None before the first message is taken in."""

    conversation_id: int | None
    lines: list[Line]


def news(work: Work, key: str, after: int) -> News:
    """What was said to the person since line `after`, in order."""
    conversation = work.session.scalar(select(Conversation).where(Conversation.key == key))
    if conversation is None:
        return News(None, [])
    items = work.session.scalars(
        select(OutboxItem)
        .where(
            OutboxItem.conversation_id == conversation.id,
            OutboxItem.state == OutboxState.SENT,
            OutboxItem.id > after,
        )
        .order_by(OutboxItem.id)
        .limit(200)
    )
    return News(conversation.id, [_said(item) for item in items])


def history(work: Work, key: str, limit: int = 60) -> News:
    """The latest lines of both sides, oldest first, for a page that starts afresh."""
    conversation = work.session.scalar(select(Conversation).where(Conversation.key == key))
    if conversation is None:
        return News(None, [])
    said = work.session.scalars(
        select(OutboxItem)
        .where(OutboxItem.conversation_id == conversation.id, OutboxItem.state == OutboxState.SENT)
        .order_by(OutboxItem.id.desc())
        .limit(limit)
    )
    heard = work.session.execute(
        select(Message, InboxItem.external_id)
        .join(InboxItem, InboxItem.id == Message.inbox_id)
        .where(Message.conversation_id == conversation.id, Message.direction == Direction.INBOUND)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    lines = [_said(item) for item in said]
    lines += [
        Line(0, message.text or "", [], message.language or "en", message.received_at, own=True, client_id=external)
        for message, external in heard
    ]
    return News(conversation.id, sorted(lines, key=lambda line: (line.at, line.number))[-limit:])


def _said(item: OutboxItem) -> Line:
    return Line(
        item.id, item.rendered or "", list(item.choices), item.language, item.sent_at or item.created_at, own=False
    )
