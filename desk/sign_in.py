"""Signing in to the console: who may try, who is let in, and as whom a cookie acts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from desk import audit, members, second_factor, sessions
from desk.sessions import Session
from desk.work import Work
from models.access import Actor, ActorKind
from models.address import household
from models.errors import Refusal
from models.member import Member
from models.session import SignInTry

WINDOW = timedelta(minutes=15)
TRIES = 5
"""Wrong tries for one email from one address in WINDOW."""
TRIES_EACH = 20
"""Wrong tries for one email from everywhere, or from one address for everybody: an office shares an address."""
LONGEST_EMAIL = 200

STRANGER = Actor(ActorKind.CONTACT, "0", "Somebody at the sign-in page")


@dataclass(frozen=True)
class Knock:
    """A try that may go on: its row, and what the password is checked against (None: nobody has that email)."""

    id: int
    member_id: int | None
    password_hash: str | None


@dataclass(frozen=True)
class Visitor:
    """A member who is signed in."""

    session: Session
    actor: Actor
    id: int
    name: str
    email: str
    language: str
    timezone: str | None
    must_change_password: bool


def knock(work: Work, email: str, ip: str) -> Knock:
    """Somebody gives an email and a password. Refuses whoever was wrong too often; never says who exists."""
    email, ip = _clean(email), household(ip)
    _mind(work, email, ip)
    attempt = SignInTry(email=email, ip=ip, at=work.now)
    work.session.add(attempt)
    work.session.flush()
    member = work.session.scalar(select(Member).where(Member.email == email, Member.active.is_(True)))
    return Knock(attempt.id, member.id if member else None, member.password_hash if member else None)


def wrong(work: Work, knock_id: int) -> None:
    """It was not the password, or not the code."""
    attempt = work.session.get_one(SignInTry, knock_id)
    member_id = work.session.scalar(select(Member.id).where(Member.email == attempt.email))
    audit.record(work, "sign_in.wrong", f"member:{member_id or '?'}", ip=attempt.ip)


def right(work: Work, knock_id: int, member_id: int, *, agent: str, ip: str) -> str | None:
    """The password fits: gives the id for the cookie, or None where a code is asked for as well."""
    work.session.get_one(SignInTry, knock_id).fits = True
    if second_factor.is_on(work, member_id):
        return None
    return _enter(work, members.get(work, member_id), agent=agent, ip=ip, way="password")


def proved(work: Work, knock_id: int) -> None:
    """The password was given once more, by a member who is signed in, and it fits."""
    work.session.get_one(SignInTry, knock_id).fits = True


def knock_with_code(work: Work, member_id: int, ip: str) -> Knock:
    """The password was right a moment ago; now comes a code, with tries of its own."""
    member = members.get(work, member_id)
    email, ip = f"code:{member.id}", household(ip)
    _mind(work, email, ip)
    attempt = SignInTry(email=email, ip=ip, at=work.now)
    work.session.add(attempt)
    work.session.flush()
    return Knock(attempt.id, member.id, None)


def right_code(work: Work, knock_id: int, member_id: int, *, agent: str, ip: str, way: str) -> str:
    """The code fits; gives the id for the cookie."""
    work.session.get_one(SignInTry, knock_id).fits = True
    return _enter(work, members.get(work, member_id), agent=agent, ip=ip, way=way)


def _enter(work: Work, member: Member, *, agent: str, ip: str, way: str) -> str:
    if not member.active:
        raise Refusal("sign_in.wrong")
    token = sessions.begin(work, member, agent=agent, ip=ip)
    audit.record(work.acting_as(members.actor(work, member)), "sign_in.ok", f"member:{member.id}", ip=ip, way=way)
    return token


def visitor(work: Work, token: str) -> Visitor | None:
    """As whom a cookie acts; None where its session is over. Only reads."""
    found = sessions.find(work, token)
    if found is None:
        return None
    session, member = found
    return Visitor(
        session, members.actor(work, member), member.id, member.name, member.email, member.language, member.timezone,
        member.must_change_password,
    )  # fmt: skip


def leave(work: Work, member_id: int, session_id: int) -> None:
    """Sign out."""
    if sessions.end(work, member_id, session_id):
        audit.record(work, "sign_in.out", f"member:{member_id}")


def _mind(work: Work, email: str, ip: str) -> None:
    """Refuse whoever was wrong too often of late, and say how long to wait."""
    limits = ((TRIES, (SignInTry.email == email, SignInTry.ip == ip)), (TRIES_EACH, (SignInTry.email == email,)),
              (TRIES_EACH, (SignInTry.ip == ip,)))  # fmt: skip
    for most, which in limits:
        count, oldest = work.session.execute(
            select(func.count(), func.min(SignInTry.at)).where(
                SignInTry.at > work.now - WINDOW, SignInTry.fits.is_(False), *which
            )
        ).one()
        if count >= most:
            raise Refusal("sign_in.wait", after={"$span": _left_s(work, oldest)})


def _left_s(work: Work, oldest: datetime) -> int:
    """Whole minutes, so that the sentence tells nothing finer."""
    left = (oldest + WINDOW - work.now).total_seconds()
    return max(math.ceil(left / 60), 1) * 60


def limited(work: Work, email: str, ip: str) -> None:
    """Somebody was told to wait."""
    member_id = work.session.scalar(select(Member.id).where(Member.email == _clean(email)))
    audit.record(work, "sign_in.limited", f"member:{member_id or '?'}", ip=ip[:45])


def _clean(email: str) -> str:
    return email.strip().lower()[:LONGEST_EMAIL]
