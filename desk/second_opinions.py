"""Second opinions on messages that want a human: which to ask about, what was said, and what follows from it.

An opinion is a suggestion. It never changes urgency and never touches an alarm; what it can do at most is to confirm
our own best guess, where both together are as sure as a reading must be that needs no human.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from desk import audit
from desk.work import Work
from models.contact import Contact
from models.conversation import Conversation
from models.message import Direction, Message, MessageState
from models.reading import Category, Urgency
from models.second_opinion import REASON_LIMIT, Opinion, SecondOpinion

LEASE_S = 120
MAX_TRIES = 3
OLDEST = timedelta(days=1)
"""Who switches second opinions on does not send away what was written before."""


@dataclass(frozen=True)
class Question:
    """A message to ask about. `names` are what the desk knows its writer by; none of it may leave the house."""

    message_id: int
    text: str
    names: tuple[str, ...]
    category: Category
    confidence: float
    scores: dict[str, float]
    model: str
    tries: int


def claim(work: Work, limit: int, model: str) -> list[Question]:
    """Take up to `limit` messages, oldest first: nobody else asks about them until the lease is over."""
    settled = or_(SecondOpinion.due_at.is_(None), SecondOpinion.due_at > work.now)
    wanted = (
        select(Message.id)
        .where(
            and_(Message.needs_review), Message.state == MessageState.NEEDS_REVIEW,
            Message.direction == Direction.INBOUND, Message.category.is_not(None), Message.urgency != Urgency.SAFETY,
            Message.text.is_not(None), Message.received_at > work.now - OLDEST,
            ~exists().where(SecondOpinion.message_id == Message.id, settled),
        )
        .order_by(Message.id).limit(limit)
    )  # fmt: skip
    if work.postgresql:
        wanted = wanted.with_for_update(skip_locked=True)
    asked = (_question(work, key, model[:120]) for key in work.session.scalars(wanted).all())
    return [question for question in asked if question is not None]


def _question(work: Work, message_id: int, model: str) -> Question | None:
    """None where another process was quicker."""
    dialect: Any = postgresql if work.postgresql else sqlite
    start = {"message_id": message_id, "model": model, "at": work.now, "reason": "", "tries": 0, "settled": False}
    work.session.execute(dialect.insert(SecondOpinion.__table__).values(start).on_conflict_do_nothing())
    row = _row(work, message_id)
    if row is None or (row.tries and (row.due_at is None or row.due_at > work.now)):
        return None
    row.tries, row.model, row.at = row.tries + 1, model, work.now
    row.due_at = work.now + timedelta(seconds=LEASE_S)
    message = work.session.get_one(Message, message_id)
    assert message.text is not None
    assert message.category is not None
    return Question(
        message.id, message.text, _names(work, message), message.category, message.confidence or 0.0,
        dict(message.scores or {}), message.model or "", row.tries,
    )  # fmt: skip


def _names(work: Work, message: Message) -> tuple[str, ...]:
    contact = work.session.get_one(Contact, message.contact_id)
    given = (contact.name, *contact.name.split(), contact.username or "", contact.email or "")
    return tuple(dict.fromkeys(word.strip() for word in given if len(word.strip()) >= 3))


def given(
    work: Work, message_id: int, opinion: Opinion, *, latency_ms: int, sure: float | None = None
) -> SecondOpinion | None:
    """Keep an opinion. `sure`: how probable our own best guess is with it, where that passes the guess's threshold.

    None where the message's writer was forgotten meanwhile.
    """
    row, message = _row(work, message_id), work.lock(Message, message_id)
    if row is None or message is None or message.text is None:
        return None
    row.category, row.second_category = opinion.category, opinion.second_category
    row.reason, row.latency_ms, row.at = opinion.reason[:REASON_LIMIT], latency_ms, work.now
    row.due_at = row.error = None
    if sure is not None and _may_settle(work, message, opinion):
        _settle(work, message, row, sure)
    work.wake(f"live.message.{message.id}")
    return row


def _may_settle(work: Work, message: Message, opinion: Opinion) -> bool:
    """Whether doubt about the category is all that keeps the message in the queue."""
    talk = work.session.get_one(Conversation, message.conversation_id)
    return (
        message.needs_review
        and message.state is MessageState.NEEDS_REVIEW
        and message.category is opinion.category
        and message.urgency is not Urgency.SAFETY
        and talk.human_since_at is None
    )


def _settle(work: Work, message: Message, row: SecondOpinion, sure: float) -> None:
    message.needs_review = False
    message.move(MessageState.BUCKETED)
    row.settled = True
    audit.record(
        work, "message.second_opinion", f"message:{message.id}", category=row.category.value if row.category else None,
        model=row.model, was=message.confidence, now=round(sure, 4),
    )  # fmt: skip


def failed(work: Work, message_id: int, cause: str, *, again_in_s: float | None) -> None:
    """Nothing came of it: again after a while, up to MAX_TRIES times, or never (None)."""
    row = _row(work, message_id)
    if row is None or row.category is not None:
        return
    row.error = cause[:40]
    over = again_in_s is None or row.tries >= MAX_TRIES
    row.due_at = None if over else work.now + timedelta(seconds=again_in_s or 0.0)


def put_back(work: Work, message_id: int, again_in_s: float) -> None:
    """It was not asked after all; the try does not count."""
    row = _row(work, message_id)
    if row is not None and row.category is None:
        row.tries = max(row.tries - 1, 0)
        row.due_at = work.now + timedelta(seconds=again_in_s)


def of(work: Work, message_id: int) -> SecondOpinion | None:
    """The opinion on a message, once there is one."""
    return work.session.scalar(
        select(SecondOpinion).where(SecondOpinion.message_id == message_id, SecondOpinion.category.is_not(None))
    )


def forget(work: Work, message_ids: Sequence[int]) -> None:
    """Their words go, and so does what was said about them."""
    for start in range(0, len(message_ids), 500):
        some = SecondOpinion.message_id.in_(message_ids[start : start + 500])
        work.session.execute(delete(SecondOpinion).where(some).execution_options(synchronize_session=False))


def _row(work: Work, message_id: int) -> SecondOpinion | None:
    query = select(SecondOpinion).where(SecondOpinion.message_id == message_id)
    return work.session.scalar(query.with_for_update() if work.postgresql else query)
