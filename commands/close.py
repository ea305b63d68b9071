"""/close: the customer is satisfied."""

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
class Close:
    """Which ticket, and a closing word."""

    ticket: TicketRef
    note: FreeText | None = None


@command(needs=Permission.CLOSE_TICKETS)
async def close(ctx: CommandContext, args: Close) -> Outcome:
    """Close a resolved ticket once the customer is satisfied; nothing can be changed after that."""
    return done("command.closed", **shown(await ctx.desk.run(_close, args.ticket, args.note or "")))


def _close(work: Work, ref: str, text: str) -> dict[str, Any]:
    tickets.close(work, ref, text)
    return facts_of(work, ref)
