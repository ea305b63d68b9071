"""/status: how a charger stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.words import ChargerId
from desk import chargers
from models.access import Permission


@dataclass(frozen=True)
class Status:
    """Which charger."""

    charger: ChargerId


@command(needs=Permission.VIEW_CHARGERS)
async def status(ctx: CommandContext, args: Status) -> Outcome:
    """Show a charger, its connectors and when it was last heard."""
    return done("command.status", **shown(await ctx.desk.read(chargers.overview, args.charger)))


def shown(charger: dict[str, Any]) -> dict[str, Any]:
    """The facts that the phrases about a charger need; `charger` is the contract's shape."""
    seen_at = charger["last_seen_at"]
    return {
        "charger": charger,
        "id": charger["id"],
        "title": f"{charger['name']} ({charger['id']})" if charger["name"] else charger["id"],
        "state": charger["state"],
        "connectors": {"$list": [_line(connector) for connector in charger["connectors"]]},
        "heard": {"$at": seen_at} if seen_at else {"$code": "command.never"},
    }


def _line(connector: dict[str, Any]) -> dict[str, Any]:
    error = connector["error_code"]
    if error and error != "NoError":
        return {
            "$code": "command.connector_error",
            "id": connector["id"],
            "state": connector["state"],
            "error_code": error,
        }
    return {"$code": "command.connector", "id": connector["id"], "state": connector["state"]}
