"""How a member ties an account of theirs to themselves: a code, good once and for a day."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from sqlalchemy import delete, select, update

from desk import audit, members, team_chats
from desk.work import Work
from models.access import Permission
from models.errors import Refusal
from models.member import Member, MemberIdentity, MemberIdentityKind
from models.team import MemberLink

LIFE = timedelta(hours=24)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_TYPED = 8
"""Letters of a code that is typed: 40 bits, so that nobody guesses one within its day."""
_LINE = re.compile(rf"\s*LINK[\s:]+([{_LETTERS}]{{4}})[\s-]?([{_LETTERS}]{{4}})\s*", re.IGNORECASE)


def create_link(work: Work, member: Member, kind: MemberIdentityKind = MemberIdentityKind.TELEGRAM) -> str:
    """A new code for a member; earlier ones of the same kind are void. The member may, and who manages the team.

    For Telegram it goes into the deep link (`deep_link`); for WhatsApp the member writes `LINK <code>` to our number.
    """
    if work.actor.member_id != member.id:
        work.require(Permission.MANAGE_TEAM)
    if not member.active:
        raise Refusal("member.inactive", name=member.name)
    work.session.execute(
        update(MemberLink)
        .where(MemberLink.member_id == member.id, MemberLink.kind == kind, MemberLink.used_at.is_(None))
        .values(expires_at=work.now)
    )
    code = _typed_code() if kind is MemberIdentityKind.WHATSAPP else secrets.token_urlsafe(24)
    work.session.add(
        MemberLink(
            member_id=member.id, kind=kind, digest=_digest(code), expires_at=work.now + LIFE,
            created_by=work.actor.name[:200], created_at=work.now,
        )
    )  # fmt: skip
    audit.record(work, "member.link_created", f"member:{member.id}", kind=kind.value)
    return code


def deep_link(bot_name: str, code: str) -> str:
    """The address that opens the team's bot with the code in hand."""
    return f"https://t.me/{bot_name}?start={code}"


def typed(text: str) -> str | None:
    """The code in `LINK ABCD-EFGH`; None where a text is something else."""
    found = _LINE.fullmatch(text)
    return (found[1] + found[2]).upper() if found else None


def use_link(
    work: Work, code: str, account: str, name: str = "", *, kind: MemberIdentityKind = MemberIdentityKind.TELEGRAM
) -> Member:  # fmt: skip
    """Tie `account` (a Telegram id, an E.164 number) to the member whom the code was made for.

    Refuses an unknown, used or old code, a member who left, and an account that is tied to somebody. Another account
    of the same kind that the member had is let go.
    """
    found = work.session.scalar(
        select(MemberLink.id).where(MemberLink.digest == _digest(code), MemberLink.kind == kind)
    )
    link = work.lock(MemberLink, found) if found is not None else None
    if link is None:
        raise Refusal("link.unknown")
    if link.used_at is not None:
        raise Refusal("link.used")
    if link.expires_at <= work.now:
        raise Refusal("link.expired")
    member = work.session.get_one(Member, link.member_id)
    if not member.active:
        raise Refusal("link.unknown")
    if (owner := members.by_identity(work, kind, account)) is not None:
        raise Refusal("link.already", name=owner.name)
    link.used_at = work.now
    _tie(work, member, kind, account, name)
    return member


def _tie(work: Work, member: Member, kind: MemberIdentityKind, account: str, name: str) -> None:
    work.session.execute(
        delete(MemberIdentity).where(
            MemberIdentity.kind == kind, (MemberIdentity.member_id == member.id) | (MemberIdentity.value == account)
        )
    )
    work.session.add(
        MemberIdentity(member_id=member.id, kind=kind, value=account, last_inbound_at=work.now, created_at=work.now)
    )
    work.session.flush()
    own = work.acting_as(members.actor(work, member))
    audit.record(own, "member.linked", f"member:{member.id}", kind=kind.value, account=account, name=name[:200])
    work.wake(team_chats.TOPIC)


def _typed_code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_TYPED))


def _digest(code: str) -> str:
    return members.digest(code)
