"""/assign: give a ticket to somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.ticket import facts_of, shown
from commands.words import MemberRef, TicketRef
from desk import members, tickets
from desk.work import Work
from models.access import Permission

_ME = "me"


@dataclass(frozen=True)
class Assign:
    """Which ticket, to whom: an email, the beginning of a name, a number, or `me`."""

    ticket: TicketRef
    member: MemberRef


@command(needs=Permission.ASSIGN_TICKETS)
async def assign(ctx: CommandContext, args: Assign) -> Outcome:
    """Assign a ticket to a member of its department (an email, a name, or me); the member is told."""
    return done("command.assigned", **shown(await ctx.desk.run(_assign, args.ticket, args.member)))


def _assign(work: Work, ref: str, words: str) -> dict[str, Any]:
    member_id = work.actor.member_id if words.lower() == _ME else None
    tickets.assign(work, ref, member_id if member_id is not None else members.find(work, words).id)
    return facts_of(work, ref)
