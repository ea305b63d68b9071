"""Which commands Telegram should show to whom: by member, place and language."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from desk import members, team_chats
from desk.work import Work
from models.access import Actor
from models.member import Member, MemberIdentity, MemberIdentityKind


@dataclass(frozen=True)
class MenuPlace:
    """A linked member in a chat: the private one with the bot (`chat_id` None), or a group of the team."""

    user_id: str
    chat_id: str | None
    language: str
    actor: Actor


def places(work: Work) -> list[MenuPlace]:
    """Every linked, active member, alone with the bot and in each group."""
    rows = work.session.execute(
        select(Member, MemberIdentity.value)
        .join(MemberIdentity, MemberIdentity.member_id == Member.id)
        .where(Member.active.is_(True), MemberIdentity.kind == MemberIdentityKind.TELEGRAM)
        .order_by(Member.id)
    ).all()
    groups = {chat.chat_id: chat.language for chat in reversed(team_chats.active(work))}
    found: list[MenuPlace] = []
    for member, user_id in rows:
        actor = members.actor(work, member)
        found.append(MenuPlace(user_id, None, member.language, actor))
        found += [MenuPlace(user_id, chat_id, language, actor) for chat_id, language in groups.items()]
    return found
