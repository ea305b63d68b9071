"""What another brain said of a message that wanted a human: a suggestion beside our own reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big
from models.reading import Category

REASON_LIMIT = 200


@dataclass(frozen=True)
class Opinion:
    """A category that somebody else would give, a second one, and why in a line."""

    category: Category
    second_category: Category | None = None
    reason: str = ""


class SecondOpinion(Base):
    """One row for each message that was asked about, from before the asking on, so that nobody asks twice at once.

    While `due_at` is set it may be asked (again) from then on; afterwards there is a `category`, or the `error` that
    ended it. `settled`: the two brains agreed surely enough for the message to leave the queue of the undecided.
    """

    __tablename__ = "second_opinion"
    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), unique=True)
    model: Mapped[str] = mapped_column(String(120))
    category: Mapped[Category | None]
    second_category: Mapped[Category | None]
    reason: Mapped[str] = mapped_column(String(REASON_LIMIT), default="")
    at: Mapped[datetime]
    latency_ms: Mapped[int | None]
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(40))
    settled: Mapped[bool] = mapped_column(default=False)
