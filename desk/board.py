"""The team's board: lines that want a human, and pages to those on duty."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk.work import Work
from models.access import Role
from models.member import Member, MemberIdentity, MemberIdentityKind, TeamAlert

PAGED_ROLES = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT)


def raise_alert(
    work: Work, *, kind: str, key: str, code: str, facts: dict[str, Any], ticket_id: int | None = None,
    charger_id: str | None = None, message_id: int | None = None, urgent: bool = False,
) -> TeamAlert | None:  # fmt: skip
    """Put a line on the board, once for each `key` (None the second time)."""
    if work.session.scalar(select(TeamAlert.id).where(TeamAlert.dedupe_key == key)) is not None:
        return None
    alert = TeamAlert(
        dedupe_key=key, kind=kind, code=code, facts=facts, ticket_id=ticket_id, charger_id=charger_id,
        message_id=message_id, urgent=urgent, raised_at=work.now,
    )  # fmt: skip
    work.session.add(alert)
    work.session.flush()
    work.wake(f"live.alert.{alert.id}")
    return alert


def settle(work: Work, charger_id: str, kind: str) -> int:
    """What was reported of a charger is over: lines of that kind need nobody any more. Tells how many."""
    alerts = work.session.scalars(
        select(TeamAlert).where(
            TeamAlert.charger_id == charger_id, TeamAlert.kind == kind, TeamAlert.acked_at.is_(None)
        )
    ).all()
    for alert in alerts:
        alert.acked_at, alert.acked_by = work.now, work.actor.name
        work.wake(f"live.alert.{alert.id}")
    return len(alerts)


def phones_on_duty(work: Work) -> list[tuple[Member, MemberIdentity]]:
    """Active members of the desk roles with an enrolled WhatsApp number."""
    rows = work.session.execute(
        select(Member, MemberIdentity)
        .join(MemberIdentity, MemberIdentity.member_id == Member.id)
        .where(
            Member.active.is_(True),
            Member.role.in_(PAGED_ROLES),
            MemberIdentity.kind == MemberIdentityKind.WHATSAPP,
        )
        .order_by(Member.id)
    )
    return [(member, identity) for member, identity in rows]


def open_alerts(work: Work, limit: int = 50) -> list[TeamAlert]:
    """What nobody has acknowledged, newest first."""
    return list(
        work.session.scalars(
            select(TeamAlert).where(TeamAlert.acked_at.is_(None)).order_by(TeamAlert.id.desc()).limit(limit)
        )
    )
