"""The hub of chargers: found as one types, by state, type and site, the worst first; cards with what hangs on each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select

from desk import charger_advice, chargers, runs
from desk.literal import is_one_of
from desk.work import Work
from models.access import Permission
from models.charger import IN_SESSION, Charger, ChargerState, Connector, CurrentType, Site
from models.errors import BadInput
from models.incident import Incident, IncidentState
from models.ticket import LIVE, Ticket, ticket_ref

_CURSOR = re.compile(r"(-1|[0-3])\.(.{1,48})")
MAP_CHARGERS = 2_000
"""How many chargers a map shows."""


class Shown(StrEnum):
    """By what the list is narrowed: the colours of the map's legend, and everything that wants somebody."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    FAULTED = "Faulted"
    OFFLINE = "Offline"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    IN_ERROR = "in_error"


class Order(StrEnum):
    """In which order."""

    WORST = "worst"
    ID = "id"


@dataclass(frozen=True)
class Wanted:
    """What to list. `search` is in the id, the name or the site."""

    search: str = ""
    state: Shown | None = None
    current_type: CurrentType | None = None
    site_id: int | None = None
    order: Order = Order.WORST


def page(
    work: Work, wanted: Wanted, *, limit: int, after: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Cards, and the cursor of the next page where there is one.

    Worst first: Faulted, then Offline, then out of service, then the rest; by id within each.
    """
    work.require(Permission.VIEW_CHARGERS)
    classes = _CLASSES_OF.get(wanted.state, range(len(_CLASSES))) if wanted.order is Order.WORST else (_ALL,)
    first, after_id = _cursor(after)
    found: list[tuple[int, Charger]] = []
    for number in classes:
        if number < first or len(found) > limit:
            continue
        query = _query(work, wanted, number, after_id if number == first else None).limit(limit + 1 - len(found))
        found += [(number, charger) for charger in work.session.scalars(query)]
    more = f"{found[limit - 1][0]}.{found[limit - 1][1].id}" if len(found) > limit else None
    return cards(work, [charger for _, charger in found[:limit]]), more


def _cursor(after: str | None) -> tuple[int, str | None]:
    if after is None:
        return _ALL, None
    found = _CURSOR.fullmatch(after)
    if found is None:
        raise BadInput("charger.bad_cursor")
    return int(found[1]), found[2]


def _query(work: Work, wanted: Wanted, number: int, after_id: str | None) -> Select[Charger]:
    query = chargers.visible_only(work, select(Charger)).order_by(Charger.id)
    if number != _ALL:
        query = query.where(_CLASSES[number]())
    if wanted.state is not None:
        query = query.where(_STATES[wanted.state]())
    if wanted.current_type is not None:
        query = query.where(Charger.current_type == wanted.current_type)
    if wanted.site_id is not None:
        query = query.where(Charger.site_id == wanted.site_id)
    if after_id is not None:
        query = query.where(Charger.id > after_id)
    return query.where(_holds(wanted.search)) if wanted.search.strip() else query


def _holds(words: str) -> ColumnElement[bool]:
    """Every word is somewhere in the id, the name or the site."""
    return and_(
        *(
            or_(
                Charger.id.icontains(word, autoescape=True),
                Charger.name.icontains(word, autoescape=True),
                Charger.site_id.in_(select(Site.id).where(Site.name.icontains(word, autoescape=True))),
            )
            for word in words.split()[:5]
        )
    )


# The shown state, as SQL says it: chargers.shown_state says the same of rows ---------------------------------------


def _has(*states: ChargerState) -> ColumnElement[bool]:
    """Asked of each charger on the way: for states that most pages are full of."""
    return exists().where(Connector.charger_id == Charger.id, is_one_of(Connector.status, *states))


def _among_those_with(state: ChargerState) -> ColumnElement[bool]:
    """Looked up first: for a state that few are in."""
    return Charger.id.in_(select(Connector.charger_id).where(is_one_of(Connector.status, state)))


def _faulted() -> ColumnElement[bool]:
    return and_(Charger.online.is_(True), _among_those_with(ChargerState.FAULTED))


def _offline() -> ColumnElement[bool]:
    return Charger.online.is_(False)


def _unavailable() -> ColumnElement[bool]:
    idle = not_(_has(*_BUSIEST_FIRST))
    return and_(
        Charger.online.is_(True),
        not_(_has(ChargerState.FAULTED)),
        or_(Charger.out_of_service_since_at.is_not(None), idle),
    )


def _well() -> ColumnElement[bool]:
    return and_(
        Charger.online.is_(True),
        Charger.out_of_service_since_at.is_(None),
        not_(_has(ChargerState.FAULTED)),
        _has(*_BUSIEST_FIRST),
    )


def _busiest(*states: ChargerState) -> Callable[[], ColumnElement[bool]]:
    """Well, with one of these states and none that would be shown before them."""
    before = _BUSIEST_FIRST[: _BUSIEST_FIRST.index(states[0])]

    def says() -> ColumnElement[bool]:
        here = and_(_well(), _has(*states))
        return and_(here, not_(_has(*before))) if before else here

    return says


_BUSIEST_FIRST = (
    *sorted(IN_SESSION), ChargerState.PREPARING, ChargerState.AVAILABLE, ChargerState.RESERVED,
)  # fmt: skip
_ALL = -1
_CLASSES = (_faulted, _offline, _unavailable, _well)
_STATES: dict[Shown, Callable[[], ColumnElement[bool]]] = {
    Shown.FAULTED: _faulted,
    Shown.OFFLINE: _offline,
    Shown.UNAVAILABLE: _unavailable,
    Shown.CHARGING: _busiest(*sorted(IN_SESSION)),
    Shown.PREPARING: _busiest(ChargerState.PREPARING),
    Shown.AVAILABLE: _busiest(ChargerState.AVAILABLE),
    Shown.RESERVED: _busiest(ChargerState.RESERVED),
    Shown.IN_ERROR: lambda: or_(_faulted(), _offline()),
}


def shows(state: Shown) -> ColumnElement[bool]:
    """Of a charger in a statement: that this is what it shows."""
    return _STATES[state]()


_CLASSES_OF: dict[Shown | None, Sequence[int]] = {
    Shown.FAULTED: (0,), Shown.OFFLINE: (1,), Shown.IN_ERROR: (0, 1), Shown.UNAVAILABLE: (2,),
    Shown.CHARGING: (3,), Shown.PREPARING: (3,), Shown.AVAILABLE: (3,), Shown.RESERVED: (3,),
}  # fmt: skip


# Cards ------------------------------------------------------------------------------------------------------------


def cards(work: Work, rows: Sequence[Charger]) -> list[dict[str, Any]]:
    """Chargers as the hub shows them: the overview with address, last event, open ticket and incident, healing.

    A fixed number of statements, however many there are.
    """
    ids = [charger.id for charger in rows]
    sites = _sites(work, rows)
    latest = _last_events(work, rows)
    open_tickets, open_incidents = _tickets(work, ids), _incidents(work, ids)
    network = runs.network_heals(work)
    shown = chargers.overviews(work, rows)
    for card, charger in zip(shown, rows, strict=True):
        site = sites.get(charger.site_id) if charger.site_id is not None else None
        card |= {
            "address": site.address if site else "",
            "site_id": charger.site_id,
            "last_event": latest[charger.id],
            "ticket": open_tickets.get(charger.id),
            "incident": open_incidents.get(charger.id),
            "weak": charger_advice.lines_dropped(work, charger),
            "heals": charger.auto_heal and (site is None or site.auto_heal) and network,
        }
    return shown


def card(work: Work, charger_id: str) -> dict[str, Any]:
    """One of them."""
    return cards(work, [chargers.get(work, charger_id)])[0]


def _sites(work: Work, rows: Sequence[Charger]) -> dict[int, Site]:
    ids = {charger.site_id for charger in rows if charger.site_id is not None}
    return {site.id: site for site in work.session.scalars(select(Site).where(Site.id.in_(ids)))} if ids else {}


def _last_events(work: Work, rows: Sequence[Charger]) -> dict[str, dict[str, Any] | None]:
    """What was heard last of each: a state, a boot, a connection; of one that is away, when it was last heard."""
    ids = [charger.id for charger in rows]
    reports: dict[str, list[dict[str, Any]]] = {charger_id: [] for charger_id in ids}
    for row in work.session.scalars(
        select(Connector).where(Connector.charger_id.in_(ids), Connector.received_at.is_not(None))
    ):
        fact = {"kind": "status", "connector": row.number, "state": row.status.value, "error_code": row.error_code}
        reports[row.charger_id].append({**fact, "at": row.received_at})
    return {charger.id: _newest(charger, reports[charger.id]) for charger in rows}


def _newest(charger: Charger, events: list[dict[str, Any]]) -> dict[str, Any] | None:
    moments: list[tuple[str, datetime | None]] = [("connected", charger.connected_at), ("booted", charger.booted_at)]
    if not charger.online:
        moments.append(("heard", charger.last_seen_at))
    known = [*events, *({"kind": kind, "at": at} for kind, at in moments if at is not None)]
    newest = max(known, key=lambda event: event["at"], default=None)
    return {**newest, "at": newest["at"].isoformat()} if newest is not None else None


def _tickets(work: Work, ids: list[str]) -> dict[str, str]:
    """The newest ticket of each that somebody still has to act on, for those who may see all tickets."""
    if not (work.actor.may(Permission.VIEW_TICKETS) and ids):
        return {}
    rows = work.session.execute(
        select(Ticket.charger_id, func.max(Ticket.id))
        .where(Ticket.charger_id.in_(ids), is_one_of(Ticket.status, *sorted(LIVE)))
        .group_by(Ticket.charger_id)
    )
    return {str(charger_id): ticket_ref(ticket_id) for charger_id, ticket_id in rows}


def _incidents(work: Work, ids: list[str]) -> dict[str, dict[str, Any]]:
    if not (work.actor.may(Permission.VIEW_TICKETS) and ids):
        return {}
    rows = work.session.scalars(
        select(Incident).where(Incident.charger_id.in_(ids), is_one_of(Incident.state, IncidentState.OPEN))
    )
    return {
        row.charger_id: {
            "id": row.id,
            "cause": row.cause,
            "error_code": row.error_code,
            "at": row.opened_at.isoformat(),
        }
        for row in rows
    }


# Places -------------------------------------------------------------------------------------------------------------


def site_names(work: Work) -> list[dict[str, Any]]:
    """The sites that have a charger which the actor may see, by name."""
    work.require(Permission.VIEW_CHARGERS)
    own = chargers.visible_only(work, select(Charger.site_id).where(Charger.site_id.is_not(None)))
    rows = work.session.execute(select(Site.id, Site.name).where(Site.id.in_(own)).order_by(Site.name))
    return [{"id": site_id, "name": name} for site_id, name in rows]


def on_map(work: Work) -> list[dict[str, Any]]:
    """Sites with coordinates and their chargers, the latter with type, shown state and whether they are online."""
    work.require(Permission.VIEW_CHARGERS)
    placed = chargers.visible_only(
        work,
        select(Charger)
        .join(Site, Site.id == Charger.site_id)
        .where(Site.latitude.is_not(None), Site.longitude.is_not(None)),
    )
    rows = list(work.session.scalars(placed.order_by(Charger.site_id, Charger.id).limit(MAP_CHARGERS)))
    states = {item["id"]: item["state"] for item in chargers.overviews(work, rows)}
    sites = _sites(work, rows)
    places: dict[int, dict[str, Any]] = {
        site.id: {
            "id": site.id, "name": site.name, "address": site.address, "hours": site.hours,
            "latitude": site.latitude, "longitude": site.longitude, "chargers": [],
        }
        for site in sorted(sites.values(), key=lambda site: site.name)
    }  # fmt: skip
    for charger in rows:
        assert charger.site_id is not None
        places[charger.site_id]["chargers"].append(
            {
                "id": charger.id, "name": charger.name, "type": charger.current_type.value,
                "state": states[charger.id], "online": charger.online,
            }
        )  # fmt: skip
    return list(places.values())
