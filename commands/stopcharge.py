"""/stopcharge: end a session, after a confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, started
from commands.words import ChargerId, ConnectorId
from desk import remote_session
from desk.work import Work
from models.access import Permission


@dataclass(frozen=True)
class Stopcharge:
    """At which charger, and at which connector where several are in use."""

    charger: ChargerId
    connector: ConnectorId | None = None


async def before(ctx: CommandContext, args: Stopcharge) -> dict[str, Any]:
    """Whose session would end, and what it has come to."""
    return await ctx.desk.read(remote_session.shown, args.charger, args.connector)


@command(needs=Permission.COMMAND_CHARGERS, look=before)
async def stopcharge(ctx: CommandContext, args: Stopcharge) -> Outcome:
    """End the session at a charger; asks first, then tells its energy and cost once it has really ended."""
    run = await ctx.desk.run(_stop, args, ctx.report_to())
    return started("command.started.stopcharge", run=run, id=args.charger)


def _stop(work: Work, args: Stopcharge, report_to: dict[str, Any]) -> int:
    return remote_session.stop(work, args.charger, args.connector, report_to).id
