"""Photos and papers of a site visit: sent with a ticket's reference below, or as an answer to its card."""

from __future__ import annotations

import re

from bot import acting
from bot.acting import Said
from bot.team_chat.who import Seen
from commands.command import CommandContext, Outcome, OutcomeKind, done
from desk import ticket_files
from models.message import Heard
from phrases.say import say

_CAPTION = re.compile(r"\s*(?:/note(?:@\w+)?\s+)?(TKT[\s\-_]*\d{1,12})\b[\s:,.\-]*(.*)", re.IGNORECASE | re.DOTALL)


def names_ticket(caption: str) -> bool:
    """Whether the words below a file say on which ticket it belongs."""
    return _CAPTION.fullmatch(caption) is not None


async def put_on_ticket(ctx: CommandContext, heard: Heard, seen: Seen, line: Said) -> Outcome | None:
    """Keep the files of a message on the ticket that it means. None: nothing to say, as for the rest of an album."""
    found = _CAPTION.fullmatch(heard.text)
    album = heard.extra.get("album")
    joined = await ctx.desk.read(ticket_files.ref_of_album, heard.channel, album) if album else None
    ref = joined or (_plain(found[1]) if found else seen.ref)
    if ref is None:
        return None if seen.group else Outcome(OutcomeKind.REFUSED, "team.photo_where", {}, 422)
    if line.again:
        return acting.interrupted(heard.text or ref)
    note = (found[2] if found else heard.text).strip()
    outcome = await acting.guarded(_attach(ctx, heard, ref, note))
    return None if joined is not None and outcome.kind is OutcomeKind.DONE else outcome


async def _attach(ctx: CommandContext, heard: Heard, ref: str, note: str) -> Outcome:
    ticket = await ctx.desk.run(
        ticket_files.attach, ref, heard.media, note=note or say("team.photo_note", {}, "en"), channel=heard.channel,
        album=heard.extra.get("album"),
    )  # fmt: skip
    return done("team.photo_kept", ref=ticket.ref)


def _plain(ref: str) -> str:
    return "TKT-" + "".join(sign for sign in ref if sign.isdecimal())
