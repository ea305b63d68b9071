"""The durable inbox: rows in, one of a lane at a time out, leases, tries, dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from desk.literal import is_one_of
from desk.redaction import redact_all
from desk.work import Work
from models.inbox import InboxItem, InboxRow, InboxState

LEASE_S = 45
MAX_TRIES = 5


@dataclass(frozen=True)
class Claimed:
    """A row in the hands of a worker."""

    id: int
    channel: str
    account: str
    external_id: str
    lane: str
    raw: dict[str, Any]
    attempts: int
    received_at: datetime


def insert(connection: Connection, rows: Sequence[InboxRow], now: datetime) -> None:
    """Insert rows; what is there already stays as it is. Within the caller's transaction."""
    values = [
        {
            "channel": row.channel, "account": row.account, "external_id": row.external_id, "lane": row.lane,
            "raw": row.raw, "state": InboxState.NEW, "received_at": now, "due_at": now, "attempts": 0,
        }
        for row in rows
    ]  # fmt: skip
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(InboxItem.__table__).on_conflict_do_nothing(), values)


def claim(work: Work, limit: int, owner: str) -> list[Claimed]:
    """Lease the heads of lanes, at most one in flight per lane. Each engine has its own statement.

    The plain sub-select is right on SQLite, whose only writer we are, and wrong on PostgreSQL, which would not
    look at it again after waiting for a lock: there the rows are locked with SKIP LOCKED.
    """
    heads = select(InboxItem.id).where(*_ready(work.now)).order_by(InboxItem.id).limit(limit)
    if work.postgresql:
        heads = heads.with_for_update(skip_locked=True)
    rows = work.session.execute(
        update(InboxItem)
        .where(InboxItem.id.in_(heads.scalar_subquery()))
        .values(
            state=InboxState.CLAIMED, attempts=InboxItem.attempts + 1, lease_owner=owner,
            lease_until_at=work.now + timedelta(seconds=LEASE_S),
        )
        .returning(
            InboxItem.id, InboxItem.channel, InboxItem.account, InboxItem.external_id, InboxItem.lane,
            InboxItem.raw, InboxItem.attempts, InboxItem.received_at,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return sorted((Claimed(*row) for row in rows), key=lambda item: item.id)


def _ready(now: datetime) -> list[ColumnElement[bool]]:
    other = aliased(InboxItem)
    blocked = exists().where(
        other.lane == InboxItem.lane,
        is_one_of(other.state, InboxState.NEW, InboxState.CLAIMED),
        or_(other.id < InboxItem.id, other.state == InboxState.CLAIMED),
        other.id != InboxItem.id,
    )
    return [is_one_of(InboxItem.state, InboxState.NEW), InboxItem.due_at <= now, ~blocked]


def _claimed() -> list[ColumnElement[bool]]:
    """Rows in flight; both terms, so that the index of open rows serves."""
    return [
        is_one_of(InboxItem.state, InboxState.NEW, InboxState.CLAIMED),
        is_one_of(InboxItem.state, InboxState.CLAIMED),
    ]


def redact(work: Work, item_id: int) -> None:
    """Blank the passwords in a row's payload."""
    item = work.session.get(InboxItem, item_id)
    if item is not None and item.raw is not None:
        item.raw = redact_all(item.raw)


def done(work: Work, item_id: int) -> None:
    """The row's effects are in this very transaction."""
    work.session.execute(
        update(InboxItem)
        .where(InboxItem.id == item_id)
        .values(state=InboxState.DONE, done_at=work.now, lease_owner=None, lease_until_at=None, error=None)
    )


def forget(work: Work, item_id: int) -> None:
    """The row is done, and what it said was not for us: nothing of it is kept but that it came."""
    done(work, item_id)
    work.session.execute(update(InboxItem).where(InboxItem.id == item_id).values(raw=null()))


def failed(work: Work, item_id: int, error: str) -> bool:
    """A try failed: again later with a growing pause, or a dead letter. Tells whether the row is dead."""
    item = work.lock(InboxItem, item_id)
    if item is None or item.state is not InboxState.CLAIMED:
        return False
    item.error = error[:500]
    item.lease_owner = item.lease_until_at = None
    dead = item.attempts >= MAX_TRIES
    item.state = InboxState.DEAD if dead else InboxState.NEW
    item.due_at = work.now + timedelta(seconds=min(2**item.attempts, 60))
    return dead


def release_expired(work: Work) -> int:
    """Leases of workers that died run out; their rows are new again. The next claim counts as another try."""
    result = work.session.execute(
        update(InboxItem)
        .where(*_claimed(), InboxItem.lease_until_at < work.now)
        .values(state=InboxState.NEW, lease_owner=None, lease_until_at=None, due_at=work.now)
        .execution_options(synchronize_session=False)
    )
    count = int(getattr(result, "rowcount", 0))
    if count:
        work.wake("inbox")
    return count


def release_owned(work: Work, owner_prefix: str) -> int:
    """At a start: rows still leased to an earlier life of this node are free at once."""
    result = work.session.execute(
        update(InboxItem)
        .where(*_claimed(), InboxItem.lease_owner.startswith(owner_prefix))
        .values(state=InboxState.NEW, lease_owner=None, lease_until_at=None)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


@dataclass(frozen=True)
class QueueDepth:
    """How much waits and how old the oldest is, in seconds."""

    waiting: int
    oldest_s: float
    dead: int


def depth(work: Work) -> QueueDepth:
    """For /readyz and /metrics."""
    waiting, oldest = work.session.execute(
        select(func.count(), func.min(InboxItem.received_at)).where(
            is_one_of(InboxItem.state, InboxState.NEW, InboxState.CLAIMED)
        )
    ).one()
    dead = work.session.scalar(select(func.count()).where(is_one_of(InboxItem.state, InboxState.DEAD))) or 0
    return QueueDepth(waiting, (work.now - oldest).total_seconds() if oldest else 0.0, dead)
