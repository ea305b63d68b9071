"""/ticket: how a ticket stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.words import TicketRef
from desk import ticket_views
from desk.work import Work
from models.access import Permission

NOTES_SHOWN = 3
NOTE_SHOWN = 200
"""Characters of each; a chat message has room for little, `facts` have all of it."""


@dataclass(frozen=True)
class Ticket:
    """Which ticket."""

    ticket: TicketRef


@command(needs=Permission.VIEW_TICKETS)
async def ticket(ctx: CommandContext, args: Ticket) -> Outcome:
    """Show a ticket's status, priority, assignee, clocks and latest notes."""
    return done("command.ticket", **shown(await ctx.desk.read(facts_of, args.ticket)))


def facts_of(work: Work, ref: str) -> dict[str, Any]:
    """A ticket in the contract's shape; NotFound where the actor may not see it."""
    return ticket_views.facts(work, ticket_views.get(work, ref))


def shown(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that the phrases about a ticket need; `ticket` is the contract's shape."""
    notes = [_note(note) for note in facts["notes"][-NOTES_SHOWN:]]
    return {
        "ticket": facts,
        "ref": facts["ref"],
        "status": facts["status"],
        "priority": facts["priority"],
        "summary": facts["summary"],
        "assignee": assignee_name(facts),
        "clocks": {"$list": [_clock(clock) for clock in facts["clocks"]]},
        "notes": {"$list": notes or [{"$code": "command.none"}]},
    }


def assignee_name(facts: dict[str, Any]) -> Any:
    """The assignee's name, or the phrase for nobody."""
    assignee = facts["assignee"]
    return assignee["name"] if assignee else {"$code": "command.nobody"}


def short(text: str, most: int) -> str:
    """At most so many characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _clock(clock: dict[str, Any]) -> dict[str, Any]:
    due_at = clock["due_at"]
    name = {"$code": f"command.clock.{clock['kind']}"}
    state = {"$code": f"command.clock_state.{clock['state']}"}
    if due_at is None or clock["stopped_at"] is not None:
        return {"$code": "command.clock_stopped", "clock": name, "state": state}
    return {"$code": "command.clock_due", "clock": name, "state": state, "due": {"$at": due_at}}


def _note(note: dict[str, Any]) -> dict[str, Any]:
    return {
        "$code": "command.note_line",
        "at": {"$at": note["at"]},
        "by": note["by"],
        "note": short(note["text"], NOTE_SHOWN),
    }
