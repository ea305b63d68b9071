"""/incident: one trouble at one charger, and everybody whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.ticket import short
from commands.words import IncidentRef
from desk import incident_views
from models.access import Permission

SUMMARY_SHOWN = 100


@dataclass(frozen=True)
class Incident:
    """Which one: its number or its charger; none lists those that are open."""

    incident: IncidentRef | None = None


@command(needs=Permission.VIEW_CONTACTS)
async def incident(ctx: CommandContext, args: Incident) -> Outcome:
    """Show an incident with its people and tickets, or list those that are open."""
    if args.incident is None:
        return await _open(ctx)
    found = await ctx.desk.read(incident_views.get, args.incident)
    nothing = [{"$code": "command.none"}]
    return done(
        "command.incident",
        incident=found,
        **_facts(found),
        ended={"$at": found["ended_at"]} if found["ended_at"] else None,
        people={"$list": [_person(each) for each in found["people"]] or nothing},
        tickets={"$list": [_ticket(each) for each in found["tickets"]] or nothing},
    )


async def _open(ctx: CommandContext) -> Outcome:
    found = await ctx.desk.read(incident_views.open_ones)
    if not found:
        return done("command.no_incidents", incidents=[])
    lines = [{"$code": "command.incident_line", **_facts(each)} for each in found]
    return done("command.incidents", incidents=found, lines={"$list": lines})


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": found["id"],
        "charger": found["charger_id"],
        "state": {"$code": f"incident.state.{found['state']}"},
        "cause": {"$code": f"incident.cause.{found['cause']}"},
        "error_code": found["error_code"],
        "opened": {"$at": found["opened_at"]},
        "joined": found["joined"],
    }


def _person(person: dict[str, Any]) -> dict[str, Any]:
    told = person["told_at"]
    return {
        "$code": "command.incident_told" if told else "command.incident_person",
        "name": person["name"] or f"#{person['contact_id']}",
        "channel": person["channel"],
        "at": {"$at": told or person["joined_at"]},
    }


def _ticket(ticket: dict[str, Any]) -> dict[str, Any]:
    return {"$code": "command.ticket_short", **ticket, "summary": short(ticket["summary"], SUMMARY_SHOWN)}
