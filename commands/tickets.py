"""/tickets: which tickets there are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.ticket import assignee_name, short
from desk import ticket_views
from desk.work import Work
from models.access import Permission
from models.ticket import LIVE, Ticket, TicketStatus

SHOWN = 10
SUMMARY_SHOWN = 80


class Which(StrEnum):
    """Lists of tickets."""

    QUEUE = "queue"  # what wants somebody, most important first
    MINE = "mine"
    UNASSIGNED = "unassigned"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Tickets:
    """Which list."""

    which: Which = Which.QUEUE


@command(needs=Permission.VIEW_TICKETS)
async def tickets(ctx: CommandContext, args: Tickets) -> Outcome:
    """List tickets: what wants somebody, yours, unassigned ones, or resolved ones."""
    found = await ctx.desk.read(_list, args.which)
    which = {"$code": f"command.which.{args.which.value}"}
    if not found:
        return done("command.no_tickets", tickets=[], which=which)
    lines = [
        {
            "$code": "command.ticket_line",
            "ref": item["ref"],
            "status": item["status"],
            "priority": item["priority"],
            "assignee": assignee_name(item),
            "summary": short(item["summary"], SUMMARY_SHOWN),
        }
        for item in found
    ]
    return done("command.tickets", tickets=found, lines={"$list": lines}, which=which)


def _list(work: Work, which: Which) -> list[dict[str, Any]]:
    return [ticket_views.facts(work, ticket) for ticket in _rows(work, which)]


def _rows(work: Work, which: Which) -> list[Ticket]:
    match which:
        case Which.QUEUE:
            return ticket_views.queue(work, limit=SHOWN)
        case Which.UNASSIGNED:
            return ticket_views.page(work, limit=SHOWN, unassigned=True)
        case Which.RESOLVED:
            return ticket_views.page(work, limit=SHOWN, status=TicketStatus.RESOLVED)
        case Which.MINE:
            me = work.actor.member_id
            found = [
                row for status in LIVE for row in ticket_views.page(work, limit=SHOWN, status=status, assignee_id=me)
            ]
            return sorted(found, key=lambda row: -row.id)[:SHOWN]
