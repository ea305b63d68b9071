"""What is kept only for a while: raw payloads, callbacks, quarantine, frames, files, old sessions, shadow readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, null, select, update
from sqlalchemy.orm import InstrumentedAttribute

from desk.work import Work
from models.charger import OcppFrame
from models.inbox import InboxItem, InboxState, Quarantine
from models.message import Media, MediaState, Message
from models.outbox import OutboxEvent
from models.session import MemberSession, SignInTry
from models.teaching import ShadowReading
from models.ticket import TicketEvent

CHUNK = 500
"""Rows of one kind in one transaction, so that nobody else waits for long."""


@dataclass(frozen=True)
class Keep:
    """For how many days each kind is kept."""

    raw_days: int = 30
    media_days: int = 365
    frames_days: int = 30


@dataclass(frozen=True)
class OldFile:
    """A file whose time is over. `path` is relative to the media folder; None where no copy was made."""

    id: int
    path: str | None


def sweep(work: Work, keep: Keep, limit: int = CHUNK) -> int:
    """Blank or delete up to `limit` rows of each kind; gives how many. Call again while it gives `limit` or more."""
    raw = work.now - timedelta(days=keep.raw_days)
    settled = InboxItem.state.in_((InboxState.DONE, InboxState.DEAD))
    frames = work.now - timedelta(days=keep.frames_days)
    count = _blank(work, InboxItem, InboxItem.raw, settled & (InboxItem.received_at < raw), limit)
    count += _blank(work, OutboxEvent, OutboxEvent.raw, OutboxEvent.received_at < raw, limit)
    count += _delete(work, Quarantine, Quarantine.received_at, raw, limit)
    count += _delete(work, SignInTry, SignInTry.at, raw, limit)
    count += _delete(work, MemberSession, MemberSession.expires_at, raw, limit)
    count += _delete(work, ShadowReading, ShadowReading.at, raw, limit)
    return count + _delete(work, OcppFrame, OcppFrame.at, frames, limit)


def files_due(work: Work, keep: Keep, limit: int = CHUNK) -> list[OldFile]:
    """Files whose time is over. The caller deletes them and then says so with `files_gone`; a crash repeats both."""
    before: datetime = work.now - timedelta(days=keep.media_days)
    rows = work.session.execute(
        select(Media.id, Media.path)
        .outerjoin(Message, Message.id == Media.message_id)
        .outerjoin(TicketEvent, TicketEvent.id == Media.event_id)
        .where(func.coalesce(Message.received_at, TicketEvent.at) < before, Media.state != MediaState.DELETED)
        .order_by(Media.id)
        .limit(limit)
    )
    return [OldFile(row_id, path) for row_id, path in rows]


def files_gone(work: Work, ids: Sequence[int]) -> None:
    """The copies are deleted; what is left says only that there was a file."""
    work.session.execute(
        update(Media)
        .where(Media.id.in_(ids))
        .values(state=MediaState.DELETED, path=None, url="", sha256=None, error=None)
        .execution_options(synchronize_session=False)
    )


def _blank(
    work: Work, table: type[Any], column: InstrumentedAttribute[Any], where: ColumnElement[bool], limit: int
) -> int:
    ids = select(table.id).where(where, column.is_not(None)).order_by(table.received_at).limit(limit)
    statement = update(table).where(table.id.in_(ids.scalar_subquery())).values({column: null()})
    return _count(work.session.execute(statement.execution_options(synchronize_session=False)))


def _delete(work: Work, table: type[Any], column: InstrumentedAttribute[Any], before: datetime, limit: int) -> int:
    ids = select(table.id).where(column < before).order_by(column).limit(limit)
    statement = delete(table).where(table.id.in_(ids.scalar_subquery()))
    return _count(work.session.execute(statement.execution_options(synchronize_session=False)))


def _count(result: Any) -> int:
    return int(getattr(result, "rowcount", 0))
