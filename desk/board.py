"""The team's board: lines that want a human, and pages to those on duty."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from desk import audit, cards
from desk.work import Work
from models.access import OWN_TICKETS_ONLY, Permission, Role
from models.errors import NotFound
from models.member import Member, MemberIdentity, TeamAlert
from models.ticket import Ticket

PAGED_ROLES = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT)
NEWS = frozenset({"ticket", "escalation"})
"""Lines that phones hear of a moment later (desk/paging.py), unless a page has told them by then."""
NEWS_AFTER = timedelta(seconds=10)


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
        page_again_at=work.now + NEWS_AFTER if kind in NEWS else None,
    )  # fmt: skip
    work.session.add(alert)
    work.session.flush()
    cards.touch(work, alert_id=alert.id, ping=urgent)
    work.wake(f"live.alert.{alert.id}")
    return alert


def acknowledge(work: Work, alert_id: int) -> TeamAlert:
    """A member saw it: the line leaves the board, for everybody. A second time changes nothing."""
    work.require(Permission.WORK_TICKETS)
    alert = work.lock(TeamAlert, alert_id)
    if alert is None or not _may_see(work, alert):
        raise NotFound("board.no_alert", id=alert_id)
    if alert.acked_at is None:
        _answered(work, alert)
        audit.record(work, "alert.acknowledged", f"alert:{alert.id}", code=alert.code)
    return alert


def _answered(work: Work, alert: TeamAlert) -> None:
    alert.acked_at, alert.acked_by, alert.page_again_at = work.now, work.actor.name, None
    cards.touch(work, alert_id=alert.id)
    work.wake(f"live.alert.{alert.id}")


def _may_see(work: Work, alert: TeamAlert) -> bool:
    """Some roles see only what is about a ticket of theirs."""
    if work.actor.role not in OWN_TICKETS_ONLY:
        return True
    ticket = work.session.get(Ticket, alert.ticket_id) if alert.ticket_id is not None else None
    return ticket is not None and ticket.assignee_id == work.actor.member_id


def settle(work: Work, charger_id: str, kind: str) -> int:
    """What was reported of a charger is over: lines of that kind need nobody any more. Tells how many."""
    alerts = work.session.scalars(
        select(TeamAlert).where(
            TeamAlert.charger_id == charger_id, TeamAlert.kind == kind, TeamAlert.acked_at.is_(None)
        )
    ).all()
    for alert in alerts:
        _answered(work, alert)
    return len(alerts)


def desk_members(work: Work) -> list[Member]:
    """Active members of the desk roles."""
    query = select(Member).where(Member.active.is_(True), Member.role.in_(PAGED_ROLES)).order_by(Member.id)
    return list(work.session.scalars(query))


def doors(work: Work, team: Iterable[Member]) -> list[tuple[Member, MemberIdentity]]:
    """Every number and account by which these members can be written to."""
    keys = [member.id for member in team]
    rows = work.session.execute(
        select(Member, MemberIdentity)
        .join(MemberIdentity, MemberIdentity.member_id == Member.id)
        .where(Member.id.in_(keys), Member.active.is_(True))
        .order_by(Member.id, MemberIdentity.id)
    )
    return [(member, identity) for member, identity in rows]


def open_alerts(work: Work, limit: int = 50) -> list[TeamAlert]:
    """What nobody has acknowledged, newest first."""
    return list(
        work.session.scalars(
            select(TeamAlert).where(TeamAlert.acked_at.is_(None)).order_by(TeamAlert.id.desc()).limit(limit)
        )
    )
