"""/take: this ticket is mine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.ticket import facts_of, shown
from commands.words import TicketRef
from desk import tickets
from desk.work import Work
from models.access import Permission


@dataclass(frozen=True)
class Take:
    """Which ticket."""

    ticket: TicketRef


@command(needs=Permission.WORK_TICKETS)
async def take(ctx: CommandContext, args: Take) -> Outcome:
    """Take a ticket: it becomes yours and the chasing stops; the clocks run on."""
    return done("command.taken", **shown(await ctx.desk.run(_take, args.ticket)))


def _take(work: Work, ref: str) -> dict[str, Any]:
    tickets.take(work, ref)
    return facts_of(work, ref)
