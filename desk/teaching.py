"""What people have labelled, and what is worth labelling next: the words themselves, for whoever trains or shows them.

Nothing is kept beside the messages: whoever is erased has taught the next model nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select

from desk import tally
from desk.work import Work
from models.access import Permission
from models.message import Correction, Direction, Message
from models.reading import Category, Urgency
from models.tally import Counted
from models.teaching import Labelled

WEEKS = 12
UNCERTAIN_LOOKED_AT = 400
UNCERTAIN_FOR = timedelta(days=60)


def labelled(work: Work, *, since: datetime | None = None) -> list[Labelled]:
    """Messages that people have labelled, oldest label first. Of several labels of one message the last counts."""
    work.require(Permission.CORRECT_MESSAGES)
    query = (
        select(Correction, Message)
        .join(Message, Message.id == Correction.message_id)
        .where(Message.direction == Direction.INBOUND, Message.text.is_not(None), Message.text != "")
        .order_by(Correction.id)
    )
    if since is not None:
        query = query.where(Correction.at >= since)
    first: dict[int, Correction] = {}
    last: dict[int, tuple[Correction, Message]] = {}
    spoken: dict[int, tuple[Urgency | None, str | None]] = {}
    for correction, message in work.session.execute(query):
        first.setdefault(message.id, correction)
        last[message.id] = (correction, message)
        urgency, language = spoken.get(message.id, (None, None))
        spoken[message.id] = (correction.urgency or urgency, correction.language or language)
    made = [_labelled(*pair, first[key], *spoken[key]) for key, pair in last.items()]
    return sorted(made, key=lambda one: (one.at, one.message_id))


def _labelled(
    last: Correction, message: Message, first: Correction, urgency: Urgency | None, language: str | None
) -> Labelled:
    return Labelled(
        message_id=message.id, text=message.text or "", category=last.now, was=first.was,
        confidence=message.confidence, by_id=last.by_id or last.by, by=last.by, why=last.why, at=last.at,
        received_at=message.received_at, urgency=urgency, language=language,
    )  # fmt: skip


@dataclass(frozen=True)
class Uncertain:
    """A message that nobody has labelled, with what the model thought of it."""

    message_id: int
    text: str
    category: Category
    scores: dict[str, float]
    urgency: Urgency | None
    received_at: datetime


def uncertain(work: Work) -> list[Uncertain]:
    """The newest messages that want a human and that nobody has labelled yet."""
    work.require(Permission.CORRECT_MESSAGES)
    said = exists().where(Correction.message_id == Message.id)
    rows = work.session.scalars(
        select(Message)
        .where(Message.needs_review, Message.received_at >= work.now - UNCERTAIN_FOR, ~said)
        .order_by(Message.id.desc())
        .limit(UNCERTAIN_LOOKED_AT)
    )
    return list(_readable(rows))


def _readable(rows: Iterable[Message]) -> Iterable[Uncertain]:
    for row in rows:
        if row.direction is Direction.INBOUND and row.text and row.category is not None and row.scores:
            yield Uncertain(row.id, row.text, row.category, row.scores, row.urgency, row.received_at)


def weeks(work: Work) -> dict[str, Any]:
    """What people wrote by category in each of the last weeks (seven days each, the last one ends today)."""
    work.require(Permission.CORRECT_MESSAGES)
    days = tally.days(work, 7 * WEEKS)
    counted = tally.by_day(work, Counted.MESSAGES, days[0])
    starts = days[::7]
    return {
        "weeks": starts,
        "counts": {
            category.value: [
                sum(counted.get((category.value, day), 0) for day in days[start : start + 7])
                for start in range(0, len(days), 7)
            ]
            for category in Category
        },
    }
