"""Files that came with messages and notes: which are to be fetched now, and how each try ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from desk import board, ticket_views
from desk.work import Work
from models.access import Permission
from models.errors import NotFound
from models.message import Media, MediaState
from models.ticket import TicketEvent, ticket_ref

LEASE_S = 300
"""A claimed file is due again after this long, should its fetcher die."""
MAX_TRIES = 6
BACKOFF_S = 15


@dataclass(frozen=True)
class StoredFile:
    """A copy on our disk. `path` is relative to the media folder."""

    path: str
    content_type: str


def stored_file(work: Work, media_id: int) -> StoredFile:
    """The copy of a file, for whoever may see the message or the ticket that it came with."""
    item = work.session.get(Media, media_id)
    if item is None or item.state is not MediaState.STORED or not item.path:
        raise NotFound("media.unknown", id=media_id)
    if item.event_id is not None:
        event = work.session.get_one(TicketEvent, item.event_id)
        ticket_views.get(work, ticket_ref(event.ticket_id))
    else:
        work.require(Permission.VIEW_MESSAGES)
    return StoredFile(item.path, item.content_type)


@dataclass(frozen=True)
class MediaJob:
    """A file to fetch. `attempts` counts this try."""

    id: int
    message_id: int | None
    channel: str
    url: str
    content_type: str
    attempts: int


def claim(work: Work, channels: Collection[str], limit: int) -> list[MediaJob]:
    """Take files of these channels that are due; a fetcher that dies leaves them due again after LEASE_S."""
    due = (
        select(Media.id)
        .where(Media.state == MediaState.WAITING, Media.due_at <= work.now, Media.channel.in_(channels))
        .order_by(Media.due_at, Media.id)
        .limit(limit)
    )
    if work.postgresql:
        due = due.with_for_update(skip_locked=True)
    rows = work.session.execute(
        update(Media)
        .where(Media.id.in_(due.scalar_subquery()))
        .values(attempts=Media.attempts + 1, due_at=work.now + timedelta(seconds=LEASE_S))
        .returning(Media.id, Media.message_id, Media.channel, Media.url, Media.content_type, Media.attempts)
        .execution_options(synchronize_session=False)
    )
    return sorted((MediaJob(*row) for row in rows), key=lambda job: job.id)


def stored(work: Work, media_id: int, *, path: str, size: int, sha256: str, content_type: str) -> bool:
    """The copy is on disk at `path`, relative to the media folder. False when nobody waits for it any more."""
    item = work.lock(Media, media_id)
    if item is None or item.state is not MediaState.WAITING:
        return False
    item.state, item.error = MediaState.STORED, None
    item.path, item.size, item.sha256, item.content_type = path, size, sha256, content_type
    _announce(work, item)
    return True


def failed(work: Work, media_id: int, error: str, *, for_good: bool = False) -> bool:
    """A try failed: again later, or given up, which staff see. Tells whether it was given up."""
    item = work.lock(Media, media_id)
    if item is None or item.state is not MediaState.WAITING:
        return False
    item.error = error[:300]
    if not for_good and item.attempts < MAX_TRIES:
        item.due_at = work.now + timedelta(seconds=BACKOFF_S * 4 ** (item.attempts - 1))
        return False
    item.state = MediaState.FAILED
    board.raise_alert(
        work, kind="media", key=f"media:{item.id}:failed", code="delivery.media_lost",
        facts={"media_id": item.id, "content_type": item.content_type or "?", "reason": item.error},
        message_id=item.message_id,
    )  # fmt: skip
    _announce(work, item)
    return True


def _announce(work: Work, item: Media) -> None:
    if item.message_id is not None:
        work.wake(f"live.message.{item.message_id}")
    elif item.event_id is not None:
        work.wake(f"live.ticket.{work.session.get_one(TicketEvent, item.event_id).ticket_id}")
