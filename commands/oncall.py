"""/oncall: who is on duty, and who comes next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.duty_times import span
from commands.words import Duty
from desk import oncall as roster
from models.access import Permission
from models.errors import BadInput

_MEMBER = re.compile(r"[\"“”„‟«]([^\"“”„‟«»]+)[\"“”‟»]\s+(.+)|(\S+)\s+(.+)", re.DOTALL)
_NUMBERED = re.compile(r"#?(\d{1,12})(?:\s+(.+))?", re.DOTALL)


class Do(StrEnum):
    """What to do with the roster."""

    SHOW = "show"
    SET = "set"
    SWAP = "swap"
    CLEAR = "clear"


@dataclass(frozen=True)
class Oncall:
    """`set` takes a member, a begin and an end (or `tonight`); `swap` a number and a member; `clear` a number."""

    do: Do = Do.SHOW
    words: Duty | None = None


@command(needs=Permission.VIEW_ROSTER)
async def oncall(ctx: CommandContext, args: Oncall) -> Outcome:
    """Show who is on duty now and next; managers, dispatchers and admins set, swap and clear shifts."""
    match args.do:
        case Do.SHOW:
            return await _show(ctx)
        case Do.SET:
            return await _set(ctx, args.words or "")
        case Do.SWAP:
            number, member = _numbered(args.words or "")
            if member is None:
                raise BadInput("oncall.swap_how")
            return done("oncall.swapped", shift=_line(await ctx.desk.run(roster.swap, number, member.strip('"“”'))))
        case Do.CLEAR:
            number, more = _numbered(args.words or "")
            if more is not None:
                raise BadInput("oncall.clear_how")
            return done("oncall.cleared", shift=_line(await ctx.desk.run(roster.clear, number)))


async def _show(ctx: CommandContext) -> Outcome:
    shifts = await ctx.desk.read(roster.shown)
    now = [_line(shift) for shift in shifts if shift["now"]]
    coming = [_line(shift) for shift in shifts if not shift["now"]]
    nobody = [{"$code": "command.nobody"}]
    return done(
        "oncall.shown", shifts=shifts, now={"$list": now or nobody}, next={"$list": coming or nobody},
    )  # fmt: skip


async def _set(ctx: CommandContext, words: str) -> Outcome:
    found = _MEMBER.fullmatch(words.strip())
    if found is None:
        raise BadInput("oncall.set_how")
    member, times = (found[1], found[2]) if found[1] else (found[3], found[4])
    office = ctx.desk.office
    starts_at, ends_at = span(times, office.clock.now(), office.house.timezone)
    return done("oncall.set", shift=_line(await ctx.desk.run(roster.set_shift, member, starts_at, ends_at)))


def _numbered(words: str) -> tuple[int, str | None]:
    found = _NUMBERED.fullmatch(words.strip())
    if found is None:
        raise BadInput("oncall.number_how")
    return int(found[1]), found[2]


def _line(shift: dict[str, Any]) -> dict[str, Any]:
    return {
        "$code": "oncall.line",
        "number": shift["id"],
        "name": shift["name"],
        "from": {"$at": shift["starts_at"]},
        "to": {"$at": shift["ends_at"]},
    }
