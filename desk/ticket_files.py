"""Photos and papers of a site visit: files that a member puts on a ticket, each with the note that it came with."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from desk.ticket_record import clean_text, hold, write
from desk.work import Work
from models.access import Permission
from models.message import Media, MediaRef, MediaState
from models.ticket import Ticket, TicketEvent, ticket_ref


def attach(
    work: Work, ref: str, files: Sequence[MediaRef], *, note: str, channel: str, album: str | None = None
) -> Ticket:
    """Write a note and hang the files on it; copies are fetched from the channel's provider.

    Of an `album`, whose files arrive one by one, the first writes the note and the rest join it.
    """
    work.require(Permission.WORK_TICKETS)
    ticket = hold(work, ref)
    event_id = _event_of(work, ticket.id, channel, album) if album else None
    if event_id is None:
        event_id = write(work, ticket, "note", note=clean_text(note)).id
    for file in files:
        work.session.add(
            Media(
                event_id=event_id, album=album, channel=channel, url=file.url, content_type=file.content_type[:120],
                state=MediaState.WAITING, due_at=work.now,
            )
        )  # fmt: skip
    work.session.flush()
    work.wake("media")
    work.wake(f"live.ticket.{ticket.id}")
    return ticket


def ref_of_album(work: Work, channel: str, album: str) -> str | None:
    """The ticket on which the first files of an album went; None where none did."""
    found = work.session.scalar(
        select(TicketEvent.ticket_id)
        .join(Media, Media.event_id == TicketEvent.id)
        .where(Media.album == album, Media.channel == channel)
        .limit(1)
    )
    return ticket_ref(found) if found is not None else None


def of_event(work: Work, event_id: int) -> list[Media]:
    """The files of a line of a ticket's history."""
    return list(work.session.scalars(select(Media).where(Media.event_id == event_id).order_by(Media.id)))


def _event_of(work: Work, ticket_id: int, channel: str, album: str) -> int | None:
    return work.session.scalar(
        select(Media.event_id)
        .join(TicketEvent, TicketEvent.id == Media.event_id)
        .where(Media.album == album, Media.channel == channel, TicketEvent.ticket_id == ticket_id)
        .limit(1)
    )
