"""The audit trail."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

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
