"""/escalate: a ticket that does not get solved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.ticket import facts_of, shown
from commands.words import Escalation, TicketRef
from desk import tickets
from desk.work import Work
from models.access import Permission
from models.errors import BadInput

_LABEL = re.compile(r"\s*(?:what was |what is )?(?:tried|failed|needed)\s*[:=]\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Escalate:
    """Which ticket, and the three answers divided by semicolons or lines."""

    ticket: TicketRef
    answers: Escalation


@command(needs=Permission.WORK_TICKETS)
async def escalate(ctx: CommandContext, args: Escalate) -> Outcome:
    """Raise a ticket by one step: say what was tried; what failed; what is needed. A check follows in time."""
    parts = [_LABEL.sub("", part, count=1).strip() for part in re.split(r"[;\n；]", args.answers)]
    if len(parts) != 3 or not all(parts):
        raise BadInput("command.escalate_how", ref=args.ticket)
    return done("command.escalated", **shown(await ctx.desk.run(_escalate, args.ticket, *parts)))


def _escalate(work: Work, ref: str, tried: str, failed: str, needed: str) -> dict[str, Any]:
    tickets.step_up(work, ref, tried, failed, needed)
    return facts_of(work, ref)
