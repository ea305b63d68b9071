"""What a member wrote or pressed becomes a command's outcome, and the outcome an answer, whichever door it was."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commands.command import CommandContext, Outcome, OutcomeKind
from commands.parse import is_command
from commands.press import press
from commands.run import confirm_code, confirm_token, decline, decline_token, looks_like_code, looks_like_no, run_text
from desk import pending
from desk.inbox import Claimed
from models.errors import Refusal, Unavailable
from models.message import Heard
from models.reply import Choice, Extra, Reply
from models.signed import is_press, read_press, sign_press

log = logging.getLogger(__name__)

YES, NO = "y.", "n."
"""How the data of the two buttons below a question begin; the question's token follows."""
_SHOWN = 200


@dataclass(frozen=True)
class Said:
    """A line or a press of a member. `again`: an earlier life of its row may have acted on it."""

    text: str
    asked_at: datetime
    again: bool
    bot_name: str | None = None


def said(item: Claimed, heard: Heard, *, bot_name: str | None = None) -> Said:
    """When the member wrote it: what was fetched after a downtime says so itself."""
    sent_at = heard.extra.get("sent_at")
    at = min(datetime.fromisoformat(sent_at), item.received_at) if isinstance(sent_at, str) else item.received_at
    return Said(heard.text.strip(), at, item.attempts > 1, bot_name)


def signer(secret: bytes, now: datetime, address: str) -> Callable[[str, str, str], str]:
    """Makes the ids of buttons that count at that address alone."""

    def sign(action: str, subject: str, detail: str) -> str:
        return sign_press(secret, action, subject, now, address, detail=detail)

    return sign


def acts(text: str) -> bool:
    """Whether a line asks for something: a command or a confirmation."""
    return is_command(text) or looks_like_code(text) or looks_like_no(text)


async def act(ctx: CommandContext, line: Said) -> Outcome:
    """Run a command line, or take the answer to a question that waits."""
    if line.again and not looks_like_no(line.text):
        # An earlier life of this row may have run it: once too few is repaired by a look, once too many is not.
        return interrupted(line.text)
    if is_command(line.text):
        return await guarded(run_text(ctx, line.text, asked_at=line.asked_at, bot_name=line.bot_name))
    if looks_like_code(line.text):
        return await guarded(confirm_code(ctx, line.text))
    return await guarded(decline(ctx))


async def pressed(ctx: CommandContext, data: str, secret: bytes, address: str, *, again: bool) -> Outcome:
    """Do what a button says. Nothing in its data is believed: it is a token of ours, or signed for this address."""
    if data.startswith((YES, NO)):
        token = data.removeprefix(YES).removeprefix(NO)
        if data.startswith(NO):
            return await guarded(decline_token(ctx, token))
        before = await ctx.desk.read(pending.confirmed_before, door=ctx.door, token=token) if again else None
        return interrupted(before) if before is not None else await guarded(confirm_token(ctx, token))
    try:
        wanted = read_press(secret, data, ctx.desk.office.clock.now(), address)
    except Refusal as refusal:
        return refused(refusal)
    if again:
        return interrupted(f"/{wanted.action} {wanted.subject}")
    return await guarded(press(ctx, wanted))


async def spent(ctx: CommandContext, data: str, outcome: Outcome) -> bool:
    """Whether a refused press used its question up, so that the buttons below it are of no use any more."""
    if outcome.kind is not OutcomeKind.REFUSED or outcome.code == "command.token_used" or not data.startswith(YES):
        return False
    token = data.removeprefix(YES)
    return await ctx.desk.read(pending.confirmed_before, door=ctx.door, token=token) is not None


def is_button(data: str) -> bool:
    """Whether a payload claims to come from a button of ours for members."""
    return data.startswith((YES, NO)) or is_press(data)


async def guarded(doing: Awaitable[Outcome]) -> Outcome:
    """The outcome; a refusal as one, a bug of ours as an apology with a reference. Raises Unavailable."""
    try:
        return await doing
    except Refusal as refusal:
        return refused(refusal)
    except Unavailable:
        raise
    except Exception:
        incident = secrets.token_hex(4)
        log.exception("a command failed", extra={"incident": incident})
        return Outcome(OutcomeKind.REFUSED, "staff.bug", {"incident": incident}, 500)


def refused(refusal: Refusal) -> Outcome:
    """A refusal as an outcome."""
    return Outcome(OutcomeKind.REFUSED, refusal.code, dict(refusal.facts), refusal.status)


def interrupted(text: str) -> Outcome:
    """It may have been done: whoever asked is told to look."""
    return Outcome(OutcomeKind.REFUSED, "staff.interrupted", {"text": text[:_SHOWN]}, 409)


def answer_of(outcome: Outcome, *, buttons: bool) -> Reply:
    """What is said. `buttons`: the place shows them, so that a question is answered by a press."""
    choices = outcome.choices
    if buttons and outcome.kind is OutcomeKind.CONFIRM:
        token = outcome.facts["token"]
        choices = (Choice(YES + token, "team.yes"), Choice(NO + token, "team.no"))
    extra: dict[str, Any] = {}
    if outcome.attachment is not None:
        extra[Extra.DOCUMENT] = {"name": outcome.attachment.name, "text": outcome.attachment.text}
    if outcome.ask is not None:
        extra[Extra.ASK] = outcome.ask
    return Reply(outcome.code, outcome.facts, choices, extra=extra)
