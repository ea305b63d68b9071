"""/sessions: who charges now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.words import ChargerId
from desk import chargers, charging
from desk.work import Work
from models.access import Permission


@dataclass(frozen=True)
class Sessions:
    """At which charger."""

    charger: ChargerId


@command(needs=Permission.VIEW_SESSIONS)
async def sessions(ctx: CommandContext, args: Sessions) -> Outcome:
    """Show a charger's active sessions: customer, energy, elapsed time."""
    found = await ctx.desk.read(_active, args.charger)
    if not found:
        return done("command.no_sessions", id=args.charger, sessions=[])
    lines = [
        {
            "$code": "command.session_line",
            "connector": item["connector"],
            "customer": item["customer"] or item["id_tag"] or {"$code": "command.unknown_customer"},
            "kwh": item["kwh"],
            "elapsed": {"$span": item["elapsed_s"]},
        }
        for item in found
    ]
    return done("command.sessions", id=args.charger, sessions=found, lines={"$list": lines})


def _active(work: Work, charger_id: str) -> list[dict[str, Any]]:
    chargers.get(work, charger_id)
    return charging.sessions(work, charger_id=charger_id, active_only=True)
