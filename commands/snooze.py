"""/snooze: keep still about a ticket for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.ticket import facts_of, shown
from commands.words import Seconds, TicketRef
from desk import tickets
from desk.work import Work
from models.access import Permission


@dataclass(frozen=True)
class Snooze:
    """Which ticket, and for how long: `45m`, `2h`."""

    ticket: TicketRef
    how_long: Seconds


@command(needs=Permission.WORK_TICKETS)
async def snooze(ctx: CommandContext, args: Snooze) -> Outcome:
    """Quiet a ticket's card and chasing for at most 24 hours (45m, 2h); the clocks run on."""
    facts = await ctx.desk.run(_snooze, args.ticket, args.how_long)
    return done("command.snoozed", **shown(facts), until={"$at": facts["snoozed_until_at"]})


def _snooze(work: Work, ref: str, seconds: int) -> dict[str, Any]:
    tickets.snooze(work, ref, work.now + timedelta(seconds=seconds))
    return facts_of(work, ref)
