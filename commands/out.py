"""/out: take a charger out of service until a member restores it, after a confirmation."""

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
class Out:
    """Which charger."""

    charger: ChargerId


async def before(ctx: CommandContext, args: Out) -> dict[str, Any]:
    """How the charger stands: whoever charges there is cut off."""
    return await look(ctx, args.charger, expects_fault=False)


@command(needs=Permission.COMMAND_CHARGERS, look=before)
async def out(ctx: CommandContext, args: Out) -> Outcome:
    """Take a charger out of service: sessions end, nobody can charge until a member restores it; asks first."""
    told = {**ctx.report_to(), "why": ctx.desk.actor.name}
    run = await ctx.desk.run(runs.start, RunKind.TAKE_OUT_OF_SERVICE, args.charger, args=told)
    return started("command.started.out", run=run.id, id=args.charger)
