"""What a member may change about themselves, whatever their role."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select, update

from desk import audit, members, second_factor, sessions
from desk.work import Work
from models.errors import BadInput, NotFound, Refusal
from models.languages import LANGUAGES
from models.member import ApiToken, Member

TOKENS_SHOWN = 50


def speak(work: Work, language: str) -> None:
    """Be answered in another language."""
    if language not in LANGUAGES:
        raise BadInput("form.not_one_of", field="language")
    _me(work).language = language


def live_in(work: Work, timezone: str) -> None:
    """Be shown times in a zone; empty: the installation's."""
    if timezone and timezone not in available_timezones():
        raise BadInput("form.not_one_of", field="timezone")
    _me(work).timezone = timezone or None


def password_hash(work: Work) -> str | None:
    """What the present password is checked against, outside of a transaction."""
    return _me(work).password_hash


def change_password(work: Work, hashed: str, *, session_id: int) -> None:
    """A new password, hashed already; every other session ends."""
    member = _me(work)
    member.password_hash, member.must_change_password = hashed, False
    sessions.end_all(work, member.id, but=session_id)
    audit.record(work, "member.password", f"member:{member.id}", by="self")


def end_session(work: Work, session_id: int) -> None:
    """End one of one's own sessions."""
    member = _me(work)
    if not sessions.end(work, member.id, session_id):
        raise NotFound("me.session_unknown")
    audit.record(work, "session.ended", f"member:{member.id}", session=session_id)


def end_other_sessions(work: Work, session_id: int) -> int:
    """End all of one's sessions but the one at hand."""
    member = _me(work)
    ended = sessions.end_all(work, member.id, but=session_id)
    audit.record(work, "session.ended", f"member:{member.id}", count=ended)
    return ended


def tokens(work: Work) -> list[ApiToken]:
    """One's own API tokens that open."""
    query = select(ApiToken).where(ApiToken.member_id == _me(work).id, ApiToken.revoked_at.is_(None))
    return list(work.session.scalars(query.order_by(ApiToken.id.desc()).limit(TOKENS_SHOWN)))


def create_token(work: Work, label: str) -> str:
    """A new API token that acts as oneself, so it may no more than its owner."""
    member = _me(work)
    if len(tokens(work)) >= TOKENS_SHOWN:
        raise Refusal("me.too_many_tokens", most=TOKENS_SHOWN)
    return members.new_token(work, member, label)


def revoke_token(work: Work, token_id: int) -> None:
    """One of one's tokens opens nothing any more."""
    member = _me(work)
    gone = work.session.scalars(
        update(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.member_id == member.id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .returning(ApiToken.id)
    ).all()
    if not gone:
        raise NotFound("me.token_unknown")
    audit.record(work, "token.revoked", f"member:{member.id}", token=token_id)


def account(work: Work, session_id: int) -> dict[str, Any]:
    """Everything that a member's own page shows."""
    member = _me(work)
    factor = second_factor.get(work, member.id)
    return {
        "member": member,
        "departments": sorted(work.actor.departments),
        "sessions": [
            {"id": row.id, "agent": row.agent, "ip": row.ip, "seen_at": row.last_seen_at, "created_at": row.created_at,
             "here": row.id == session_id}
            for row in sessions.open_of(work, member.id)
        ],
        "tokens": tokens(work),
        "second_step": factor is not None and factor.confirmed,
        "recovery_left": factor.recovery_left if factor is not None else 0,
    }  # fmt: skip


def _me(work: Work) -> Member:
    member_id = work.actor.member_id
    if member_id is None:
        raise NotFound("member.unknown", member=work.actor.name)
    return members.get(work, member_id)
