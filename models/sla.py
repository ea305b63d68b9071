"""Service-level clocks: targets, clock rows, timers that fire, and what they said.

A clock keeps what it consumed and since when it runs; a change makes a new generation, so that timers of an
older one do nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big
from models.ticket import Priority

HOUR_S = 3600


class ClockKind(StrEnum):
    """What a clock measures."""

    FIRST_RESPONSE = "first_response"
    RESOLUTION = "resolution"


class ClockState(StrEnum):
    """How a clock stands."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"  # stopped, too late
    CANCELLED = "cancelled"


TARGET_S: dict[ClockKind, dict[Priority, int]] = {
    ClockKind.FIRST_RESPONSE: {
        Priority.CRITICAL: 1 * HOUR_S,
        Priority.HIGH: 4 * HOUR_S,
        Priority.NORMAL: 24 * HOUR_S,
        Priority.LOW: 24 * HOUR_S,
    },
    ClockKind.RESOLUTION: {
        Priority.CRITICAL: 8 * HOUR_S,
        Priority.HIGH: 24 * HOUR_S,
        Priority.NORMAL: 72 * HOUR_S,
        Priority.LOW: 72 * HOUR_S,
    },
}
"""24 h and 72 h on every ticket; critical and high get shorter ones within these."""

WARN_AT: tuple[int, ...] = (50, 75, 90)
"""Percent of the target at which a warning goes out."""

RISK_LEFT = 0.25
"""The share of its target that a clock has left when its ticket counts as at risk."""

CHASE_EVERY_S: dict[Priority, int] = {
    Priority.CRITICAL: 15 * 60,
    Priority.HIGH: HOUR_S,
    Priority.NORMAL: 4 * HOUR_S,
    Priority.LOW: 8 * HOUR_S,
}
"""After a breach, how often the team is chased until somebody acts."""


class SlaClock(Base):
    """One clock of a ticket. `due_at` is None while paused or stopped."""

    __tablename__ = "sla_clock"
    __table_args__ = (UniqueConstraint("ticket_id", "kind", "seq"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[ClockKind]
    seq: Mapped[int] = mapped_column(default=1)  # a reopened ticket gets a new resolution clock
    target_s: Mapped[int]
    started_at: Mapped[datetime]
    running_since_at: Mapped[datetime | None]
    consumed_s: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]  # equals the due time that passed, not the sweep's time
    stopped_at: Mapped[datetime | None]
    state: Mapped[ClockState] = mapped_column(default=ClockState.RUNNING)
    gen: Mapped[int] = mapped_column(default=1)

    def due_if_running(self, since: datetime) -> datetime:
        """When the target is reached if the clock runs from `since` without a pause."""
        return since + timedelta(seconds=self.target_s - self.consumed_s)


class SlaTimer(Base):
    """Something to say at a time: `warn50`, `warn75`, `warn90`, `breach`, `chase1`, … for one generation."""

    __tablename__ = "sla_timer"
    __table_args__ = (
        UniqueConstraint("clock_id", "what", "gen"),
        Index(
            "ix_sla_timer_due",
            "fire_at",
            postgresql_where=text("state = 'armed'"),
            sqlite_where=text("state = 'armed'"),
        ),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("sla_clock.id"))
    what: Mapped[str] = mapped_column(String(16))
    fire_at: Mapped[datetime]
    gen: Mapped[int]
    state: Mapped[str] = mapped_column(String(8), default="armed")  # armed, fired, void


class SlaEvent(Base):
    """What a clock did: warned, breached, chased. `effective_at` is when it was due, `recorded_at` when seen."""

    __tablename__ = "sla_event"
    __table_args__ = (UniqueConstraint("clock_id", "what", "gen"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("sla_clock.id"))
    what: Mapped[str] = mapped_column(String(16))
    gen: Mapped[int]
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    facts: Mapped[dict[str, Any] | None]
