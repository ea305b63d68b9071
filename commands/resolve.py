"""/resolve: it is done, and this is what was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.ticket import facts_of, shown
from commands.words import FreeText, TicketRef
from desk import tickets
from desk.work import Work
from models.access import Permission


@dataclass(frozen=True)
class Resolve:
    """Which ticket, and what was done."""

    ticket: TicketRef
    note: FreeText


@command(needs=Permission.WORK_TICKETS)
async def resolve(ctx: CommandContext, args: Resolve) -> Outcome:
    """Resolve a ticket, saying what was done; the customer is told."""
    return done("command.resolved", **shown(await ctx.desk.run(_resolve, args.ticket, args.note)))


def _resolve(work: Work, ref: str, text: str) -> dict[str, Any]:
    tickets.resolve(work, ref, text)
    return facts_of(work, ref)
