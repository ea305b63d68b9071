"""Sessions of the console: begun, seen, ended. What a browser holds is random; what is kept is its digest."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from desk.work import Work
from models.member import Member
from models.session import MemberSession

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)
SHOWN = 50


@dataclass(frozen=True)
class Session:
    """A session that holds, and what its cookie's digest is."""

    id: int
    digest: str
    seen_at: datetime


def digest(token: str) -> str:
    """What is kept of the id in a cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(work: Work, member: Member, *, agent: str, ip: str) -> str:
    """A new session; gives the id for the cookie, which is never kept."""
    token = secrets.token_urlsafe(32)
    work.session.add(
        MemberSession(
            digest=digest(token), member_id=member.id, created_at=work.now, last_seen_at=work.now,
            expires_at=work.now + LONGEST, agent=agent[:80], ip=ip[:45],
        )
    )  # fmt: skip
    return token


def find(work: Work, token: str) -> tuple[Session, Member] | None:
    """The session of a cookie, where it still holds and its member is still here. Only reads."""
    row = work.session.execute(
        select(MemberSession, Member)
        .join(Member, Member.id == MemberSession.member_id)
        .where(MemberSession.digest == digest(token), Member.active.is_(True), *_holds(work))
    ).first()
    return (Session(row[0].id, row[0].digest, row[0].last_seen_at), row[1]) if row is not None else None


def holds(work: Work, session_id: int) -> bool:
    """Whether a session still holds."""
    return (
        work.session.scalar(select(MemberSession.id).where(MemberSession.id == session_id, *_holds(work))) is not None
    )


def seen(work: Work, session_id: int) -> None:
    """A member did something; noted at most once in SEEN_EVERY."""
    work.session.execute(
        update(MemberSession)
        .where(MemberSession.id == session_id, MemberSession.last_seen_at <= work.now - SEEN_EVERY)
        .values(last_seen_at=work.now)
    )


def open_of(work: Work, member_id: int) -> list[MemberSession]:
    """A member's sessions that hold, the latest used first."""
    return list(
        work.session.scalars(
            select(MemberSession)
            .where(MemberSession.member_id == member_id, *_holds(work))
            .order_by(MemberSession.last_seen_at.desc(), MemberSession.id.desc())
            .limit(SHOWN)
        )
    )


def end(work: Work, member_id: int, session_id: int) -> bool:
    """End one session of a member; False where it was not theirs or had ended."""
    return bool(_end(work, MemberSession.member_id == member_id, MemberSession.id == session_id))


def end_all(work: Work, member_id: int, *, but: int | None = None) -> int:
    """End every session of a member, but perhaps the one they sit at; tells how many."""
    return len(_end(work, MemberSession.member_id == member_id, MemberSession.id != (but or 0)))


def _end(work: Work, *which: ColumnElement[bool]) -> list[int]:
    ended = work.session.scalars(
        update(MemberSession)
        .where(MemberSession.revoked_at.is_(None), *which)
        .values(revoked_at=work.now)
        .returning(MemberSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    for session_id in ended:
        work.wake(f"session.{session_id}.ended")
    return list(ended)


def _holds(work: Work) -> tuple[ColumnElement[bool], ...]:
    return (
        MemberSession.revoked_at.is_(None),
        MemberSession.expires_at > work.now,
        MemberSession.last_seen_at > work.now - IDLE,
    )
