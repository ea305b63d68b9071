"""The audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from desk.work import Work
from models.access import Permission
from models.audit import AuditRow


def record(work: Work, action: str, target: str, **facts: Any) -> None:
    """Write down that the actor did `action` to `target` (`charger:100003`, `ticket:TKT-000001`, `wallet:7`)."""
    work.session.add(
        AuditRow(
            at=work.now,
            actor_kind=work.actor.kind.value,
            actor_id=work.actor.id,
            actor_name=work.actor.name,
            action=action,
            target=target,
            facts=facts,
        )
    )


def page(work: Work, *, limit: int, after: int | None, target: str | None = None) -> list[AuditRow]:
    """Newest first, older than `after`."""
    work.require(Permission.VIEW_AUDIT)
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if after is not None:
        query = query.where(AuditRow.id < after)
    if target is not None:
        query = query.where(AuditRow.target == target)
    return list(work.session.scalars(query))


ACTIONS_SHOWN = 300


@dataclass(frozen=True)
class Wanted:
    """Which rows to show. `actor` is a kind, or a kind and an id: `member:7`. Times are instants, `until` without."""

    actor: str = ""
    action: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None


def found(work: Work, wanted: Wanted, *, limit: int, after: int | None = None) -> list[AuditRow]:
    """Newest first, after the row `after`; every filter has its index."""
    work.require(Permission.VIEW_AUDIT)
    query = _wanted(select(AuditRow), wanted).order_by(AuditRow.at.desc(), AuditRow.id.desc()).limit(limit)
    if after is not None and (last := work.session.get(AuditRow, after)) is not None:
        query = query.where(AuditRow.at <= last.at, (AuditRow.at < last.at) | (AuditRow.id < last.id))
    return list(work.session.scalars(query))


def about(work: Work, target: str, *, limit: int) -> list[AuditRow]:
    """The latest about one thing."""
    return found(work, Wanted(target=target), limit=limit)


def actions(work: Work) -> list[str]:
    """Every action that stands on record, found by hops along the index."""
    work.require(Permission.VIEW_AUDIT)
    known: list[str] = []
    while len(known) < ACTIONS_SHOWN:
        query = select(AuditRow.action).order_by(AuditRow.action).limit(1)
        further = work.session.scalar(query.where(AuditRow.action > known[-1]) if known else query)
        if further is None:
            break
        known.append(further)
    return known


def _wanted(query: Select[AuditRow], wanted: Wanted) -> Select[AuditRow]:
    kind, _, key = wanted.actor.partition(":")
    if kind:
        query = query.where(AuditRow.actor_kind == kind)
    if key:
        query = query.where(AuditRow.actor_id == key)
    if wanted.action:
        query = query.where(AuditRow.action == wanted.action)
    if wanted.target:
        query = query.where(AuditRow.target == wanted.target)
    if wanted.since is not None:
        query = query.where(AuditRow.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditRow.at < wanted.until)
    return query
