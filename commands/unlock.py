"""/unlock: let a connector's cable go, after a confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, started
from commands.live import WARN_SESSION, look
from commands.words import ChargerId, ConnectorId
from desk import remote_session
from desk.work import Work
from models.access import Permission


@dataclass(frozen=True)
class Unlock:
    """At which charger, and which connector where it has several."""

    charger: ChargerId
    connector: ConnectorId | None = None


async def before(ctx: CommandContext, args: Unlock) -> dict[str, Any]:
    """How the charger stands; a session ends with its cable."""
    await ctx.desk.read(remote_session.outlet, args.charger, args.connector)
    return await look(ctx, args.charger, expects_fault=False)


@command(needs=Permission.COMMAND_CHARGERS, look=before)
async def unlock(ctx: CommandContext, args: Unlock) -> Outcome:
    """Unlock a connector's cable; asks first, then tells what the charger answered."""
    run = await ctx.desk.run(_unlock, args, ctx.report_to(), WARN_SESSION in ctx.seen)
    return started("command.started.unlock", run=run, id=args.charger)


def _unlock(work: Work, args: Unlock, report_to: dict[str, Any], warned: bool) -> int:
    return remote_session.unlock(work, args.charger, args.connector, report_to, despite_session=warned).id
