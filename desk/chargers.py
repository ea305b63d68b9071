"""Chargers: registered, looked up, shown; where there is a free one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Select, func, or_, select

from desk import audit, incidents, orders
from desk.work import Work
from models.access import OWN_CHARGERS_ONLY, ActorKind, Permission
from models.charger import (
    IN_SESSION,
    Charger,
    ChargerCommand,
    ChargerState,
    Connector,
    CurrentType,
    OcppFrame,
    OrderKind,
    Site,
)
from models.charging import ChargingTransaction, IdTag
from models.errors import BadInput, NotFound, Refusal
from models.reading import Registers

_ID = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}")
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

_ORDER = (
    ChargerState.FAULTED, ChargerState.CHARGING, ChargerState.SUSPENDED_EV, ChargerState.SUSPENDED_EVSE,
    ChargerState.FINISHING, ChargerState.PREPARING, ChargerState.AVAILABLE, ChargerState.RESERVED,
)  # fmt: skip
"""Which connector's state a whole charger shows, first come first."""


# Looking up -----------------------------------------------------------------------------------------------------


def get(work: Work, charger_id: str) -> Charger:
    """A charger by its id; a CPO finds only its own fleet's."""
    work.require(Permission.VIEW_CHARGERS)
    charger = work.session.get(Charger, charger_id)
    if charger is None or not _visible(work, charger):
        raise NotFound("charger.unknown", id=charger_id)
    return charger


def _visible(work: Work, charger: Charger) -> bool:
    if work.actor.role not in OWN_CHARGERS_ONLY:
        return True
    return charger.fleet_id is not None and charger.fleet_id == work.actor.fleet_id


def visible_only(work: Work, query: Select[Any]) -> Select[Any]:
    """Only the chargers that the actor may see: a CPO's are those of its own fleet."""
    if work.actor.role in OWN_CHARGERS_ONLY:
        return query.where(Charger.fleet_id.is_not(None), Charger.fleet_id == work.actor.fleet_id)
    return query


def connectors(work: Work, charger_id: str) -> list[Connector]:
    """A charger's connectors in order. Number 0, where there is one, is the station as a whole."""
    return list(
        work.session.scalars(select(Connector).where(Connector.charger_id == charger_id).order_by(Connector.number))
    )


def shown_state(charger: Charger, rows: Iterable[Connector]) -> ChargerState:
    """What is shown for a charger as a whole: a fault anywhere comes first, then what is busiest."""
    if not charger.online:
        return ChargerState.OFFLINE
    states = {row.status for row in rows}
    if charger.out_of_service_since_at is not None and ChargerState.FAULTED not in states:
        return ChargerState.UNAVAILABLE
    return next((state for state in _ORDER if state in states), ChargerState.UNAVAILABLE)


def shown_connector(charger: Charger, row: Connector) -> ChargerState:
    """What is shown for a connector: the last word of a charger that is away is not its state."""
    return row.status if charger.online else ChargerState.OFFLINE


def overview(work: Work, charger_id: str) -> dict[str, Any]:
    """A charger with its connectors, JSON-ready."""
    return overviews(work, [get(work, charger_id)])[0]


def page(
    work: Work, *, limit: int, after: str | None, state: ChargerState | str | None = None, search: str | None = None
) -> list[dict[str, Any]]:
    """Overviews by id, later than `after`; `state` is the shown one, `search` in id, name and site."""
    work.require(Permission.VIEW_CHARGERS)
    wanted = _state(state) if state is not None else None
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        batch = list(work.session.scalars(_page_query(work, limit, after, search)))
        found += [item for item in overviews(work, batch) if wanted is None or item["state"] == wanted.value]
        if len(batch) < limit:
            break
        after = batch[-1].id
    return found[:limit]


def _state(word: str) -> ChargerState:
    for state in ChargerState:
        if state.value.lower() == word.lower():
            return state
    raise BadInput("charger.bad_state", state=word[:40])


def _page_query(work: Work, limit: int, after: str | None, search: str | None) -> Select[Charger]:
    query = visible_only(work, select(Charger)).order_by(Charger.id).limit(limit)
    if after is not None:
        query = query.where(Charger.id > after)
    if search:
        sites = select(Site.id).where(Site.name.icontains(search, autoescape=True))
        query = query.where(
            or_(
                Charger.id.icontains(search, autoescape=True),
                Charger.name.icontains(search, autoescape=True),
                Charger.site_id.in_(sites),
            )
        )
    return query


