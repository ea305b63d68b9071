"""A message, in or out, as staff see it; the value that channels hand in; media; corrections."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big
from models.reading import Category, Urgency


class Direction(StrEnum):
    """Which way a message went."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class MessageKind(StrEnum):
    """What kind of thing arrived."""

    TEXT = "text"
    MEDIA = "media"
    LOCATION = "location"
    BUTTON = "button"
    EDIT = "edit"
    CONTACT = "contact"
    UNSUPPORTED = "unsupported"


class MessageState(StrEnum):
    """Where an inbound message stands. Outbound ones stay `replied`."""

    UNREAD = "unread"
    ANALYSING = "analysing"
    BUCKETED = "bucketed"
    NEEDS_REVIEW = "needs_review"
    REPLIED = "replied"
    ARCHIVED = "archived"


MESSAGE_MOVES: MappingProxyType[MessageState, frozenset[MessageState]] = MappingProxyType(
    {
        MessageState.UNREAD: frozenset({MessageState.ANALYSING, MessageState.NEEDS_REVIEW}),
        MessageState.ANALYSING: frozenset({MessageState.BUCKETED, MessageState.NEEDS_REVIEW}),
        MessageState.BUCKETED: frozenset({MessageState.REPLIED, MessageState.ARCHIVED, MessageState.NEEDS_REVIEW}),
        MessageState.NEEDS_REVIEW: frozenset({MessageState.BUCKETED, MessageState.REPLIED, MessageState.ARCHIVED}),
        MessageState.REPLIED: frozenset({MessageState.ARCHIVED, MessageState.NEEDS_REVIEW}),
        MessageState.ARCHIVED: frozenset(),
    }
)


@dataclass(frozen=True)
class MediaRef:
    """A file that came with a message: where the provider keeps it and what it says it is."""

    url: str
    content_type: str


@dataclass(frozen=True)
class Location:
    """A point on the map, WGS 84 degrees."""

    latitude: float
    longitude: float
    label: str = ""


@dataclass(frozen=True)
class Heard:
    """An inbound message as a channel parsed it; no library type crosses this border.

    `identity_kind` and `identity` say who wrote (aliases as further pairs); `payload` is the id of a pressed
    button or list row; `raw` stays in the inbox.
    """

    channel: str
    account: str
    address: str
    external_id: str
    identity_kind: str
    identity: str
    kind: MessageKind = MessageKind.TEXT
    text: str = ""
    payload: str | None = None
    sender_name: str = ""
    aliases: tuple[tuple[str, str], ...] = ()
    media: tuple[MediaRef, ...] = ()
    location: Location | None = None
    language_hint: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Presence:
    """No message: a person blocked us (`here` is False), or came back."""

    account: str
    identity_kind: str
    identity: str
    here: bool


class Message(Base):
    """A message of a conversation. Outbound text is either free (`text`) or a phrase (`code` with `facts`)."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_conversation_id_id", "conversation_id", "id"),
        Index("ix_message_state_id", "state", "id"),
        Index("ix_message_category_id", "category", "id"),
        Index("ix_message_contact_id_id", "contact_id", "id"),
        Index("ix_message_channel_id", "channel", "id"),
        Index("ix_message_urgency_id", "urgency", "id"),
        Index("ix_message_language_id", "language", "id"),
        Index("ix_message_review", "id", postgresql_where=sql("needs_review"), sqlite_where=sql("needs_review = 1")),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    inbox_id: Mapped[int | None] = mapped_column(unique=True)
    direction: Mapped[Direction]
    kind: Mapped[MessageKind] = mapped_column(default=MessageKind.TEXT)
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(200))
    text: Mapped[str | None]
    code: Mapped[str | None] = mapped_column(String(80))
    facts: Mapped[dict[str, Any] | None]
    payload: Mapped[str | None] = mapped_column(String(300))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    category: Mapped[Category | None]
    second_category: Mapped[Category | None]
    confidence: Mapped[float | None]
    needs_review: Mapped[bool] = mapped_column(default=False)
    urgency: Mapped[Urgency | None]
    language: Mapped[str | None] = mapped_column(String(16))
    summary: Mapped[str | None] = mapped_column(String(300))
    entities: Mapped[dict[str, Any] | None]
    scores: Mapped[dict[str, Any] | None]
    model: Mapped[str | None] = mapped_column(String(80))
    state: Mapped[MessageState]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    received_at: Mapped[datetime]

    def move(self, to: MessageState) -> bool:
        """Change the state where the table of moves allows it; tells whether it did."""
        if to is self.state:
            return True
        if to not in MESSAGE_MOVES[self.state]:
            return False
        self.state = to
        return True


class MediaState(StrEnum):
    """How far the copy of a provider's file has come."""

    WAITING = "waiting"
    STORED = "stored"
    FAILED = "failed"
    DELETED = "deleted"


class Media(Base):
    """A file of a message, or of a note on a ticket (`event_id`): one of the two.

    `path` is relative to the media folder; `attempts` and `due_at` drive the fetcher.
    """

    __tablename__ = "media"
    __table_args__ = (Index("ix_media_state_due_at", "state", "due_at"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_event.id"), index=True)
    album: Mapped[str | None] = mapped_column(String(64), index=True)  # what came together, by the provider's word
    channel: Mapped[str] = mapped_column(String(16))
    url: Mapped[str]
    content_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    path: Mapped[str | None] = mapped_column(String(300))
    state: Mapped[MediaState] = mapped_column(default=MediaState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(String(300))


class Correction(Base):
    """A human's word on how a message is to be understood: append-only, the next model's training data.

    `by` is who, in words, `by_id` so that two of one name are told apart. Where they spoke of urgency (a danger that
    was missed, a false alarm) or language, it stands there too.
    """

    __tablename__ = "correction"
    __table_args__ = (UniqueConstraint("message_id", "at"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    was: Mapped[Category | None]
    now: Mapped[Category]
    urgency_was: Mapped[Urgency | None]
    urgency: Mapped[Urgency | None]
    language: Mapped[str | None] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(120))
    by_id: Mapped[str] = mapped_column(String(80), default="", server_default="")
    why: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
