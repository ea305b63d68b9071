"""/clear: clear a fault and verify that the charger is available again, after a confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, started
from commands.live import look
from commands.words import ChargerId
from desk import runs
from models.access import Permission
from models.charger import RunKind


@dataclass(frozen=True)
class Clear:
    """Which charger."""

    charger: ChargerId


async def before(ctx: CommandContext, args: Clear) -> dict[str, Any]:
    """How the charger stands, and whether there is a fault at all."""
    return await look(ctx, args.charger, expects_fault=True)


@command(needs=Permission.COMMAND_CHARGERS, look=before)
async def clear(ctx: CommandContext, args: Clear) -> Outcome:
    """Clear a charger's fault; asks first, then verifies that it is Available again or says why not."""
    run = await ctx.desk.run(runs.start, RunKind.CLEAR_FAULT, args.charger, args=ctx.report_to())
    return started("command.started.clear", run=run.id, id=args.charger)
