"""The list of contacts: newest first, by name, by what is typed, by the beginning or the end of a number.

Each part is read through an index from where the last one ended. A cursor says in which order that was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import phonenumbers
from sqlalchemy import ColumnElement, exists, select, tuple_

from desk import search, stretch
from desk.stretch import Wanted
from desk.work import Work
from models.access import Permission
from models.base import HIGHEST_KEY
from models.contact import Contact, ContactIdentity, IdentityKind, Tier
from models.errors import BadInput

PAGE = 50
_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-]{0,24}", re.ASCII)


class Order(StrEnum):
    """How the list is sorted. By name stand only those who have one."""

    NEWEST = "newest"
    NAME = "name"


@dataclass(frozen=True)
class ContactFilter:
    """Which contacts; None asks for all. `typed` is what stands in the search box: words, or a piece of a number."""

    typed: str = ""
    tier: Tier | None = None
    organisation: str | None = None
    phone_begins: str | None = None  # E.164 with or without its plus, such as +9477
    phone_ends: str | None = None  # digits


@dataclass(frozen=True)
class ContactPage:
    """Rows, and the cursor of the next part."""

    items: list[dict[str, Any]]
    next: str | None


@dataclass(frozen=True)
class _Number:
    """What numbers begin with; `from_end` where they are read backwards."""

    start: str
    from_end: bool = False

    @property
    def column(self) -> Any:
        """What is read."""
        return ContactIdentity.backwards if self.from_end else ContactIdentity.value

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """For an index to find them: from the beginning up to what comes after all that begin so."""
        end = self.start[:-1] + chr(ord(self.start[-1]) + 1)
        return ContactIdentity.kind == IdentityKind.PHONE, self.column >= self.start, self.column < end


def page(
    work: Work, wanted: ContactFilter, *, order: Order = Order.NEWEST, limit: int = PAGE, after: str | None = None
) -> ContactPage:
    """A part of the list. It may be short though there is a `next`: look further there. Refuses a foreign cursor."""
    work.require(Permission.VIEW_CONTACTS)
    for number in _numbers(work, wanted, after):
        found = _by_number(work, wanted, number, limit, after)
        if found.items:
            return found
    if wanted.typed.strip():
        return _by_age(work, wanted, limit, _key(after, "newest"))
    if wanted.phone_begins or wanted.phone_ends:
        return ContactPage([], None)
    if order is Order.NAME:
        return _by_name(work, wanted, limit, after)
    return _by_age(work, wanted, limit, _key(after, "newest"))


def rows(work: Work, ids: Sequence[int]) -> list[dict[str, Any]]:
    """These contacts as a list shows them, in this order; by two statements, however many they are."""
    found = {contact.id: contact for contact in work.session.scalars(select(Contact).where(Contact.id.in_(ids)))}
    known = identities(work, ids)
    return [_row(found[key], known.get(key, [])) for key in ids if key in found]


def identities(work: Work, ids: Sequence[int]) -> dict[int, list[ContactIdentity]]:
    """How channels know these contacts, each's in the order in which they came."""
    by_contact: dict[int, list[ContactIdentity]] = {}
    query = select(ContactIdentity).where(ContactIdentity.contact_id.in_(ids)).order_by(ContactIdentity.id)
    for row in work.session.scalars(query):
        by_contact.setdefault(row.contact_id, []).append(row)
    return by_contact


# Orders ---------------------------------------------------------------------------------------------------------


def _by_age(work: Work, wanted: ContactFilter, limit: int, after: int | None) -> ContactPage:
    """Newest first; of those that hold the words, when there are words."""
    if wanted.typed.strip():
        part = search.keys(work, Contact, wanted.typed, limit=limit, after=after, rest=_there(wanted))
    else:
        chosen = _filters(wanted)
        lead = chosen[0] if chosen else None
        part = stretch.read(work, Contact, Wanted(lead, _there(wanted)), limit=limit, after=after)
    return ContactPage(rows(work, part.keys), _cursor("newest", part.next))


def _by_name(work: Work, wanted: ContactFilter, limit: int, after: str | None) -> ContactPage:
    stretch.plan_for_values(work)
    query = select(Contact.id, Contact.sort_name).where(*_filters(wanted))
    if after is None:
        query = query.where(Contact.sort_name > "")
    else:
        key, _, name = (_read(after, "name") or "").partition("~")
        if not (key.isascii() and key.isdigit()) or int(key) > HIGHEST_KEY:
            raise BadInput("error.bad_cursor")
        query = query.where(Contact.sort_name >= name, tuple_(Contact.sort_name, Contact.id) > (name, int(key)))
    found = work.session.execute(query.order_by(Contact.sort_name, Contact.id).limit(limit + 1)).all()
    last = found[limit - 1] if len(found) > limit else None
    ids = [key for key, _ in found[:limit]]
    return ContactPage(rows(work, ids), _cursor("name", f"{last.id}~{last.sort_name}") if last is not None else None)


