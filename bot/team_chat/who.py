"""Who speaks in a team's chat, where, and about which message of ours; and what keeps somebody from being heard."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commands.parse import is_command
from desk import cards, members, team_chats, team_questions
from desk.work import Work
from models.access import Actor
from models.member import Member, MemberIdentityKind
from models.message import Heard, MessageKind
from models.team import TeamChat

PRIVATE = "private"
_SUFFIX = re.compile(r"\s*[/／]\s?\w{1,40}@(\w{1,64})")


@dataclass(frozen=True)
class Seen:
    """What is known of a message. `ref` is the ticket of the card that it answers or presses, `on_card` says that it
    is one; `asked`: it answers a question of ours."""

    group: bool
    member: Member | None
    actor: Actor | None
    chat: TeamChat | None
    language: str
    on_card: bool = False
    ref: str | None = None
    asked: bool = False

    @property
    def personal(self) -> str:
        """The language of what only this person sees."""
        return self.member.language if self.member is not None else self.language


def look(work: Work, heard: Heard) -> Seen:
    """Everything that is asked of the desk before anything is done."""
    group = heard.extra.get("chat_type") != PRIVATE
    nobody = "anonymous" in heard.extra or "bot" in heard.extra or not heard.identity
    member = None if nobody else members.by_identity(work, MemberIdentityKind.TELEGRAM, heard.identity)
    chat = team_chats.at(work, heard.address) if group else None
    language = chat.language if chat else member.language if member else heard.language_hint or "en"
    message_id = about(heard)
    card = cards.by_message(work, heard.address, message_id) if message_id else None
    ticket = cards.ticket_of(work, card) if card is not None else None
    return Seen(
        group, member, members.actor(work, member) if member is not None else None, chat, language,
        on_card=card is not None, ref=ticket.ref if ticket is not None else None,
        asked=bool(message_id) and team_questions.is_one(work, heard.address, str(message_id)),
    )  # fmt: skip


def about(heard: Heard) -> str | None:
    """The message of ours that is pressed or answered."""
    if heard.kind is MessageKind.BUTTON:
        return heard.extra.get("message_id")
    return heard.extra.get("reply_to") if heard.extra.get("reply_to_us") else None


def other_bot(text: str) -> str | None:
    """The bot that a command names, as in `/status@OpsBot`."""
    found = _SUFFIX.match(text)
    return found[1] if found else None


def barred(heard: Heard, seen: Seen, *, registers: bool = False) -> str | None:
    """Why somebody is not heard, as a phrase code. `registers`: it is the command that makes a chat the team's."""
    if "anonymous" in heard.extra:
        return "team.anonymous"
    if "bot" in heard.extra:
        return "team.bots"
    if seen.member is None:
        return "team.not_linked"
    if "forwarded" in heard.extra:
        return "team.forwarded"
    if heard.kind is MessageKind.EDIT:
        return "team.edited"
    if seen.group and seen.chat is None and not registers:
        return "team.unknown_chat"
    return None


def tries(heard: Heard) -> bool:
    """Whether something is asked of us, that a refusal must be told."""
    return heard.kind is MessageKind.BUTTON or is_command(heard.text)
