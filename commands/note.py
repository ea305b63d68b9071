"""/note: write something down on a ticket."""

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
class Note:
    """Which ticket, and what."""

    ticket: TicketRef
    note: FreeText


@command(needs=Permission.WORK_TICKETS)
async def note(ctx: CommandContext, args: Note) -> Outcome:
    """Add a note to a ticket's history; the customer does not see it."""
    return done("command.noted", **shown(await ctx.desk.run(_note, args.ticket, args.note)))


def _note(work: Work, ref: str, text: str) -> dict[str, Any]:
    tickets.add_note(work, ref, text)
    return facts_of(work, ref)
