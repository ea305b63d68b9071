"""Sums that are asked for often: what is counted stands in rows of its own, so that nobody counts a million."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class Counted(StrEnum):
    """What is counted."""

    TICKETS = "tickets"  # by status; no day: how many there are
    OPENED = "opened"  # tickets opened, by day
    RESOLVED = "resolved"  # tickets resolved, by day
    MESSAGES = "messages"  # what people wrote, by category and day


class Tally(Base):
    """A change of a sum. Writers only add rows and so never wait for one another; a job folds them together."""

    __tablename__ = "tally"
    __table_args__ = (Index("ix_tally_what_day", "what", "day"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    what: Mapped[Counted]
    key: Mapped[str] = mapped_column(String(32), default="")
    day: Mapped[str] = mapped_column(String(10), default="")  # 2026-03-02 in the installation's zone
    change: Mapped[int]
