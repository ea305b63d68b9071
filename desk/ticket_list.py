"""The list of tickets: its filters, its orders, its pages. Every question is answered from an index.

A page begins after a cursor, never at an offset, and nothing is counted, so that the last page of a million costs
what the first one costs. Filters that an index leads with choose the rows ("arms", one for each value that the
index wants); the others only pass over what the arms yield.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, case, select, tuple_, union_all

from desk.stretch import plan_for_values
from desk.ticket_views import LIVE_ORDER, live_only, unassigned_only
from desk.work import Work
from models.access import OWN_TICKETS_ONLY, Department, Permission
from models.charger import Charger, Site
from models.contact import Contact
from models.errors import BadInput
from models.member import Member
from models.reading import Category
from models.sla import RISK_LEFT, TARGET_S, ClockKind
from models.ticket import (
    CATEGORY_DEPARTMENT,
    LIVE,
    NEVER,
    PRIORITY_RANK,
    ClaimClass,
    Priority,
    Ticket,
    TicketStatus,
)

PAGE = 25
RISK_WINDOW = timedelta(seconds=max(TARGET_S[ClockKind.RESOLUTION].values()) * RISK_LEFT)
"""No ticket is at risk earlier before its due time than this."""

Where = tuple[ColumnElement[bool], ...]


class Pressing(StrEnum):
    """How a live ticket stands with its clocks."""

    OVERDUE = "overdue"  # a running clock is past its due time
    AT_RISK = "at_risk"  # a running clock has a quarter of its time left, or less


class Order(StrEnum):
    """How a list is sorted; what is overdue or at risk always comes by its due time."""

    NEWEST = "newest"
    QUEUE = "queue"  # of what is live: by priority, the customer's tier, and what is due first


@dataclass(frozen=True)
class TicketFilter:
    """What a list is asked for. Without a status: what is live, or everything with `closed_too`."""

    status: TicketStatus | None = None
    closed_too: bool = False
    unassigned: bool = False
    assignee_id: int | None = None
    priority: Priority | None = None
    category: Category | None = None
    department: Department | None = None
    claim_class: ClaimClass | None = None
    charger_id: str | None = None
    site_id: int | None = None
    contact_id: int | None = None
    pressing: Pressing | None = None

    @property
    def live(self) -> bool:
        """Whether nothing but live tickets can be in it."""
        return self.pressing is not None or (not self.closed_too if self.status is None else self.status in LIVE)


@dataclass(frozen=True)
class TicketPage:
    """Rows, JSON-ready, and the cursor of the next page, None where there is none."""

    items: list[dict[str, Any]]
    next: str | None


def page(
    work: Work, wanted: TicketFilter, *, order: Order = Order.NEWEST, limit: int = PAGE, after: str | None = None
) -> TicketPage:
    """One page of the tickets that this actor may see. Refuses a cursor of another order."""
    work.require(Permission.VIEW_TICKETS)
    plan_for_values(work)
    if work.actor.role in OWN_TICKETS_ONLY:
        wanted = replace(wanted, assignee_id=work.actor.member_id)
    if _impossible(wanted):
        return TicketPage([], None)
    if wanted.pressing is not None:
        ids, kind = _by_due(work, wanted, limit + 1, _read(after, "due")), "due"
    elif order is Order.QUEUE and wanted.live:
        ids, kind = _by_queue(work, wanted, limit + 1, _read(after, "queue")), "queue"
    else:
        ids, kind = _by_age(work, wanted, limit + 1, _read(after, "newest")), "newest"
    rows = _rows(work, ids[:limit])
    return TicketPage(rows, _cursor(kind, rows[-1]) if len(ids) > limit else None)


def newest(work: Work, wanted: TicketFilter, *, limit: int, after: int | None = None) -> list[int]:
    """The keys alone of what this actor may see, older than `after`: for lists of another shape."""
    work.require(Permission.VIEW_TICKETS)
    plan_for_values(work)
    if work.actor.role in OWN_TICKETS_ONLY:
        wanted = replace(wanted, assignee_id=work.actor.member_id)
    return _by_age(work, wanted, limit, _Cursor(0, 0, NEVER, after) if after is not None else None)


# Orders ---------------------------------------------------------------------------------------------------------


def _by_age(work: Work, wanted: TicketFilter, limit: int, after: _Cursor | None) -> list[int]:
    """The newest first: the newest of each arm, and of these the newest."""
    older = (Ticket.id < after.id,) if after is not None else ()
    arms = [
        select(Ticket.id).where(*arm, *_rest(wanted), *older).order_by(Ticket.id.desc()).limit(limit)
        for arm in _arms(work, wanted)
    ]
    if len(arms) <= 1:
        return list(work.session.scalars(arms[0])) if arms else []
    found = union_all(*(select(arm.subquery().c.id) for arm in arms)).subquery()
    return list(work.session.scalars(select(found.c.id).order_by(found.c.id.desc()).limit(limit)))


def _by_queue(work: Work, wanted: TicketFilter, limit: int, after: _Cursor | None) -> list[int]:
    """By priority, tier, due time. Few tickets are sorted; of many the index hands out each priority in turn."""
    place = tuple_(Ticket.tier_rank, Ticket.next_due_at, Ticket.id)
    if few := _few(work, wanted):
        first = case({each.value: number for each, number in PRIORITY_RANK.items()}, value=Ticket.priority)
        later = (tuple_(first, *place.clauses) > after.place,) if after is not None else ()
        query = select(Ticket.id).where(*few, *_rest(wanted), *later)
        return list(work.session.scalars(query.order_by(first, *place.clauses).limit(limit)))
    ids: list[int] = []
    for priority, rank in PRIORITY_RANK.items():
        if (after is not None and rank < after.rank) or wanted.priority not in (None, priority):
            continue
        here = (place > after.place[1:],) if after is not None and rank == after.rank else ()
        query = select(Ticket.id).where(Ticket.priority == priority, live_only(), *_rest(wanted), *here)
        ids += work.session.scalars(query.order_by(*place.clauses).limit(limit - len(ids)))
        if len(ids) >= limit:
            break
    return ids


def _by_due(work: Work, wanted: TicketFilter, limit: int, after: _Cursor | None) -> list[int]:
    """What runs out first, or ran out longest ago, comes first."""
    later = (tuple_(Ticket.next_due_at, Ticket.id) > (after.due_at, after.id),) if after is not None else ()
    assert wanted.pressing is not None
    few = _few(work, wanted)
    narrow = (*few, live_only()) if few is not None else ()
    query = select(Ticket.id).where(*pressing(work, wanted.pressing), *narrow, *_rest(wanted))
    return list(work.session.scalars(query.where(*later).order_by(Ticket.next_due_at, Ticket.id).limit(limit)))


def pressing(work: Work, which: Pressing) -> Where:
    """Tickets that stand so with their clocks: live ones, because no clock of another runs."""
    if which is Pressing.OVERDUE:
        return (Ticket.next_due_at <= work.now,)
    within = (Ticket.next_due_at > work.now, Ticket.next_due_at <= work.now + RISK_WINDOW)
    return *within, Ticket.risk_at <= work.now


# Filters --------------------------------------------------------------------------------------------------------


def _arms(work: Work, wanted: TicketFilter) -> Sequence[Where]:
    """Conditions that together find every row once, each led by an index in the order of age."""
    if narrow := _narrow(work, wanted):
        return narrow
    if wanted.claim_class is not None:
        return [(Ticket.claim_class == wanted.claim_class,)]
    if wanted.unassigned:
        return [()]  # the filter itself says what the index wants; said twice, PostgreSQL thinks it rare
    statuses = (wanted.status,) if wanted.status else tuple(TicketStatus) if wanted.closed_too else LIVE_ORDER
    for column, value in _leading(wanted):
        if value is not None:
            return [(column == value, Ticket.status == status) for status in statuses]
    if wanted.status is not None:
        return [(Ticket.status == wanted.status,)]
    return [() if wanted.closed_too else (live_only(),)]


def _narrow(work: Work, wanted: TicketFilter) -> list[Where]:
    """Filters that leave few rows, one by one where all that is closed may be among them."""
    few = _few(work, wanted)
    if few is None:
        return []
    if wanted.site_id is None or wanted.live:
        return [few]
    return [(Ticket.charger_id == charger_id,) for charger_id in _chargers_of(work, wanted.site_id)] or [few]


def _few(work: Work, wanted: TicketFilter) -> Where | None:
    """Filters of which no more than some hundred live tickets can be; None where none was asked for."""
    if wanted.contact_id is not None:
        return (Ticket.contact_id == wanted.contact_id,)
    if wanted.charger_id is not None:
        return (Ticket.charger_id == wanted.charger_id,)
    if wanted.site_id is not None:
        return (Ticket.charger_id.in_(_chargers_of(work, wanted.site_id)),)
    return None


def _impossible(wanted: TicketFilter) -> bool:
    """Whether the filters exclude one another, so that every row would be looked at for nothing."""
    if wanted.category is not None and wanted.department is not None:
        return CATEGORY_DEPARTMENT[wanted.category] is not wanted.department
    if wanted.unassigned and (wanted.assignee_id is not None or wanted.status not in (None, TicketStatus.OPEN)):
        return True
    return wanted.pressing is not None and wanted.status is not None and wanted.status not in LIVE


def _leading(wanted: TicketFilter) -> tuple[tuple[Any, Any], ...]:
    return (
        (Ticket.assignee_id, wanted.assignee_id), (Ticket.priority, wanted.priority),
        (Ticket.category, wanted.category), (Ticket.department, wanted.department),
    )  # fmt: skip


def _rest(wanted: TicketFilter) -> list[ColumnElement[bool]]:
    """Every filter, said of each row: those that an arm leads with are true already and cost nothing."""
    given: list[tuple[Any, Any]] = [
        *_leading(wanted), (Ticket.contact_id, wanted.contact_id), (Ticket.charger_id, wanted.charger_id),
        (Ticket.claim_class, wanted.claim_class), (Ticket.status, wanted.status),
    ]  # fmt: skip
    conditions: list[ColumnElement[bool]] = [column == value for column, value in given if value is not None]
    if wanted.unassigned:
        conditions.append(unassigned_only())
    if wanted.live and wanted.status is None and wanted.pressing is None:
        conditions.append(live_only())
    return conditions


def _chargers_of(work: Work, site_id: int) -> list[str]:
    return list(work.session.scalars(select(Charger.id).where(Charger.site_id == site_id).order_by(Charger.id)))


# Cursors --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cursor:
    """Where the last row of a page stands."""

    rank: int
    tier_rank: int
    due_at: datetime
    id: int

    @property
    def place(self) -> tuple[int, int, datetime, int]:
        """In the queue."""
        return self.rank, self.tier_rank, self.due_at, self.id


def _cursor(kind: str, row: dict[str, Any]) -> str:
    rank = PRIORITY_RANK[Priority(row["priority"])]
    return f"{kind}~{rank}~{row['tier_rank']}~{row['next_due_at'].isoformat()}~{row['id']}"


def _read(cursor: str | None, kind: str) -> _Cursor | None:
    if cursor is None:
        return None
    try:
        of, rank, tier_rank, due_at, key = cursor.split("~")
        read = _Cursor(int(rank), int(tier_rank), datetime.fromisoformat(due_at), int(key))
    except ValueError:
        raise BadInput("error.bad_cursor") from None
    if of != kind or read.due_at.tzinfo is None or not 0 < read.id < 2**63 or max(read.rank, read.tier_rank) > 9:
        raise BadInput("error.bad_cursor")
    return read


# Rows -----------------------------------------------------------------------------------------------------------


def _rows(work: Work, ids: Sequence[int]) -> list[dict[str, Any]]:
    """The tickets with the names that a list shows, in the order of `ids`, by one statement."""
    if not ids:
        return []
    found = work.session.execute(
        select(Ticket, Member.name, Contact.name, Contact.tier, Charger.name, Site.name)
        .outerjoin(Member, Member.id == Ticket.assignee_id)
        .outerjoin(Contact, Contact.id == Ticket.contact_id)
        .outerjoin(Charger, Charger.id == Ticket.charger_id)
        .outerjoin(Site, Site.id == Charger.site_id)
        .where(Ticket.id.in_(ids))
    )
    rows = {ticket.id: _row(work, ticket, names) for ticket, *names in found}
    return [rows[key] for key in ids if key in rows]


def of_ids(work: Work, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of a list made elsewhere, in its order; only those that this actor may see."""
    work.require(Permission.VIEW_TICKETS)
    own = work.actor.role in OWN_TICKETS_ONLY
    return [row for row in _rows(work, ids) if not own or row["assignee_id"] == work.actor.member_id]


def _row(work: Work, ticket: Ticket, names: Sequence[Any]) -> dict[str, Any]:
    assignee, contact, tier, charger, site = names
    return {
        "id": ticket.id,
        "ref": ticket.ref,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "class": ticket.claim_class.value if ticket.claim_class else None,
        "category": ticket.category.value,
        "department": ticket.department.value,
        "summary": ticket.summary,
        "assignee_id": ticket.assignee_id,
        "assignee": assignee,
        "contact_id": ticket.contact_id,
        "contact": contact,
        "tier": tier.value if tier is not None else None,
        "tier_rank": ticket.tier_rank,
        "charger_id": ticket.charger_id,
        "charger": charger,
        "site": site,
        "visit_at": ticket.scheduled_visit_at,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "next_due_at": ticket.next_due_at,
        "due_at": ticket.next_due_at if ticket.status in LIVE and ticket.next_due_at < NEVER else None,
        "pressing": _pressing_of(work, ticket),
    }


def _pressing_of(work: Work, ticket: Ticket) -> str | None:
    if ticket.status not in LIVE:
        return None
    if ticket.next_due_at <= work.now:
        return Pressing.OVERDUE.value
    return Pressing.AT_RISK.value if ticket.risk_at <= work.now else None
