"""The chats in which the team works: registered by an admin, moved when a group grows, lost when the bot is put out."""

from __future__ import annotations

from sqlalchemy import or_, select

from desk import audit, cards
from desk.work import Work
from models.access import Permission
from models.audit import Meta
from models.errors import BadInput
from models.languages import LANGUAGES
from models.team import TeamChat

TOPIC = "live.team_chats"
"""Announced when the list of chats, or who may do what in them, has changed."""
_BOT_NAME = "team_bot_name"


def active(work: Work) -> list[TeamChat]:
    """Where cards and notices are posted, oldest first. None while the door is off."""
    if not work.house.team_bot:
        return []
    query = select(TeamChat).where(TeamChat.account == work.house.team_bot, TeamChat.active.is_(True))
    return list(work.session.scalars(query.order_by(TeamChat.id)))


def at(work: Work, address: str) -> TeamChat | None:
    """The active chat behind an address: that very topic if it is registered, else any of the same group."""
    chat_id, _, topic = address.partition("/")
    found = [chat for chat in active(work) if chat.chat_id == chat_id]
    return next((chat for chat in found if chat.topic == topic), found[0] if found else None)


def register(work: Work, address: str, *, title: str, language: str = "") -> TeamChat:
    """The team works here from now on; said again, it renews the title and the language."""
    work.require(Permission.MANAGE_TEAM)
    if language and language not in LANGUAGES:
        raise BadInput("team.bad_language", language=language[:20], languages=", ".join(LANGUAGES))
    chat = _row(work, address) or _new(work, address)
    chat.title = title.strip()[:200] or chat.title
    chat.language = language or chat.language
    chat.active = True
    work.session.flush()
    cards.welcome(work, chat)
    audit.record(work, "team_chat.registered", f"team_chat:{chat.id}", address=address, language=chat.language)
    work.wake(TOPIC)
    return chat


def ensure(work: Work, address: str) -> None:
    """The group that the settings name: known from the first start on. What happened to it later stands."""
    chat_id = address.partition("/")[0]
    known = select(TeamChat.id).where(
        TeamChat.account == work.house.team_bot, or_(TeamChat.chat_id == chat_id, TeamChat.former_id == chat_id)
    )
    if work.house.team_bot and work.session.scalar(known.limit(1)) is None:
        chat = _new(work, address)
        cards.welcome(work, chat)
        audit.record(work, "team_chat.registered", f"team_chat:{chat.id}", address=address)
        work.wake(TOPIC)


def leave(work: Work, address: str) -> bool:
    """An admin says that the team does not work here any more; tells whether it did."""
    work.require(Permission.MANAGE_TEAM)
    chat = _row(work, address)
    if chat is None or not chat.active:
        return False
    chat.active = False
    audit.record(work, "team_chat.left", f"team_chat:{chat.id}", address=address)
    work.wake(TOPIC)
    return True


def moved(work: Work, before: str, now: str) -> None:
    """A group became a supergroup: its number changed, and its topics' with it."""
    old, new = before.partition("/")[0], now.partition("/")[0]
    for chat in _of_group(work, old):
        twin = _row(work, f"{new}/{chat.topic}" if chat.topic else new)
        if twin is not None:  # the new number was registered before we heard of the move
            chat.active = False
            continue
        chat.former_id, chat.chat_id = old, new
        cards.moved(work, chat)
        audit.record(work, "team_chat.moved", f"team_chat:{chat.id}", was=old, now=new)
    work.wake(TOPIC)


def close(work: Work, address: str) -> list[TeamChat]:
    """The bot is not in that group any more: nothing is posted there. Gives what was lost."""
    lost = [chat for chat in _of_group(work, address.partition("/")[0]) if chat.active]
    for chat in lost:
        chat.active = False
        audit.record(work, "team_chat.lost", f"team_chat:{chat.id}", address=chat.address)
    if lost:
        work.wake(TOPIC)
    return lost


def reopen(work: Work, address: str) -> list[TeamChat]:
    """The bot is back in a group that was the team's."""
    back = [chat for chat in _of_group(work, address.partition("/")[0]) if not chat.active]
    for chat in back:
        chat.active = True
        cards.welcome(work, chat)
        audit.record(work, "team_chat.back", f"team_chat:{chat.id}", address=chat.address)
    if back:
        work.wake(TOPIC)
    return back


def bot_name(work: Work) -> str | None:
    """The name of the team's bot, by which a link leads to it; None until it was heard once."""
    return work.session.scalar(select(Meta.value).where(Meta.key == _BOT_NAME))


def keep_bot_name(work: Work, name: str) -> None:
    """What the bot is called, for processes that do not talk to Telegram."""
    row = work.session.get(Meta, _BOT_NAME)
    if row is None:
        work.session.add(Meta(key=_BOT_NAME, value=name))
    elif row.value != name:
        row.value = name


def _row(work: Work, address: str) -> TeamChat | None:
    chat_id, _, topic = address.partition("/")
    return work.session.scalar(
        select(TeamChat).where(
            TeamChat.account == work.house.team_bot, TeamChat.chat_id == chat_id, TeamChat.topic == topic
        )
    )


def _of_group(work: Work, chat_id: str) -> list[TeamChat]:
    """The group's chats, locked: Telegram tells of a move twice, and both are heard at the same time."""
    query = select(TeamChat).where(TeamChat.account == work.house.team_bot, TeamChat.chat_id == chat_id)
    query = query.order_by(TeamChat.id)
    return list(work.session.scalars(query.with_for_update() if work.postgresql else query))


def _new(work: Work, address: str) -> TeamChat:
    chat_id, _, topic = address.partition("/")
    chat = TeamChat(account=work.house.team_bot, chat_id=chat_id, topic=topic, created_at=work.now)
    work.session.add(chat)
    work.session.flush()
    return chat
