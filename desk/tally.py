"""Sums that are asked for often, kept exactly: each change is a row in the transaction that made it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select

from desk.work import Work
from models.tally import Counted, Tally


def day_of(work: Work, moment: datetime) -> str:
    """The day of an instant in the installation's zone."""
    return moment.astimezone(ZoneInfo(work.house.timezone)).date().isoformat()


def midnight(work: Work) -> datetime:
    """When today began in the installation's zone."""
    return work.now.astimezone(ZoneInfo(work.house.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)


def days(work: Work, count: int) -> list[str]:
    """Today and the days before it, the oldest first."""
    today = work.now.astimezone(ZoneInfo(work.house.timezone)).date()
    return [(today - timedelta(days=back)).isoformat() for back in range(count - 1, -1, -1)]


def add(work: Work, what: Counted, key: str = "", *, at: datetime | None = None, change: int = 1) -> None:
    """Count one more, or with `change=-1` one less; `at` tells the day for what is counted by day."""
    day = day_of(work, at) if at is not None else ""
    work.session.add(Tally(what=what, key=key, day=day, change=change))


def shift(work: Work, what: Counted, was: str | None, now: str, *, at: datetime | None = None) -> None:
    """What was counted under one key counts under another; `was` None: it was not counted yet."""
    if was == now:
        return
    if was is not None:
        add(work, what, was, at=at, change=-1)
    add(work, what, now, at=at)


def sums(work: Work, what: Counted) -> dict[str, int]:
    """How many there are, by key."""
    rows = work.session.execute(select(Tally.key, func.sum(Tally.change)).where(Tally.what == what).group_by(Tally.key))
    return {key: int(count) for key, count in rows}


def by_day(work: Work, what: Counted, since: str) -> dict[tuple[str, str], int]:
    """How many on each day from `since` on, by (key, day)."""
    rows = work.session.execute(
        select(Tally.key, Tally.day, func.sum(Tally.change))
        .where(Tally.what == what, Tally.day >= since)
        .group_by(Tally.key, Tally.day)
    )
    return {(key, day): int(count) for key, day, count in rows}


def fold(work: Work) -> int:
    """Put the rows of each sum together into one; tells how many sums were folded.

    What is added is what this statement itself took away, so that two who fold at once still lose nothing.
    """
    groups = work.session.execute(
        select(Tally.what, Tally.key, Tally.day, func.max(Tally.id))
        .group_by(Tally.what, Tally.key, Tally.day)
        .having(func.count() > 1)
    ).all()
    for what, key, day, newest in groups:
        taken = work.session.scalars(
            delete(Tally)
            .where(Tally.what == what, Tally.key == key, Tally.day == day, Tally.id <= newest)
            .returning(Tally.change)
            .execution_options(synchronize_session=False)
        ).all()
        if total := sum(taken):
            work.session.add(Tally(what=what, key=key, day=day, change=total))
    return len(groups)
