"""The roster: who is on duty, and who comes next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from desk import audit, members
from desk.work import Work
from models.access import Department, Permission, Role
from models.errors import BadInput, NotFound, Refusal
from models.member import Member
from models.oncall import Shift

LONGEST = timedelta(days=14)
AHEAD = timedelta(days=366)
_DUTY = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT)


def on_duty(work: Work, at: datetime | None = None) -> list[Member]:
    """Members whose shift it is at a moment, now where none is given; nobody where the roster is empty."""
    moment = at or work.now
    query = (
        select(Member)
        .join(Shift, Shift.member_id == Member.id)
        .where(Member.active.is_(True), Shift.starts_at <= moment, Shift.ends_at > moment)
        .order_by(Member.id)
        .distinct()
    )
    return list(work.session.scalars(query))


def shown(work: Work, limit: int = 10) -> list[dict[str, Any]]:
    """Shifts that run or are to come, the first to begin first, JSON-ready."""
    work.require(Permission.VIEW_ROSTER)
    return [_facts(work, shift, member) for shift, member in work.session.execute(_coming(work).limit(limit))]


def set_shift(
    work: Work, words: str, starts_at: datetime, ends_at: datetime, department: Department | None = None
) -> dict[str, Any]:
    """Put a member on duty. Refuses a time that is over, too long or too far, and somebody who cannot be paged."""
    work.require(Permission.EDIT_ROSTER)
    member = _able(members.find(work, words))
    if ends_at <= starts_at:
        raise BadInput("oncall.backwards")
    if ends_at <= work.now:
        raise BadInput("oncall.past")
    if ends_at - starts_at > LONGEST or starts_at > work.now + AHEAD:
        raise BadInput("oncall.too_long", most={"$span": int(LONGEST.total_seconds())})
    shift = Shift(
        member_id=member.id, department=department, starts_at=starts_at, ends_at=ends_at,
        set_by=work.actor.name[:200], created_at=work.now,
    )  # fmt: skip
    work.session.add(shift)
    work.session.flush()
    _changed(work, "oncall.set", shift)
    return _facts(work, shift, member)


def swap(work: Work, shift_id: int, words: str) -> dict[str, Any]:
    """Give a shift that is not over to somebody else."""
    work.require(Permission.EDIT_ROSTER)
    shift, member = _hold(work, shift_id), _able(members.find(work, words))
    was, shift.member_id = shift.member_id, member.id
    _changed(work, "oncall.swapped", shift, was=was)
    return _facts(work, shift, member)


def clear(work: Work, shift_id: int) -> dict[str, Any]:
    """Take a shift that is not over off the roster; one that runs ends now, so that the past stays as it was."""
    work.require(Permission.EDIT_ROSTER)
    shift = _hold(work, shift_id)
    gone = _facts(work, shift, work.session.get_one(Member, shift.member_id))
    _changed(work, "oncall.cleared", shift)
    if shift.starts_at < work.now:
        shift.ends_at = work.now
    else:
        work.session.delete(shift)
    return gone


def _coming(work: Work) -> Select[Shift, Member]:
    return (
        select(Shift, Member)
        .join(Member, Member.id == Shift.member_id)
        .where(Shift.ends_at > work.now, Member.active.is_(True))
        .order_by(Shift.starts_at, Shift.id)
    )


def _hold(work: Work, shift_id: int) -> Shift:
    shift = work.lock(Shift, shift_id)
    if shift is None or shift.ends_at <= work.now:
        raise NotFound("oncall.unknown", number=shift_id)
    return shift


def _able(member: Member) -> Member:
    if not member.active or member.role not in _DUTY:
        raise Refusal("oncall.cannot", member=member.name)
    return member


def _changed(work: Work, action: str, shift: Shift, **more: Any) -> None:
    audit.record(
        work, action, f"member:{shift.member_id}", shift=shift.id, starts_at=shift.starts_at.isoformat(),
        ends_at=shift.ends_at.isoformat(), **more,
    )  # fmt: skip
    work.wake("live.oncall")


def _facts(work: Work, shift: Shift, member: Member) -> dict[str, Any]:
    return {
        "id": shift.id,
        "member_id": member.id,
        "name": member.name,
        "department": shift.department.value if shift.department else None,
        "starts_at": shift.starts_at.isoformat(),
        "ends_at": shift.ends_at.isoformat(),
        "now": shift.starts_at <= work.now < shift.ends_at,
    }
