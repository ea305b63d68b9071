"""/reset: a soft reset, after a confirmation: what ends a session that is stuck though the car is full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, started
from commands.live import WARN_SESSION, look
from commands.words import ChargerId
from desk import runs
from models.access import Permission
from models.charger import RunKind


@dataclass(frozen=True)
class Reset:
    """Which charger."""

    charger: ChargerId


async def before(ctx: CommandContext, args: Reset) -> dict[str, Any]:
    """How the charger stands. That it has no fault does not speak against a reset."""
    return await look(ctx, args.charger, expects_fault=False)


@command(needs=Permission.COMMAND_CHARGERS, look=before)
async def reset(ctx: CommandContext, args: Reset) -> Outcome:
    """Restart a charger by a soft reset, which ends sessions properly; asks first, then reports the state after."""
    told = {**ctx.report_to(), "hard": False, "force": WARN_SESSION in ctx.seen}
    run = await ctx.desk.run(runs.start, RunKind.REBOOT, args.charger, args=told)
    return started("command.started.reset", run=run.id, id=args.charger)
