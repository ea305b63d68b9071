"""The two commands that make a door: /start ties an account to a member, /here makes a group the team's."""

from __future__ import annotations

import re

from commands.command import CommandContext, Outcome, OutcomeKind
from desk import member_links, team_chats
from desk.office import Office
from models.access import ASSISTANT
from models.errors import BadInput, Refusal
from models.message import Heard
from models.reply import Reply

_START = re.compile(r"\s*/start(?:@\w+)?(?:\s+(\S+))?\s*", re.IGNORECASE)
_HERE = re.compile(r"\s*/here(?:@\w+)?(?:\s+(\S+))?\s*", re.IGNORECASE)
OFF = "off"


def starts(text: str) -> bool:
    """Whether a text is /start, with a code or without."""
    return _START.fullmatch(text) is not None


def registers(text: str) -> bool:
    """Whether a text is /here."""
    return _HERE.fullmatch(text) is not None


async def start(office: Office, heard: Heard) -> tuple[Reply, str] | None:
    """Use the code of a deep link; gives the answer and its language. None where there is no code."""
    found = _START.fullmatch(heard.text)
    if found is None or found[1] is None:
        return None
    try:
        member = await office.run(ASSISTANT, member_links.use_link, found[1], heard.identity, heard.sender_name)
    except Refusal as refusal:
        return Reply(refusal.code, refusal.facts), heard.language_hint or "en"
    return Reply("link.done", {"name": member.name}), member.language


async def here(ctx: CommandContext, heard: Heard, *, group: bool) -> Outcome:
    """`/here [language]` registers the chat or topic, `/here off` ends it. Raises Refusal."""
    found = _HERE.fullmatch(heard.text)
    word = (found[1] or "").lower() if found else ""
    if not group:
        raise BadInput("team.here_in_group")
    if word == OFF:
        left = await ctx.desk.run(team_chats.leave, heard.address)
        return Outcome(OutcomeKind.DONE, "team.here_off" if left else "team.here_was_off")
    await ctx.desk.run(team_chats.register, heard.address, title=str(heard.extra.get("title", "")), language=word)
    return Outcome(OutcomeKind.DONE, "team.here")
