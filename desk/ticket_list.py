"""The list of tickets: its filters, its orders, its pages. Every question is answered from an index.

A page begins after a cursor, never at an offset, and nothing is counted, so that the last page of a million costs
what the first one costs. Filters that an index leads with choose the rows ("arms", one for each value that the
index wants); the others only pass over what the arms yield, a stretch at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select, true, tuple_

from desk import stretch
from desk.stretch import Part, Wanted, plan_for_values
from desk.ticket_views import LIVE_ORDER, live_only, unassigned_only
from desk.work import Work
from models.access import OWN_TICKETS_ONLY, Department, Permission
from models.base import HIGHEST_KEY
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
) -> TicketPage:  # fmt: skip
    """One page of the tickets that this actor may see. It may be short though there is a `next`: look further there.

    Refuses a cursor of another order.
    """
    wanted = _visible(work, wanted)
    if wanted.pressing is not None:
        kind, look = "due", _by_due
    elif order is Order.QUEUE and wanted.live:
        kind, look = "queue", _by_queue
    else:
        kind, look = "newest", _by_age
    place = _read(after, kind)
    if _impossible(wanted):
        return TicketPage([], None)
    ids, last = look(work, wanted, limit, place)
    return TicketPage(_rows(work, ids), _written(kind, last) if last is not None else None)


def newest(work: Work, wanted: TicketFilter, *, limit: int, after: int | None = None) -> Part:
    """The keys alone of what this actor may see, older than `after`: for lists of another shape."""
    wanted = _visible(work, wanted)
    return _aged(work, wanted, limit, after) if not _impossible(wanted) else Part()


def _visible(work: Work, wanted: TicketFilter) -> TicketFilter:
    work.require(Permission.VIEW_TICKETS)
    plan_for_values(work)
    return replace(wanted, assignee_id=work.actor.member_id) if work.actor.role in OWN_TICKETS_ONLY else wanted


# Orders ---------------------------------------------------------------------------------------------------------

Found = tuple[list[int], "_Cursor | None"]
"""Keys, and the place after which there may be more."""


def _by_age(work: Work, wanted: TicketFilter, limit: int, after: _Cursor | None) -> Found:
    part = _aged(work, wanted, limit, after.id if after is not None else None)
    return part.keys, _Cursor(0, 0, NEVER, part.next) if part.next is not None else None


def _aged(work: Work, wanted: TicketFilter, limit: int, after: int | None) -> Part:
    """The newest first: the newest of each arm, and of these the newest."""
    arms, said = _arms(work, wanted)
    rest = _rest(work, wanted, said)
    leads = [Wanted(and_(*arm) if arm else None, rest) for arm in arms]
    return stretch.read_any(work, Ticket, leads, limit=limit, after=after)


def _by_queue(work: Work, wanted: TicketFilter, limit: int, after: _Cursor | None) -> Found:
    """By priority, tier, due time. Few tickets are sorted; of many the index hands out each priority in turn."""
    place = (Ticket.tier_rank, Ticket.next_due_at, Ticket.id)
    few, said = _few(work, wanted)
    if few:
        first = case({each.value: number for each, number in PRIORITY_RANK.items()}, value=Ticket.priority)
        later = (tuple_(first, *place) > after.place,) if after is not None else ()
        return _cut(*_walk(work, (*few, *later), _rest(work, wanted, said), (first, *place), limit + 1), limit)
    lead, rest = _own(wanted), _rest(work, wanted, {"assignee", "priority", "live"})
    found: list[Any] = []
    for priority, rank in PRIORITY_RANK.items():
        if (after is not None and rank < after.rank) or wanted.priority not in (None, priority):
            continue
        here = (tuple_(*place) > after.place[1:],) if after is not None and rank == after.rank else ()
        arm = (Ticket.priority == priority, live_only(), *lead, *here)
        rows, last = _walk(work, arm, rest, place, limit + 1 - len(found))
        found += rows
        if len(found) > limit or last is not None:
            return _cut(found, last, limit)
    return _cut(found, None, limit)


def _by_due(work: Work, wanted: TicketFilter, limit: int, after: _Cursor | None) -> Found:
    """What runs out first, or ran out longest ago, comes first."""
    assert wanted.pressing is not None
    few, said = _few(work, wanted)
    due = func.coalesce(Ticket.next_due_at, NEVER) if few else Ticket.next_due_at  # few are not sought by their time
    place = (due, Ticket.id)
    later = (tuple_(*place) > (after.due_at, after.id),) if after is not None else ()
    lead = few or _own(wanted)
    rest = _rest(work, wanted, said if few else {"assignee"})
    return _cut(*_walk(work, (*lead, *pressing(work, wanted.pressing, due), *later), rest, place, limit + 1), limit)


def _own(wanted: TicketFilter) -> Where:
    """Whose they are, as the indexes of live tickets begin."""
    if wanted.unassigned:
        return (Ticket.assignee_id.is_(None),)
    return (Ticket.assignee_id == wanted.assignee_id,) if wanted.assignee_id is not None else ()


def _walk(
    work: Work, lead: Where, rest: Sequence[ColumnElement[bool]], order: Sequence[Any], count: int
) -> tuple[list[Any], Any]:  # fmt: skip
    """At most `count` rows that fit, and where a stretch held fewer, the last that was looked at."""
    fits = and_(*rest) if rest else true()
    query = select(Ticket.id, Ticket.priority, Ticket.tier_rank, Ticket.next_due_at, fits.label("fits"))
    query = query.where(*lead).order_by(*order)
    if not rest:
        return list(work.session.execute(query.limit(count))), None
    rows: list[Any] = []
    for size in (stretch.LONGEST // 3, stretch.LONGEST):
        rows = list(work.session.execute(query.limit(size)))
        fitting = [row for row in rows if row.fits][:count]
        if len(fitting) == count or len(rows) < size:
            return fitting, None
    return fitting, rows[-1]


def _cut(rows: list[Any], last: Any, limit: int) -> Found:
    """At most `limit` of the rows; whoever read one more knows whether there are more."""
    if len(rows) > limit:
        last = rows[limit - 1]
    end = _Cursor(PRIORITY_RANK[last.priority], last.tier_rank, last.next_due_at, last.id) if last is not None else None
    return [row.id for row in rows[:limit]], end


def pressing(work: Work, which: Pressing, due: Any = Ticket.next_due_at) -> Where:
    """Tickets that stand so with their clocks: live ones, because no clock of another runs."""
    if which is Pressing.OVERDUE:
        return (due <= work.now,)
    within = (due > work.now, due <= work.now + RISK_WINDOW)
    return *within, Ticket.risk_at <= work.now


# Filters --------------------------------------------------------------------------------------------------------


def _arms(work: Work, wanted: TicketFilter) -> tuple[list[Where], set[str]]:
    """Conditions that together find every row once, each led by an index in the order of age; and what they say."""
    states = (wanted.status,) if wanted.status is not None else LIVE_ORDER if wanted.live else ()
    if wanted.contact_id is not None:
        return [(Ticket.contact_id == wanted.contact_id,)], {"contact"}
    if wanted.charger_id is not None:
        return _by_status(Ticket.charger_id == wanted.charger_id, "charger", states)
    if wanted.site_id is not None:
        if wanted.live:
            return [(_at_site(work, wanted.site_id), live_only())], {"site", "live"}
        return [(Ticket.charger_id == key,) for key in _chargers_of(work, wanted.site_id)], {"site"}
    if wanted.claim_class is not None:
        return [(Ticket.claim_class == wanted.claim_class,)], {"class"}
    if wanted.unassigned:
        return [(unassigned_only(),)], {"unassigned", "status", "live"}
    for name, column, value in _leading(wanted):
        if value is not None:
            every = () if name == "assignee" else tuple(TicketStatus)
            return _by_status(column == value, name, states or every)
    if wanted.status is not None:
        return [(Ticket.status == wanted.status,)], {"status"}
    return ([()], set()) if wanted.closed_too else ([(live_only(),)], {"live"})


def _by_status(lead: ColumnElement[bool], name: str, states: Sequence[TicketStatus]) -> tuple[list[Where], set[str]]:
    """The lead with each of the states, as the indexes have it; without any, all of them at once."""
    if not states:
        return [(lead,)], {name}
    return [(lead, Ticket.status == status) for status in states], {name, "status", "live"}


def _few(work: Work, wanted: TicketFilter) -> tuple[Where, set[str]]:
    """Filters of which no more than some hundred live tickets can be, and what they say; nothing without them."""
    if wanted.contact_id is not None:
        return (Ticket.contact_id == wanted.contact_id, live_only()), {"contact", "live"}
    if wanted.charger_id is not None:
        return (Ticket.charger_id == wanted.charger_id, live_only()), {"charger", "live"}
    if wanted.site_id is not None:
        return (_at_site(work, wanted.site_id), live_only()), {"site", "live"}
    return (), set()


def _impossible(wanted: TicketFilter) -> bool:
    """Whether the filters exclude one another, so that every row would be looked at for nothing."""
    if wanted.category is not None and wanted.department is not None:
        return CATEGORY_DEPARTMENT[wanted.category] is not wanted.department  # a ticket is opened so, and stays so
    if wanted.unassigned and (wanted.assignee_id is not None or wanted.status not in (None, TicketStatus.OPEN)):
        return True
    return wanted.pressing is not None and wanted.status is not None and wanted.status not in LIVE


def _leading(wanted: TicketFilter) -> tuple[tuple[str, Any, Any], ...]:
    return (
        ("assignee", Ticket.assignee_id, wanted.assignee_id), ("priority", Ticket.priority, wanted.priority),
        ("category", Ticket.category, wanted.category), ("department", Ticket.department, wanted.department),
    )  # fmt: skip


def _rest(work: Work, wanted: TicketFilter, said: set[str]) -> list[ColumnElement[bool]]:
    """Every filter that was not said yet: looked at row by row."""
    given: list[tuple[str, Any, Any]] = [
        *_leading(wanted), ("contact", Ticket.contact_id, wanted.contact_id),
        ("charger", Ticket.charger_id, wanted.charger_id), ("class", Ticket.claim_class, wanted.claim_class),
        ("status", Ticket.status, wanted.status),
    ]  # fmt: skip
    conditions = [column == value for name, column, value in given if value is not None and name not in said]
    if wanted.site_id is not None and "site" not in said:
        conditions.append(_at_site(work, wanted.site_id))
    if wanted.unassigned and "unassigned" not in said:
        conditions.append(unassigned_only())
    if wanted.live and wanted.status is None and wanted.pressing is None and "live" not in said:
        conditions.append(live_only())
    return conditions


def _at_site(work: Work, site_id: int) -> ColumnElement[bool]:
    return Ticket.charger_id.in_(_chargers_of(work, site_id))


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


def _written(kind: str, place: _Cursor) -> str:
    return f"{kind}~{place.rank}~{place.tier_rank}~{place.due_at.isoformat()}~{place.id}"


def _read(cursor: str | None, kind: str) -> _Cursor | None:
    if cursor is None:
        return None
    try:
        of, rank, tier_rank, due_at, key = cursor.split("~")
        read = _Cursor(int(rank), int(tier_rank), datetime.fromisoformat(due_at), int(key))
    except ValueError:
        raise BadInput("error.bad_cursor") from None
    if of != kind or read.due_at.tzinfo is None or not 0 < read.id <= HIGHEST_KEY or max(read.rank, read.tier_rank) > 9:
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
