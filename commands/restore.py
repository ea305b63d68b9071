"""/restore: a charger that was taken out of service for safety may be used again, after a confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.live import look
from commands.words import ChargerId
from desk import chargers
from desk.work import Work
from models.access import Permission


@dataclass(frozen=True)
class Restore:
    """Which charger."""

    charger: ChargerId


async def before(ctx: CommandContext, args: Restore) -> dict[str, Any]:
    """How the charger stands."""
    return await look(ctx, args.charger, expects_fault=False)


@command(needs=Permission.COMMAND_CHARGERS, look=before)
async def restore(ctx: CommandContext, args: Restore) -> Outcome:
    """Put a charger that was taken out for safety back into service; asks first."""
    await ctx.desk.run(_restore, args.charger)
    return done("command.restored", id=args.charger)


def _restore(work: Work, charger_id: str) -> None:
    chargers.restore_service(work, charger_id)
