"""Run what a member typed: parse, permission, age, confirmation of what is dangerous, then the command."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from commands.command import Command, CommandContext, Outcome, OutcomeKind
from commands.parse import Parsed, clean, parse
from commands.table import COMMANDS, allowed
from desk import audit, pending
from desk.work import Work
from models.access import ActorKind
from models.errors import NotAllowed, Refusal

__all__ = [
    "CommandContext", "Outcome", "confirm_code", "confirm_token", "decline", "decline_token", "looks_like_code",
    "looks_like_no", "run_text",
]  # fmt: skip

LATE_AFTER_S = 600
"""A command that waited longer than this is asked again, not executed."""

_YES = re.compile(r"\W*(?:yes|ok|si|sí|ow|ou|aam|ஆம்|ඔව්)[\s:,.\-]*(\d{4})\W*", re.IGNORECASE)
_NO = re.compile(r"\W*(?:no|cancel|nehe|epa|illai|නැහැ|எனாம்|இல்லை|வேண்டாம்|එපා)\W*", re.IGNORECASE)


def looks_like_code(text: str) -> bool:
    """Whether a text has the form of a yes with a code: `YES 4821`."""
    return _YES.fullmatch(text) is not None


def looks_like_no(text: str) -> bool:
    """Whether a text is a plain no."""
    return _NO.fullmatch(text) is not None


async def run_text(
    ctx: CommandContext, text: str, *, asked_at: datetime | None = None, bot_name: str | None = None
) -> Outcome:
    """Run a line such as `/status 100001`. `asked_at` is when the member wrote it, where it may have waited.

    Refusals come back as an Outcome of kind `refused` (those for want of permission are audited);
    Unavailable and bugs are raised.
    """
    line = clean(text)  # before anything is stored of it
    try:
        return await _run(ctx, line, asked_at, bot_name)
    except Refusal as refusal:
        return await _refused(ctx, line, refusal)


async def confirm_code(ctx: CommandContext, text: str) -> Outcome:
    """`YES 4821`: run what waits at this door, after a new look at the charger and at the permission."""
    found = _YES.fullmatch(text)
    if found is None:
        return Outcome(OutcomeKind.REFUSED, "command.confirm_form", {}, 422)
    return await _confirmed(ctx, await ctx.desk.run(pending.take_code, door=ctx.door, code=found[1]))


async def confirm_token(ctx: CommandContext, token: str) -> Outcome:
    """A button or an API client sent the token back."""
    return await _confirmed(ctx, await ctx.desk.run(pending.take_token, door=ctx.door, token=clean(token)))


async def decline(ctx: CommandContext) -> Outcome:
    """The member said no to what waits at this door."""
    dropped = await ctx.desk.run(pending.drop, door=ctx.door)
    return Outcome(OutcomeKind.DONE, "command.declined" if dropped else "command.nothing_to_confirm")


async def decline_token(ctx: CommandContext, token: str) -> Outcome:
    """A button said no to what it was shown with."""
    taken = await ctx.desk.run(pending.drop_token, door=ctx.door, token=clean(token))
    if taken.problem is not None:
        return Outcome(OutcomeKind.REFUSED, taken.problem, taken.problem_facts or {}, 409)
    return Outcome(OutcomeKind.DONE, "command.declined")


async def _run(ctx: CommandContext, text: str, asked_at: datetime | None, bot_name: str | None) -> Outcome:
    actor = ctx.desk.actor
    if actor.kind is not ActorKind.MEMBER:
        raise NotAllowed("access.members_only")
    parsed = parse(text, _nearest_first(ctx), bot_name)
    _require(ctx, parsed.command)
    if parsed.command.asks_when(parsed.args):
        return await _ask(ctx, parsed, text)
    if asked_at is not None and ctx.desk.office.clock.now() - asked_at > timedelta(seconds=LATE_AFTER_S):
        return await _ask_late(ctx, text, asked_at)
    return await parsed.command.handler(ctx, parsed.args)


def _nearest_first(ctx: CommandContext) -> list[Command[Any]]:
    """All commands, those that the member may use first, so that a suggestion is one of use."""
    mine = allowed(ctx.desk.actor)
    return [*mine, *(item for item in COMMANDS if item not in mine)]


def _require(ctx: CommandContext, command: Command[Any]) -> None:
    if command.needs is not None:
        ctx.desk.actor.require(command.needs)


async def _ask(ctx: CommandContext, parsed: Parsed, text: str, *, changed: bool = False) -> Outcome:
    """Show how things stand and ask."""
    assert parsed.command.look is not None
    seen = await parsed.command.look(ctx, parsed.args)
    action = await ctx.desk.run(pending.ask, door=ctx.door, text=text, facts={"warnings": seen.get("warnings", [])})
    facts = {
        **seen,
        "token": action.token,
        "code": action.code,
        "expires_at": action.expires_at.isoformat(),
        "within": {"$span": pending.LIFE_S},
        "changed": {"$code": "command.state_changed"} if changed else "",
    }
    return Outcome(OutcomeKind.CONFIRM, f"command.confirm.{parsed.command.name}", facts)


async def _ask_late(ctx: CommandContext, text: str, asked_at: datetime) -> Outcome:
    action = await ctx.desk.run(pending.ask, door=ctx.door, text=text, facts={})
    facts = {
        "token": action.token,
        "code": action.code,
        "expires_at": action.expires_at.isoformat(),
        "within": {"$span": pending.LIFE_S},
        "command": text,
        "asked_at": {"$at": asked_at.isoformat()},
    }
    return Outcome(OutcomeKind.CONFIRM, "command.confirm.late", facts)


async def _confirmed(ctx: CommandContext, taken: pending.Taken) -> Outcome:
    if taken.text is None or taken.facts is None:
        return Outcome(OutcomeKind.REFUSED, taken.problem or "", taken.problem_facts or {}, 409)
    try:
        parsed = parse(taken.text, COMMANDS)
        _require(ctx, parsed.command)
        if parsed.command.look is not None and parsed.command.asks_when(parsed.args):
            seen = await parsed.command.look(ctx, parsed.args)
            known = frozenset(taken.facts.get("warnings", []))
            if not set(seen.get("warnings", [])) <= known:
                return await _ask(ctx, parsed, taken.text, changed=True)
            ctx = replace(ctx, seen=known)
        return await parsed.command.handler(ctx, parsed.args)
    except Refusal as refusal:
        return await _refused(ctx, taken.text, refusal)


async def _refused(ctx: CommandContext, text: str, refusal: Refusal) -> Outcome:
    if isinstance(refusal, NotAllowed) and ctx.desk.actor.kind is ActorKind.MEMBER:
        await ctx.desk.run(_note_refusal, text, ctx.door, refusal.code)
    return Outcome(OutcomeKind.REFUSED, refusal.code, dict(refusal.facts), refusal.status)


def _note_refusal(work: Work, text: str, door: str, code: str) -> None:
    audit.record(work, "command.refused", f"member:{work.actor.id}", text=text[:200], door=door, code=code)