def overviews(work: Work, chargers: Sequence[Charger]) -> list[dict[str, Any]]:
    """These chargers with their connectors, JSON-ready, in their order; whoever asks has chosen what may be seen."""
    ids = [charger.id for charger in chargers]
    sites = _sites(work, chargers)
    rows: dict[str, list[Connector]] = {charger_id: [] for charger_id in ids}
    for row in work.session.scalars(
        select(Connector).where(Connector.charger_id.in_(ids)).order_by(Connector.charger_id, Connector.number)
    ):
        rows[row.charger_id].append(row)
    running = _running(work, ids)
    return [_overview(charger, rows[charger.id], sites.get(charger.site_id), running) for charger in chargers]


def _sites(work: Work, chargers: Sequence[Charger]) -> dict[int | None, Site]:
    ids = {charger.site_id for charger in chargers if charger.site_id is not None}
    return {site.id: site for site in work.session.scalars(select(Site).where(Site.id.in_(ids)))} if ids else {}


def _running(work: Work, ids: list[str]) -> dict[tuple[str, int], int]:
    rows = work.session.execute(
        select(ChargingTransaction.charger_id, ChargingTransaction.connector, ChargingTransaction.id).where(
            ChargingTransaction.charger_id.in_(ids), ChargingTransaction.stopped_at.is_(None)
        )
    )
    return {(charger_id, connector): transaction_id for charger_id, connector, transaction_id in rows}


def _overview(
    charger: Charger, rows: list[Connector], site: Site | None, running: dict[tuple[str, int], int]
) -> dict[str, Any]:
    return {
        "id": charger.id,
        "name": charger.name,
        "site": site.name if site else None,
        "current_type": charger.current_type.value,
        "state": shown_state(charger, rows).value,
        "connectors": [
            {
                "id": row.number,
                "state": shown_connector(charger, row).value,
                "error_code": row.error_code,
                "vendor_error": row.vendor_error,
                "info": row.info,
                "faulted_since_at": row.faulted_since_at.isoformat() if row.faulted_since_at else None,
                "transaction": running.get((charger.id, row.number)),
            }
            for row in rows
            if row.number > 0
        ],
        "station": next(
            ({"state": row.status.value, "error_code": row.error_code} for row in rows if row.number == 0), None
        ),
        "online": charger.online,
        "last_seen_at": charger.last_seen_at.isoformat() if charger.last_seen_at else None,
        "firmware": charger.firmware,
        "vendor": charger.vendor,
        "model": charger.model,
        "ocpp_version": charger.ocpp_version,
        "auto_heal": charger.auto_heal,
        "out_of_service_since_at": (
            charger.out_of_service_since_at.isoformat() if charger.out_of_service_since_at else None
        ),
        "out_of_service_why": charger.out_of_service_why,
    }


def frames(work: Work, charger_id: str, *, limit: int, after: int | None) -> list[dict[str, Any]]:
    """The frame log of a charger, newest first, older than `after`."""
    work.require(Permission.COMMAND_CHARGERS)
    get(work, charger_id)
    query = select(OcppFrame).where(OcppFrame.charger_id == charger_id).order_by(OcppFrame.id.desc()).limit(limit)
    if after is not None:
        query = query.where(OcppFrame.id < after)
    return [
        {
            "id": row.id,
            "at": row.at.isoformat(),
            "direction": row.direction,
            "action": row.action,
            "frame": row.frame,
        }
        for row in work.session.scalars(query)
    ]


def registers(work: Work) -> Registers:
    """What a text may mention: every charger by its name and its site's, and every tag."""
    names = work.session.execute(
        select(Charger.id, Charger.name, Site.name).outerjoin(Site, Site.id == Charger.site_id)
    ).all()
    return Registers(
        chargers={charger_id: name or "" for charger_id, name, _ in names},
        sites={charger_id: site for charger_id, _, site in names if site},
        id_tags=frozenset(work.session.scalars(select(IdTag.value))),
        default_region=work.house.region,
        currency=work.house.currency,
    )


# Where there is a free one --------------------------------------------------------------------------------------


