"""The durable inbox: whatever a door accepted is here before the sender hears 'accepted'."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class InboxState(StrEnum):
    """Where a row stands. `claimed` is leased to a worker; `dead` after too many tries."""

    NEW = "new"
    CLAIMED = "claimed"
    DONE = "done"
    DEAD = "dead"


class InboxItem(Base):
    """A raw message. Unique on (channel, account, external id); at most one of a lane is claimed at a time."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("channel", "account", "external_id"),
        Index("ix_inbox_ready", "id", postgresql_where=text("state = 'new'"), sqlite_where=text("state = 'new'")),
        Index(
            "ix_inbox_lane_open",
            "lane",
            "id",
            postgresql_where=text("state IN ('new', 'claimed')"),
            sqlite_where=text("state IN ('new', 'claimed')"),
        ),
        Index("ix_inbox_dead", "id", postgresql_where=text("state = 'dead'"), sqlite_where=text("state = 'dead'")),
        Index("ix_inbox_received_at", "received_at"),
        Index(
            "ix_inbox_raw_kept",
            "received_at",
            postgresql_where=text("raw IS NOT NULL"),
            sqlite_where=text("raw IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(160))
    external_id: Mapped[str] = mapped_column(String(200))
    lane: Mapped[str] = mapped_column(String(400))
    raw: Mapped[dict[str, Any] | None]
    state: Mapped[InboxState] = mapped_column(default=InboxState.NEW)
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(500))
    done_at: Mapped[datetime | None]


class Quarantine(Base):
    """What came with a wrong signature: kept for a look, without effect. Bounded by the retention job."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    peer: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(120))
    raw: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(index=True)


class PollLease(Base):
    """Which process asks a provider for messages, and until when nobody else may."""

    __tablename__ = "poll_lease"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    until_at: Mapped[datetime]


@dataclass(frozen=True)
class InboxRow:
    """What a door hands to the inbox. `raw` is JSON and holds all that is needed to parse it again."""

    channel: str
    account: str
    external_id: str
    lane: str
    raw: dict[str, Any]
