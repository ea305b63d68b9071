"""A version in the shadow: which messages it has not read yet, what it would have said, where it differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, exists, func, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from desk.work import Work
from models.access import Permission
from models.message import Correction, Direction, Message
from models.reading import Category, Reading, Urgency
from models.teaching import ModelVersion, ShadowReading, VersionState

READY_AFTER = 200
CHUNK = 50
STRAGGLERS = 300
"""Messages are read in parallel: so far behind the newest one that was read, some may still want reading."""
SHOWN = 30


def unread(work: Work, version_id: int) -> list[tuple[int, str]]:
    """Messages that were read in service since it went into the shadow, and not by it yet: key and text."""
    row = work.session.get(ModelVersion, version_id)
    if row is None or row.state is not VersionState.SHADOW:
        return []
    done = exists().where(ShadowReading.version_id == version_id, ShadowReading.message_id == Message.id)
    since = max(row.shadow_from_id or 0, (row.shadow_seen_id or 0) - STRAGGLERS)
    found = work.session.execute(
        select(Message.id, Message.text)
        .where(
            Message.id > since, Message.direction == Direction.INBOUND, Message.text.is_not(None),
            Message.category.is_not(None), ~done,
        )
        .order_by(Message.id)
        .limit(CHUNK)
    )  # fmt: skip
    return [(key, text or "") for key, text in found]


def keep(work: Work, version_id: int, readings: Sequence[tuple[int, Reading]]) -> None:
    """Write down what it would have said, beside what was said in service before a person put it right."""
    row = work.lock(ModelVersion, version_id)
    if row is None or not readings:
        return
    served = _served(work, [key for key, _ in readings])
    values = [
        {"version_id": version_id, "message_id": key, "at": work.now, **_values(reading, *served[key])}
        for key, reading in readings
        if key in served
    ]
    insert = (insert_postgresql if work.postgresql else insert_sqlite)(ShadowReading).on_conflict_do_nothing()
    if values:
        work.session.execute(insert, values)
    row.shadow_seen_id = max(row.shadow_seen_id or 0, *(key for key, _ in readings))
    work.wake("live.model.all")


def _served(work: Work, keys: Sequence[int]) -> dict[int, tuple[Category, Urgency | None]]:
    found = {
        message.id: (message.category, message.urgency)
        for message in work.session.scalars(select(Message).where(Message.id.in_(keys)))
        if message.category is not None
    }
    corrections = select(Correction).where(Correction.message_id.in_(keys)).order_by(Correction.id.desc())
    for correction in work.session.scalars(corrections):  # the first one, which comes last, knows what the model said
        if correction.message_id in found and correction.was is not None:
            found[correction.message_id] = (correction.was, correction.urgency_was)
    return found


def _values(reading: Reading, served: Category, served_urgency: Urgency | None) -> dict[str, Any]:
    return {
        "category": reading.category, "confidence": reading.confidence, "needs_review": reading.needs_review,
        "urgency": reading.urgency, "served": served, "served_urgency": served_urgency,
        "agrees": reading.category is served,
    }  # fmt: skip


@dataclass(frozen=True)
class Along:
    """How a version in the shadow does. `ready`: it has read enough to be decided about."""

    read: int
    agree: int
    review: int
    differ: list[dict[str, Any]]

    @property
    def ready(self) -> bool:
        """Whether it has read enough messages."""
        return self.read >= READY_AFTER


def along(work: Work, version_id: int) -> Along:
    """How often it agrees, and the newest messages on which it does not."""
    work.require(Permission.CORRECT_MESSAGES)
    here = ShadowReading.version_id == version_id
    read, agree, review = work.session.execute(
        select(
            func.count(), func.sum(case((ShadowReading.agrees, 1), else_=0)),
            func.sum(case((ShadowReading.needs_review, 1), else_=0)),
        ).where(here)
    ).one()  # fmt: skip
    rows = work.session.execute(
        select(ShadowReading, Message.text)
        .join(Message, Message.id == ShadowReading.message_id)
        .where(here, ~ShadowReading.agrees)
        .order_by(ShadowReading.id.desc())
        .limit(SHOWN)
    )
    differ = [
        {
            "message_id": row.message_id, "text": text or "…", "served": row.served, "category": row.category,
            "confidence": row.confidence, "urgency": row.urgency, "served_urgency": row.served_urgency,
        }
        for row, text in rows
    ]  # fmt: skip
    return Along(int(read), int(agree or 0), int(review or 0), differ)