def availability(work: Work, words: list[str], *, limit: int = 20) -> list[dict[str, Any]]:
    """Sites whose name or address, or one of whose chargers' names, holds one of `words`; all of them for no words.

    Each: `{"site", "address", "latitude", "longitude", "hours", "types": {"DC": {"total", "free", "states": {…}}}}`;
    what is counted are connectors.
    """
    query = select(Site).order_by(Site.name)
    wanted = [word for word in words if len(word.strip()) > 1]
    if wanted:
        query = query.where(or_(*(_about(word.strip()) for word in wanted)))
    return _with_counts(work, list(work.session.scalars(query.limit(limit))))


def nearest(work: Work, latitude: float, longitude: float, limit: int = 3) -> list[dict[str, Any]]:
    """The sites nearest to a point (WGS 84 degrees) with live availability and `distance_m`, nearest first."""
    sites = list(work.session.scalars(select(Site).where(Site.latitude.is_not(None), Site.longitude.is_not(None))))
    ranked = sorted(((_distance_m(latitude, longitude, site), site.name, site) for site in sites), key=lambda x: x[:2])
    shown = _with_counts(work, [site for _, _, site in ranked[:limit]])
    return [{**item, "distance_m": round(distance)} for item, (distance, _, _) in zip(shown, ranked, strict=False)]


def _about(word: str) -> Any:
    named = select(Charger.site_id).where(Charger.name.icontains(word, autoescape=True), Charger.site_id.is_not(None))
    return or_(
        Site.name.icontains(word, autoescape=True), Site.address.icontains(word, autoescape=True), Site.id.in_(named)
    )


def _with_counts(work: Work, sites: list[Site]) -> list[dict[str, Any]]:
    rows = work.session.execute(
        select(Charger, Connector)
        .join(Connector, Connector.charger_id == Charger.id)
        .where(Charger.site_id.in_([site.id for site in sites]), Connector.number > 0)
    )
    types: dict[int, dict[str, dict[str, Any]]] = {site.id: {} for site in sites}
    for charger, connector in rows:
        assert charger.site_id is not None
        counts = types[charger.site_id].setdefault(charger.current_type.value, {"total": 0, "free": 0, "states": {}})
        state = shown_connector(charger, connector)
        if charger.out_of_service_since_at is not None and charger.online:
            state = ChargerState.UNAVAILABLE
        shown = ChargerState.CHARGING if state in IN_SESSION else state
        counts["total"] += 1
        counts["free"] += state is ChargerState.AVAILABLE
        counts["states"][shown.value] = counts["states"].get(shown.value, 0) + 1
    return [
        {
            "site": site.name, "address": site.address, "latitude": site.latitude, "longitude": site.longitude,
            "hours": site.hours, "types": types[site.id],
        }
        for site in sites
    ]  # fmt: skip


def _distance_m(latitude: float, longitude: float, site: Site) -> float:
    assert site.latitude is not None
    assert site.longitude is not None
    a, b = math.radians(latitude), math.radians(site.latitude)
    half_b, half_l = (b - a) / 2, math.radians(site.longitude - longitude) / 2
    h = math.sin(half_b) ** 2 + math.cos(a) * math.cos(b) * math.sin(half_l) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(min(h, 1.0)))


# Registering ----------------------------------------------------------------------------------------------------


def add(
    work: Work, charger_id: str, *, name: str = "", current_type: CurrentType = CurrentType.AC,
    connector_count: int = 1, site: str | None = None, fleet_id: int | None = None, tariff_id: int | None = None,
    password: str | None = None,
) -> Charger:  # fmt: skip
    """Register a charger; a site of that name is made where there is none. Refuses a bad or a known id."""
    work.require(Permission.EDIT_CHARGERS)
    if work.session.get(Charger, _checked_id(charger_id)) is not None:
        raise Refusal("charger.exists", id=charger_id)
    if not 1 <= connector_count <= 20:
        raise BadInput("charger.bad_connectors", count=connector_count)
    if password is not None:
        _check_password(password)
    charger = make(work, charger_id, name=name, current_type=current_type)
    charger.site_id = site_named(work, site).id if site else None
    charger.fleet_id, charger.tariff_id = fleet_id, tariff_id
    charger.password_hash = hash_password(password.encode()) if password is not None else None
    for number in range(1, connector_count + 1):
        work.session.add(Connector(charger_id=charger_id, number=number))
    work.session.flush()
    audit.record(work, "charger.added", f"charger:{charger_id}", name=name)
    return charger


