"""The durable outbox: what must reach a person is a row first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class OutboxState(StrEnum):
    """Where a row stands. `unknown`: it may or may not have arrived; never silent, see docs/delivery.md."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DEAD = "dead"
    EXPIRED = "expired"


class OutboxItem(Base):
    """One outgoing message. `lane` keeps order per conversation; `rank` is the provider's status, only upwards."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_ready",
            "priority",
            "id",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
        Index(
            "ix_outbox_lane_open",
            "lane",
            "id",
            postgresql_where=text("state IN ('pending', 'sending', 'unknown')"),
            sqlite_where=text("state IN ('pending', 'sending', 'unknown')"),
        ),
        Index(
            "ix_outbox_trouble",
            "id",
            postgresql_where=text("state IN ('dead', 'unknown')"),
            sqlite_where=text("state IN ('dead', 'unknown')"),
        ),
        Index("ix_outbox_provider_id", "provider_id"),
        Index("ix_outbox_conversation_id", "conversation_id"),
        Index(
            "ix_outbox_team_created_at",
            "created_at",
            postgresql_where=text("channel = 'team'"),
            sqlite_where=text("channel = 'team'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    lane: Mapped[str] = mapped_column(String(400))
    channel: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(160))
    address: Mapped[str] = mapped_column(String(200))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    intent: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int]
    code: Mapped[str] = mapped_column(String(80))
    facts: Mapped[dict[str, Any]]
    choices: Mapped[list[Any]]
    extra: Mapped[dict[str, Any] | None]  # what a channel needs beside the words, see models.reply.Extra
    text: Mapped[str | None]
    language: Mapped[str] = mapped_column(String(16))
    rendered: Mapped[str | None]  # what was actually sent
    state: Mapped[OutboxState] = mapped_column(default=OutboxState.PENDING)
    status: Mapped[str | None] = mapped_column(String(24))  # the provider's own word
    rank: Mapped[int] = mapped_column(default=-1)
    attempts: Mapped[int] = mapped_column(default=0)
    repeated: Mapped[bool] = mapped_column(default=False)  # sent again after an unknown outcome, with a mark
    template: Mapped[bool] = mapped_column(default=False)  # goes by the intent's approved template
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until_at: Mapped[datetime | None]
    lease_seq: Mapped[int] = mapped_column(default=0)
    provider_id: Mapped[str | None] = mapped_column(String(80))
    error_code: Mapped[str | None] = mapped_column(String(80))
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class OutboxEvent(Base):
    """A provider's status callback, kept as it came, also when it came before the id was known."""

    __tablename__ = "outbox_event"
    __table_args__ = (
        UniqueConstraint("provider_id", "status", "error_code"),
        Index(
            "ix_outbox_event_raw_kept",
            "received_at",
            postgresql_where=text("raw IS NOT NULL"),
            sqlite_where=text("raw IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    outbox_id: Mapped[int | None] = mapped_column(index=True)
    provider_id: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(24))
    error_code: Mapped[str] = mapped_column(String(24), default="")
    raw: Mapped[dict[str, Any] | None]
    received_at: Mapped[datetime]


class SendPause(Base):
    """An account that a provider asked to be quiet, until when."""

    __tablename__ = "send_pause"
    __table_args__ = (UniqueConstraint("channel", "account"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(160))
    until_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(120))


@dataclass(frozen=True)
class Parcel:
    """A claimed outbox row, as the sender sees it."""

    id: int
    lane: str
    channel: str
    account: str
    address: str
    intent: str
    code: str
    facts: dict[str, Any]
    choices: list[dict[str, Any]]
    text: str | None
    language: str
    attempts: int
    repeated: bool
    template: bool
    lease_seq: int
    expires_at: datetime | None
    conversation_id: int | None
    window_open: bool  # the person wrote within the channel's window
    created_at: datetime
    extra: dict[str, Any] = field(default_factory=dict)  # see models.reply.Extra


@dataclass(frozen=True)
class Accepted:
    """The provider took it. `rendered` is the text that went out, `menu` the numbered choices it carried."""

    provider_id: str
    rendered: str
    status: str = "queued"
    rank: int = 0
    menu: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RetryLater:
    """Surely not taken; try again. `pause_account` when the whole account must be quiet for `after_s`."""

    after_s: float
    reason: str
    pause_account: bool = False


@dataclass(frozen=True)
class OutcomeUnknown:
    """It may have arrived: no answer, or a broken one."""

    reason: str
    rendered: str


@dataclass(frozen=True)
class NeedsTemplate:
    """Free text is not allowed now; the row goes again as a template."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """The provider will never take it. `address_dead`: nobody is there."""

    code: str
    reason: str
    address_dead: bool = False


@dataclass(frozen=True)
class Moved:
    """Surely not taken: the chat has another address now, for good."""

    address: str


SendResult = Accepted | RetryLater | OutcomeUnknown | NeedsTemplate | Refused | Moved
