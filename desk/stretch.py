"""Parts of long lists, newest first: read through an index from a key on, and never more than a stretch at a time.

A filter that fits one row in a million would otherwise read the million. Here it gives what the stretch holds, and
the key from which to look further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, select, text

from desk.work import Work

LONGEST = 1_000
"""Rows that are looked at for one part."""
SHORT = 300
"""A stretch of so many rows is looked at as a whole."""


@dataclass(frozen=True)
class Part:
    """Keys, newest first. `next` is the key to go on after; it may be there though `keys` is short or empty."""

    keys: list[int] = field(default_factory=list)
    next: int | None = None


@dataclass(frozen=True)
class Wanted:
    """Filters: `lead` has an index that is also in the order of the key; `rest` are looked at row by row."""

    lead: ColumnElement[bool] | None = None
    rest: Sequence[ColumnElement[bool]] = ()


def read(work: Work, entity: type[Any], wanted: Wanted, *, limit: int, after: int | None) -> Part:
    """At most `limit` keys of the rows that fit, older than `after`."""
    return read_any(work, entity, [wanted], limit=limit, after=after)


def read_any(work: Work, entity: type[Any], wanted: Sequence[Wanted], *, limit: int, after: int | None) -> Part:
    """The same of rows that fit one of several; no row may fit two."""
    plan_for_values(work)
    longest = LONGEST if len(wanted) == 1 else LONGEST // 2 // max(len(wanted), 1) + limit
    return _merge([_read(work, entity, each, (limit, longest), after) for each in wanted], limit)


def _merge(parts: Sequence[Part], limit: int) -> Part:
    """One part of several: nothing that is older than where one of them stopped."""
    stop = max((part.next for part in parts if part.next is not None), default=None)
    keys = sorted((key for part in parts for key in part.keys if stop is None or key >= stop), reverse=True)
    found = cut(keys, limit)
    return found if found.next is not None else Part(found.keys, stop)


def _read(work: Work, entity: type[Any], wanted: Wanted, most: tuple[int, int], after: int | None) -> Part:
    limit, longest = most
    stretch = select(entity.id).order_by(entity.id.desc())
    if wanted.lead is not None:
        stretch = stretch.where(wanted.lead)
    if after is not None:
        stretch = stretch.where(entity.id < after)
    if not wanted.rest:
        return cut(list(work.session.scalars(stretch.limit(limit + 1))), limit)
    looked_at = stretch.add_columns(and_(*wanted.rest).label("fits"))
    return choose(work, lambda size: looked_at.limit(size).subquery(), limit, longest)


def choose(work: Work, of: Callable[[int], Subquery], limit: int, longest: int = LONGEST) -> Part:
    """At most `limit` keys of those that fit. `of` gives a stretch of so many rows: each `id`, and whether it `fits`.

    Most filters fit many rows: a third of a long stretch is tried first.
    """
    if longest > SHORT:
        some = of(longest // 3)
        fitting = select(some.c.id).where(some.c.fits).order_by(some.c.id.desc()).limit(limit + 1)
        part = cut(list(work.session.scalars(fitting)), limit)
        if part.next is not None:
            return part
    whole = of(longest)
    seen = work.session.execute(select(whole.c.id, whole.c.fits).order_by(whole.c.id.desc())).all()
    part = cut([key for key, fits in seen if fits], limit)
    return part if part.next is not None or len(seen) < longest else Part(part.keys, seen[-1].id)


def cut(keys: list[int], limit: int) -> Part:
    """A part of at most `limit` of the keys; whoever read `limit + 1` knows whether there are more."""
    return Part(keys[:limit], keys[limit - 1] if len(keys) > limit else None)


def plan_for_values(work: Work) -> None:
    """Have PostgreSQL plan each statement for the values that are asked for: they differ by a thousand times."""
    if work.postgresql:
        work.session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
