"""What whoever manages the team does to its members: enrol, change, deactivate, link, end. History stays."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from desk import audit, member_links, members, second_factor, sessions, team_chats
from desk.work import Work
from models.access import Department, Permission, Role
from models.charger import Fleet
from models.errors import BadInput, NotFound, Refusal
from models.member import ApiToken, Member, MemberDepartment, MemberIdentity, MemberIdentityKind
from models.phone import e164
from models.session import MemberSession

FLEETS = 500
LINK_LIVES = member_links.LIFE


@dataclass(frozen=True)
class Card:
    """A member in the list of the team."""

    member: Member
    departments: tuple[Department, ...]
    identities: tuple[MemberIdentity, ...]
    seen_at: datetime | None


def page(work: Work, *, limit: int, after: int | None = None, active: bool = True) -> list[Card]:
    """Members by name, after the member `after`."""
    work.require(Permission.MANAGE_TEAM)
    query = select(Member).where(Member.active.is_(active)).order_by(Member.name, Member.id).limit(limit)
    if after is not None and (last := work.session.get(Member, after)) is not None:
        query = query.where((Member.name > last.name) | ((Member.name == last.name) & (Member.id > last.id)))
    return _cards(work, list(work.session.scalars(query)))


def card(work: Work, member_id: int) -> dict[str, Any]:
    """Everything about one member."""
    work.require(Permission.MANAGE_TEAM)
    member = members.get(work, member_id)
    factor = second_factor.get(work, member_id)
    tokens = work.session.scalar(
        select(func.count()).where(ApiToken.member_id == member_id, ApiToken.revoked_at.is_(None))
    )
    return {
        "card": _cards(work, [member])[0],
        "fleet": work.session.get(Fleet, member.fleet_id) if member.fleet_id else None,
        "sessions": sessions.open_of(work, member_id),
        "tokens": tokens or 0,
        "second_step": factor is not None and factor.confirmed,
        "bot": team_chats.bot_name(work) if work.house.team_bot else None,
        "yourself": work.actor.member_id == member_id,
        "history": audit.about(work, f"member:{member_id}", limit=10) if work.actor.may(Permission.VIEW_AUDIT) else [],
    }


def fleets(work: Work) -> list[Fleet]:
    """Those that an operator of chargers can be given."""
    work.require(Permission.MANAGE_TEAM)
    return list(work.session.scalars(select(Fleet).order_by(Fleet.name).limit(FLEETS)))


def add(
    work: Work, *, email: str, name: str, role: Role, departments: Iterable[Department], fleet_id: int | None,
    whatsapp: str, language: str, hashed: str,
) -> Member:  # fmt: skip
    """Enrol somebody with a temporary password, hashed already, which they must change."""
    number = _number(work, whatsapp) if whatsapp else None
    member = members.add(
        work, email=email, name=name, role=role, departments=departments, whatsapp=number, language=language,
        fleet_id=_fleet(work, role, fleet_id),
    )  # fmt: skip
    member.password_hash, member.must_change_password = hashed, True
    return member


def change(
    work: Work, member_id: int, *, name: str, role: Role, departments: Collection[Department], fleet_id: int | None
) -> Member:
    """A member's name, role and departments. A new role or fleet ends their sessions."""
    work.require(Permission.MANAGE_TEAM)
    member = _lock(work, member_id)
    fleet_id = _fleet(work, role, fleet_id)
    if member.role is Role.ADMIN and role is not Role.ADMIN:
        _another_admin(work, member)
    before = {"name": member.name, "role": member.role.value, "departments": _departments(work, member_id)}
    moved = (member.role, member.fleet_id) != (role, fleet_id)
    member.name, member.role, member.fleet_id = name, role, fleet_id
    work.session.execute(delete(MemberDepartment).where(MemberDepartment.member_id == member_id))
    work.session.add_all(MemberDepartment(member_id=member_id, department=one) for one in dict.fromkeys(departments))
    work.session.flush()
    if moved:
        sessions.end_all(work, member_id)
    after = {"name": name, "role": role.value, "departments": _departments(work, member_id)}
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    audit.record(work, "member.changed", f"member:{member_id}", **changed)
    return member


def deactivate(work: Work, member_id: int) -> Member:
    """No door opens for them any more; everything they did stays on record."""
    work.require(Permission.MANAGE_TEAM)
    member = _lock(work, member_id)
    if work.actor.member_id == member_id:
        raise Refusal("team.not_yourself")
    if member.role is Role.ADMIN:
        _another_admin(work, member)
    members.disable(work, member)
    return member


def reactivate(work: Work, member_id: int, hashed: str) -> Member:
    """They are back, with a temporary password; numbers and tokens are linked anew."""
    work.require(Permission.MANAGE_TEAM)
    member = _lock(work, member_id)
    member.active = True
    _temporary(member, hashed)
    audit.record(work, "member.reactivated", f"member:{member_id}")
    return member