def _by_number(work: Work, wanted: ContactFilter, number: _Number, limit: int, after: str | None) -> ContactPage:
    """In the order of the numbers, read from the end where the end was asked for."""
    stretch.plan_for_values(work)
    column = number.column
    query = select(ContactIdentity.contact_id, column).where(*number.conditions())
    if chosen := _filters(wanted):
        query = query.join(Contact, Contact.id == ContactIdentity.contact_id).where(*chosen)
    if after is not None:
        query = query.where(column > _read(after, "number"))
    found = work.session.execute(query.order_by(column).limit(limit + 1)).all()
    more = _cursor("number", found[limit - 1][1]) if len(found) > limit else None
    return ContactPage(rows(work, list(dict.fromkeys(key for key, _ in found[:limit]))), more)


# Filters --------------------------------------------------------------------------------------------------------


def _filters(wanted: ContactFilter) -> list[ColumnElement[bool]]:
    """Each has an index in the order of age."""
    chosen: list[ColumnElement[bool]] = []
    if wanted.organisation:
        chosen.append(Contact.organisation == wanted.organisation)
    if wanted.tier is not None:
        chosen.append(Contact.tier == wanted.tier)
    return chosen


def _there(wanted: ContactFilter) -> list[ColumnElement[bool]]:
    """Not forgotten, and as asked for."""
    chosen = [Contact.erased_at.is_(None), *_filters(wanted)]
    for number in _asked(wanted):
        chosen.append(exists().where(ContactIdentity.contact_id == Contact.id, *number.conditions()))
    return chosen


def _numbers(work: Work, wanted: ContactFilter, after: str | None) -> list[_Number]:
    """The numbers that may be meant, the likeliest first; on a later page only those that the first one showed."""
    meant = _meant(work, wanted)
    if after is None:
        return meant
    if not after.startswith("number~"):
        return []
    return [number for number in meant if (_read(after, "number") or "").startswith(number.start)]


def _meant(work: Work, wanted: ContactFilter) -> list[_Number]:
    typed = wanted.typed.strip()
    if _asked(wanted) and not typed:
        return _asked(wanted)
    if not _NUMBER.fullmatch(typed):
        return []
    digits = re.sub(r"\D", "", typed)
    at_end, anywhere = _Number(digits[::-1], from_end=True), _Number("+" + digits)
    here = f"+{phonenumbers.country_code_for_region(work.house.region)}"
    if typed.startswith("+"):
        return [anywhere]
    return [_Number(here + digits[1:]), at_end] if typed.startswith("0") else [at_end, anywhere, _Number(here + digits)]


def _asked(wanted: ContactFilter) -> list[_Number]:
    """The numbers that a filter names."""
    begins, ends = (re.sub(r"\D", "", given or "") for given in (wanted.phone_begins, wanted.phone_ends))
    return [_Number("+" + begins)] * bool(begins) + [_Number(ends[::-1], from_end=True)] * bool(ends)


# Cursors --------------------------------------------------------------------------------------------------------


def _cursor(order: str, place: str | int | None) -> str | None:
    return None if place is None else f"{order}~{place}"


def _read(cursor: str | None, order: str) -> str | None:
    if cursor is None:
        return None
    of, _, place = cursor.partition("~")
    if of != order or not place or "\x00" in place:
        raise BadInput("error.bad_cursor")
    return place


def _key(cursor: str | None, order: str) -> int | None:
    place = _read(cursor, order)
    if place is None:
        return None
    if not (place.isascii() and place.isdigit()) or int(place) > HIGHEST_KEY:
        raise BadInput("error.bad_cursor")
    return int(place)


# Rows -----------------------------------------------------------------------------------------------------------


def _row(contact: Contact, known: Sequence[ContactIdentity]) -> dict[str, Any]:
    return {
        "id": contact.id,
        "name": contact.name,
        "username": contact.username,
        "email": contact.email,
        "phone": next((row.value for row in known if row.kind is IdentityKind.PHONE), None),
        "kinds": list(dict.fromkeys(row.kind for row in known)),
        "organisation": contact.organisation,
        "tier": contact.tier,
        "language": contact.language,
        "account_active": contact.account_active,
        "primary_charger_id": contact.primary_charger_id,
        "notes": contact.notes,
        "created_at": contact.created_at,
    }
