"""/reboot: a hard reset, after a confirmation."""

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
class Reboot:
    """Which charger."""

    charger: ChargerId


async def before(ctx: CommandContext, args: Reboot) -> dict[str, Any]:
    """How the charger stands. That it has no fault does not speak against a reboot."""
    return await look(ctx, args.charger, expects_fault=False)


@command(needs=Permission.COMMAND_CHARGERS, look=before)
async def reboot(ctx: CommandContext, args: Reboot) -> Outcome:
    """Restart a charger by a hard reset; asks first, then reports the answer and the state it came back to."""
    # Only a session that the member was warned of may be cut off.
    told = {**ctx.report_to(), "force": WARN_SESSION in ctx.seen}
    run = await ctx.desk.run(runs.start, RunKind.REBOOT, args.charger, args=told)
    return started("command.started.reboot", run=run.id, id=args.charger)