def new_password(work: Work, member_id: int, hashed: str) -> Member:
    """A temporary password in place of the one they have; every session ends."""
    work.require(Permission.MANAGE_TEAM)
    member = _active(work, member_id)
    _temporary(member, hashed)
    sessions.end_all(work, member_id)
    audit.record(work, "member.password", f"member:{member_id}", by="admin")
    return member


def reset_second_step(work: Work, member_id: int) -> None:
    """For somebody who lost their authenticator; whoever held it is signed out too."""
    work.require(Permission.MANAGE_TEAM)
    if not second_factor.remove(work, _active(work, member_id).id):
        raise Refusal("second_factor.is_off")
    sessions.end_all(work, member_id)


def end_sessions(work: Work, member_id: int) -> int:
    """Sign a member out everywhere."""
    work.require(Permission.MANAGE_TEAM)
    ended = sessions.end_all(work, members.get(work, member_id).id)
    audit.record(work, "session.ended", f"member:{member_id}", count=ended)
    return ended


def revoke_tokens(work: Work, member_id: int) -> int:
    """None of their API tokens opens anything any more."""
    work.require(Permission.MANAGE_TEAM)
    gone = work.session.scalars(
        update(ApiToken)
        .where(ApiToken.member_id == members.get(work, member_id).id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .returning(ApiToken.id)
    ).all()
    audit.record(work, "token.revoked", f"member:{member_id}", count=len(gone))
    return len(gone)


def link_whatsapp(work: Work, member_id: int, number: str) -> None:
    """Commands from that number act as this member."""
    member = _active(work, member_id)
    members.enrol(work, member, MemberIdentityKind.WHATSAPP, _number(work, number))


def telegram_link(work: Work, member_id: int) -> str:
    """The deep link with which a member ties their Telegram account; good once."""
    work.require(Permission.MANAGE_TEAM)
    name = team_chats.bot_name(work) if work.house.team_bot else None
    if not name:
        raise Refusal("team.telegram_off")
    return member_links.deep_link(name, member_links.create_link(work, _active(work, member_id)))


def unlink(work: Work, member_id: int, identity_id: int) -> None:
    """A number or account acts as this member no more."""
    work.require(Permission.MANAGE_TEAM)
    row = work.session.get(MemberIdentity, identity_id)
    if row is None or row.member_id != member_id:
        raise NotFound("team.identity_unknown")
    work.session.delete(row)
    audit.record(work, "member.unlinked", f"member:{member_id}", kind=row.kind.value, account=row.value)


def _cards(work: Work, found: list[Member]) -> list[Card]:
    ids = [member.id for member in found]
    departments: dict[int, list[Department]] = {}
    for row in work.session.scalars(select(MemberDepartment).where(MemberDepartment.member_id.in_(ids))):
        departments.setdefault(row.member_id, []).append(row.department)
    identities: dict[int, list[MemberIdentity]] = {}
    for known in work.session.scalars(
        select(MemberIdentity).where(MemberIdentity.member_id.in_(ids)).order_by(MemberIdentity.id)
    ):
        identities.setdefault(known.member_id, []).append(known)
    latest = work.session.execute(
        select(MemberSession.member_id, func.max(MemberSession.last_seen_at))
        .where(MemberSession.member_id.in_(ids))
        .group_by(MemberSession.member_id)
    )
    seen: dict[int, datetime] = {member_id: at for member_id, at in latest}  # noqa: C416 - a result is no mapping
    return [
        Card(one, tuple(sorted(departments.get(one.id, []))), tuple(identities.get(one.id, [])), seen.get(one.id))
        for one in found
    ]


def _lock(work: Work, member_id: int) -> Member:
    member = work.lock(Member, member_id)
    if member is None:
        raise NotFound("member.unknown", member=member_id)
    return member


def _active(work: Work, member_id: int) -> Member:
    member = _lock(work, member_id)
    if not member.active:
        raise Refusal("team.inactive", name=member.name)
    return member


def _temporary(member: Member, hashed: str) -> None:
    member.password_hash, member.must_change_password = hashed, True


def _another_admin(work: Work, member: Member) -> None:
    """Somebody must remain who can manage the team. The admins' rows are locked, so that two cannot both leave."""
    query = select(Member.id).where(Member.role == Role.ADMIN, Member.active.is_(True)).order_by(Member.id)
    if work.postgresql:
        query = query.with_for_update()
    if member.active and not [key for key in work.session.scalars(query) if key != member.id]:
        raise Refusal("team.last_admin")


def _departments(work: Work, member_id: int) -> list[str]:
    query = select(MemberDepartment.department).where(MemberDepartment.member_id == member_id)
    return sorted(department.value for department in work.session.scalars(query))


def _fleet(work: Work, role: Role, fleet_id: int | None) -> int | None:
    """Only an operator of chargers has a fleet, and must have one."""
    if role is not Role.CPO:
        return None
    if fleet_id is None:
        raise BadInput("team.fleet_needed")
    if work.session.get(Fleet, fleet_id) is None:
        raise BadInput("team.fleet_unknown")
    return fleet_id


def _number(work: Work, text: str) -> str:
    number = e164(text, work.house.region)
    if number is None:
        raise BadInput("team.whatsapp_wrong", number=text[:40])
    return number
