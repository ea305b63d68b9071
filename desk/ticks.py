"""Ticks of the jobs: of several nodes one takes each; what the last one did is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from desk.work import Work
from models.audit import JobTick

SLACK = 0.1
"""A tick that comes early by this part of its interval still counts: clocks of nodes jitter."""


def run(work: Work, name: str, every_s: float, verb: Callable[[Work], int]) -> int | None:
    """Claim the tick and run the verb in the same transaction. None: another node has this tick."""
    if not _claim(work, name, every_s):
        return None
    count = verb(work)
    _record(work, name, count, None)
    return count


def failed(work: Work, name: str, error: str) -> None:
    """The verb failed and was rolled back with its claim: the tick counts, the next one tries again."""
    _make(work, name)
    work.session.execute(update(JobTick).where(JobTick.name == name).values(last_at=work.now))
    _record(work, name, 0, error[:300])


def last(work: Work) -> list[JobTick]:
    """When each job last ran, how much it did, and its last error."""
    return list(work.session.scalars(select(JobTick).order_by(JobTick.name)))


def _claim(work: Work, name: str, every_s: float) -> bool:
    """One UPDATE decides. On PostgreSQL a tick that another node is at is passed over, not waited for."""
    due = select(JobTick.name).where(
        JobTick.name == name, JobTick.last_at <= work.now - timedelta(seconds=every_s * (1 - SLACK))
    )
    if work.postgresql:
        due = due.with_for_update(skip_locked=True)
    taken = work.session.execute(
        update(JobTick)
        .where(JobTick.name == due.scalar_subquery())
        .values(last_at=work.now)
        .returning(JobTick.name)
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None or _make(work, name)


def _make(work: Work, name: str) -> bool:
    """The job's first tick anywhere makes its row."""
    dialect: Any = postgresql if work.postgresql else sqlite
    row = dialect.insert(JobTick).values(name=name, last_at=work.now, last_count=0)
    return work.session.execute(row.on_conflict_do_nothing().returning(JobTick.name)).first() is not None


def _record(work: Work, name: str, count: int, error: str | None) -> None:
    work.session.execute(
        update(JobTick)
        .where(JobTick.name == name)
        .values(last_count=count, last_error=error)
        .execution_options(synchronize_session=False)
    )
