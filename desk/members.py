"""Members of the team: enrolment, what a door knows them by, and the actor they act as."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, update

from desk import audit, sessions
from desk.work import Work
from models.access import Actor, ActorKind, Department, Permission, Role
from models.errors import BadInput, NotFound, Refusal
from models.member import ApiToken, Member, MemberDepartment, MemberIdentity, MemberIdentityKind

_hasher = PasswordHasher()
TOKEN_SEEN_EVERY_S = 60
MIN_PASSWORD = 10


def add(
    work: Work, *, email: str, name: str, role: Role, departments: Iterable[Department] = (),
    whatsapp: str | None = None, telegram_id: int | None = None, password: str | None = None,
    fleet_id: int | None = None, language: str = "en",
) -> Member:  # fmt: skip
    """Enrol somebody. Refuses an email, number or account that somebody else has."""
    work.require(Permission.MANAGE_TEAM)
    email = email.strip().lower()
    if "@" not in email or len(email) > 200:
        raise BadInput("member.bad_email", email=email)
    if work.session.scalar(select(Member.id).where(Member.email == email)) is not None:
        raise Refusal("member.email_taken", email=email)
    member = Member(
        email=email, name=name.strip()[:200], role=role, language=language, fleet_id=fleet_id, created_at=work.now,
        password_hash=hash_password(password) if password is not None else None,
    )  # fmt: skip
    work.session.add(member)
    work.session.flush()
    for department in dict.fromkeys(departments):
        work.session.add(MemberDepartment(member_id=member.id, department=department))
    if whatsapp:
        enrol(work, member, MemberIdentityKind.WHATSAPP, whatsapp)
    if telegram_id is not None:
        enrol(work, member, MemberIdentityKind.TELEGRAM, str(telegram_id))
    work.session.flush()
    audit.record(work, "member.added", f"member:{member.id}", role=role.value)
    return member


def enrol(work: Work, member: Member, kind: MemberIdentityKind, value: str) -> MemberIdentity:
    """Tie a number or account to a member."""
    work.require(Permission.MANAGE_TEAM)
    taken = work.session.scalar(
        select(MemberIdentity).where(MemberIdentity.kind == kind, MemberIdentity.value == value)
    )
    if taken is not None:
        raise Refusal("member.identity_taken", kind=kind.value)
    row = MemberIdentity(member_id=member.id, kind=kind, value=value, created_at=work.now)
    work.session.add(row)
    audit.record(work, "member.enrolled", f"member:{member.id}", kind=kind.value)
    return row


def get(work: Work, key: str | int) -> Member:
    """A member by email or key."""
    query = select(Member).where(Member.id == key if isinstance(key, int) else Member.email == key.strip().lower())
    member = work.session.scalar(query)
    if member is None:
        raise NotFound("member.unknown", member=key)
    return member


def find(work: Work, words: str) -> Member:
    """A member by email, key or the beginning of a name; refuses when several fit."""
    words = words.strip().lstrip("@")
    if words.isdigit():
        return get(work, int(words))
    if "@" in words:
        return get(work, words)
    fitting = [
        member
        for member in work.session.scalars(select(Member).where(Member.active.is_(True)))
        if member.name.lower().startswith(words.lower()) or member.email.split("@")[0] == words.lower()
    ]
    if not fitting:
        raise NotFound("member.unknown", member=words)
    if len(fitting) > 1:
        raise Refusal("member.several", member=words, names=", ".join(member.name for member in fitting[:5]))
    return fitting[0]


def actor(work: Work, member: Member) -> Actor:
    """As whom a member acts."""
    departments = work.session.scalars(
        select(MemberDepartment.department).where(MemberDepartment.member_id == member.id)
    )
    return Actor(
        ActorKind.MEMBER, str(member.id), member.name, role=member.role, departments=frozenset(departments),
        fleet_id=member.fleet_id,
    )  # fmt: skip


def by_whatsapp(work: Work, e164: str) -> Member | None:
    """The active member with that enrolled number."""
    return by_identity(work, MemberIdentityKind.WHATSAPP, e164)


def by_identity(work: Work, kind: MemberIdentityKind, value: str) -> Member | None:
    """The active member with that enrolled number or account."""
    return work.session.scalar(
        select(Member)
        .join(MemberIdentity, MemberIdentity.member_id == Member.id)
        .where(MemberIdentity.kind == kind, MemberIdentity.value == value, Member.active.is_(True))
    )


def heard_from(work: Work, kind: MemberIdentityKind, value: str) -> None:
    """A member wrote from an enrolled number: free text to it is open for a day."""
    work.session.execute(
        update(MemberIdentity)
        .where(MemberIdentity.kind == kind, MemberIdentity.value == value)
        .values(last_inbound_at=work.now)
    )


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(work: Work, member: Member, label: str = "") -> str:
    """A new API token for somebody of the team."""
    work.require(Permission.MANAGE_TEAM)
    return new_token(work, member, label)


def new_token(work: Work, member: Member, label: str = "") -> str:
    """A new API token; shown once, only its digest is kept. Who may is the caller's to ask."""
    token = "cht_" + secrets.token_urlsafe(32)
    work.session.add(ApiToken(member_id=member.id, digest=digest(token), label=label[:80], created_at=work.now))
    audit.record(work, "token.created", f"member:{member.id}", label=label)
    return token


def by_token(work: Work, token: str) -> Actor | None:
    """As whom a token acts; None for unknown, revoked ones and members who left. Only reads."""
    row = work.session.execute(
        select(ApiToken, Member)
        .join(Member, Member.id == ApiToken.member_id)
        .where(ApiToken.digest == digest(token), ApiToken.revoked_at.is_(None), Member.active.is_(True))
    ).first()
    return actor(work, row[1]) if row is not None else None


def token_used(work: Work, token: str) -> None:
    """Note when a token was last used, at most once a minute."""
    work.session.execute(
        update(ApiToken)
        .where(
            ApiToken.digest == digest(token),
            (ApiToken.last_used_at.is_(None))
            | (ApiToken.last_used_at < work.now - timedelta(seconds=TOKEN_SEEN_EVERY_S)),
        )
        .values(last_used_at=work.now)
    )


def hash_password(password: str) -> str:
    """Argon2id; refuses a short one."""
    if len(password) < MIN_PASSWORD:
        raise BadInput("member.short_password", least=MIN_PASSWORD)
    return _hasher.hash(password)


def password_fits(member: Member, password: str) -> bool:
    """Whether a password is the member's."""
    if member.password_hash is None:
        return False
    try:
        return _hasher.verify(member.password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def set_password(work: Work, member: Member, password: str) -> None:
    """Give a member a new password; they sign in again with it."""
    work.require(Permission.MANAGE_TEAM)
    member.password_hash = hash_password(password)
    sessions.end_all(work, member.id)
    audit.record(work, "member.password", f"member:{member.id}")


def disable(work: Work, member: Member) -> None:
    """A member leaves: no door opens any more; history stays."""
    work.require(Permission.MANAGE_TEAM)
    member.active = False
    sessions.end_all(work, member.id)
    work.session.execute(delete(MemberIdentity).where(MemberIdentity.member_id == member.id))
    work.session.execute(
        update(ApiToken)
        .where(ApiToken.member_id == member.id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=work.now)
    )
    audit.record(work, "member.disabled", f"member:{member.id}")


def identity(work: Work, kind: MemberIdentityKind, value: str) -> MemberIdentity | None:
    """An enrolled number or account."""
    return work.session.scalar(select(MemberIdentity).where(MemberIdentity.kind == kind, MemberIdentity.value == value))
