"""The queue of what people wrote: by state, category and the like, or by words; each part as fast as the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from desk import search, stretch
from desk.stretch import Wanted
from desk.work import Work
from models.access import Permission, Role
from models.contact import Contact
from models.message import Direction, Message, MessageState
from models.reading import Category, Urgency
from models.ticket import ticket_ref

PAGE = 50
SNIPPET = 160
MOST_COUNTED = 100
OPENS_ON = MappingProxyType({Role.INSTALLER: Category.INSTALL})
"""The category that a role looks at first."""
_BUSY = frozenset({MessageState.REPLIED, MessageState.ARCHIVED})
"""States in which nearly all messages end: they choose nothing."""


@dataclass(frozen=True)
class MessageFilter:
    """Which messages; None asks for all. `words` as desk.search reads them."""

    state: MessageState | None = None
    category: Category | None = None
    urgency: Urgency | None = None
    direction: Direction | None = Direction.INBOUND
    channel: str | None = None
    language: str | None = None
    needs_review: bool | None = None
    contact_id: int | None = None
    conversation_id: int | None = None
    words: str = ""


@dataclass(frozen=True)
class MessagePage:
    """Rows, newest first, and the key after which to go on."""

    items: list[dict[str, Any]]
    next: int | None


def page(work: Work, wanted: MessageFilter, *, limit: int = PAGE, after: int | None = None) -> MessagePage:
    """A part of the queue with each writer's name. It may be short though there is a `next`: look further there."""
    part = keys(work, wanted, limit=limit, after=after)
    return MessagePage(_rows(work, part.keys), part.next)


def keys(work: Work, wanted: MessageFilter, *, limit: int, after: int | None) -> stretch.Part:
    """The keys of a part."""
    work.require(Permission.VIEW_MESSAGES)
    conditions = _conditions(wanted)
    if wanted.words.strip():
        return search.keys(work, Message, wanted.words, limit=limit, after=after, rest=[one for _, one in conditions])
    if conditions and conditions[0][0] < _CHOOSES_NOTHING:
        first, *others = [one for _, one in conditions]
        return stretch.read(work, Message, Wanted(first, others), limit=limit, after=after)
    return stretch.read(work, Message, Wanted(None, [one for _, one in conditions]), limit=limit, after=after)


def waiting(work: Work) -> dict[str, int]:
    """How many want a human and how many nobody has looked at; no further than MOST_COUNTED."""
    work.require(Permission.VIEW_MESSAGES)
    return {
        "needs_review": _up_to(work, and_(Message.needs_review)),
        "unread": _up_to(work, Message.state == MessageState.UNREAD),
    }


def _up_to(work: Work, condition: ColumnElement[bool]) -> int:
    few = select(Message.id).where(condition).limit(MOST_COUNTED).subquery()
    return work.session.scalar(select(func.count()).select_from(few)) or 0


_CHOOSES_NOTHING = 8


def _conditions(wanted: MessageFilter) -> list[tuple[int, ColumnElement[bool]]]:
    """Each filter with how little it leaves, those that leave least first; each but the last kind has an index."""
    given: list[tuple[int, ColumnElement[bool] | None]] = [
        (0, _same(Message.conversation_id, wanted.conversation_id)),
        (1, _same(Message.contact_id, wanted.contact_id)),
        (2, and_(Message.needs_review) if wanted.needs_review else None),
        (7 if wanted.state in _BUSY else 3, _same(Message.state, wanted.state)),
        (6 if wanted.urgency is Urgency.NORMAL else 4, _same(Message.urgency, wanted.urgency)),
        (5, _same(Message.language, wanted.language)),
        (5, _same(Message.category, wanted.category)),
        (6, _same(Message.channel, wanted.channel)),
        (_CHOOSES_NOTHING, ~Message.needs_review if wanted.needs_review is False else None),
        (_CHOOSES_NOTHING, _same(Message.direction, wanted.direction)),
    ]
    return sorted(((rank, one) for rank, one in given if one is not None), key=lambda pair: pair[0])


def _same(column: Any, value: Any) -> ColumnElement[bool] | None:
    return None if value is None else column == value


def _rows(work: Work, ids: Sequence[int]) -> list[dict[str, Any]]:
    columns = (
        Message.id, Message.conversation_id, Message.contact_id, Message.direction, Message.kind, Message.channel,
        Message.sender, Message.text, Message.code, Message.facts, Message.category, Message.second_category,
        Message.confidence, Message.needs_review, Message.urgency, Message.language, Message.summary, Message.state,
        Message.ticket_id, Message.received_at,
    )  # fmt: skip
    found = work.session.execute(
        select(*columns, Contact.name, Contact.tier).join(Contact, Contact.id == Message.contact_id).where(
            Message.id.in_(ids)
        )
    )  # fmt: skip
    rows = {row.id: _shown(row._asdict()) for row in found}
    return [rows[key] for key in ids if key in rows]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the queue shows it: words in one short line, the ticket by its reference."""
    said = " ".join((row["text"] or "").split())
    row["text"] = said if len(said) <= SNIPPET else said[: SNIPPET - 1] + "…"
    row["ticket"] = ticket_ref(row["ticket_id"]) if row["ticket_id"] is not None else None
    return row