def make(work: Work, charger_id: str, *, name: str = "", current_type: CurrentType = CurrentType.AC) -> Charger:
    """A row for a charger nobody knew, without connectors: it tells of them itself."""
    charger = Charger(id=_checked_id(charger_id), name=name[:200], current_type=current_type, created_at=work.now)
    work.session.add(charger)
    work.session.flush()
    work.wake(f"live.charger.{charger_id}")
    return charger


def site_named(work: Work, name: str) -> Site:
    """The site of that name, made where there is none."""
    site = work.session.scalar(select(Site).where(Site.name == name.strip()[:200]))
    if site is None:
        site = Site(name=name.strip()[:200])
        work.session.add(site)
        work.session.flush()
    return site


def _checked_id(charger_id: str) -> str:
    if not _ID.fullmatch(charger_id):
        raise BadInput("charger.bad_id", id=charger_id[:60])
    return charger_id


def set_password(work: Work, charger_id: str, password: str) -> None:
    """Give a charger a new password (16 to 40 characters, as OCPP's security profile 1 wants)."""
    work.require(Permission.EDIT_CHARGERS)
    _check_password(password)
    charger = get(work, charger_id)
    charger.password_hash = hash_password(password.encode())
    audit.record(work, "charger.password_set", f"charger:{charger_id}")


def _check_password(password: str) -> None:
    if not 16 <= len(password.encode()) <= 40:
        raise BadInput("charger.bad_password")


def hash_password(password: bytes) -> str:
    """A salted hash; takes some 20 ms on purpose."""
    return _hasher.hash(password)


def password_fits(stored: str, given: bytes) -> bool:
    """Whether a password is the one behind a hash."""
    try:
        return _hasher.verify(stored, given)
    except (VerificationError, InvalidHashError):
        return False


def switch_auto_heal(work: Work, charger_id: str, on: bool) -> None:
    """Let the assistant heal this charger by itself, or not."""
    work.require(Permission.EDIT_CHARGERS)
    get(work, charger_id).auto_heal = on
    audit.record(work, "charger.auto_heal", f"charger:{charger_id}", on=on)


def switch_site(work: Work, name: str, on: bool) -> Site:
    """Let the assistant heal the chargers of a site, or not. Refuses a name that no site has."""
    work.require(Permission.EDIT_CHARGERS)
    site = work.session.scalar(select(Site).where(func.lower(Site.name) == name.strip().lower()))
    if site is None:
        raise NotFound("charger.no_site", name=name.strip()[:80])
    site.auto_heal = on
    audit.record(work, "site.auto_heal", f"site:{site.id}", on=on)
    return site


def take_out(work: Work, charger_id: str, why: str) -> None:
    """Note that a charger was taken out of service for safety; from now on only a member puts it back."""
    work.require(Permission.COMMAND_CHARGERS)
    charger = work.lock(Charger, charger_id)
    if charger is None:
        raise NotFound("charger.unknown", id=charger_id)
    if charger.out_of_service_since_at is None:
        charger.out_of_service_since_at, charger.out_of_service_why = work.now, why[:200]
        audit.record(work, "charger.taken_out", f"charger:{charger_id}", why=why[:200])
        work.wake(f"live.charger.{charger_id}")


def restore_service(work: Work, charger_id: str) -> ChargerCommand:
    """Put a charger that was taken out for safety back into service: for members alone. Gives the order to it."""
    work.require(Permission.COMMAND_CHARGERS)
    if work.actor.kind not in (ActorKind.MEMBER, ActorKind.OPERATOR):
        raise Refusal("charger.only_a_member")
    get(work, charger_id)
    charger = work.lock(Charger, charger_id)
    assert charger is not None
    if charger.out_of_service_since_at is None:
        raise Refusal("charger.in_service", id=charger_id)
    if not charger.online:
        raise Refusal("run.not_connected", charger_id=charger_id)
    charger.out_of_service_since_at = charger.out_of_service_why = None
    audit.record(work, "charger.restored", f"charger:{charger_id}")
    incidents.judged_safe(work, charger_id)
    work.wake(f"live.charger.{charger_id}")
    return orders.place(work, charger_id, OrderKind.SET_AVAILABILITY, {"connector": 0, "operative": True})
