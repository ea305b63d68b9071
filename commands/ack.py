"""/ack: a line of the board was seen."""

from __future__ import annotations

from dataclasses import dataclass

from commands.command import CommandContext, Outcome, command, done
from commands.words import AlertId
from desk import board
from models.access import Permission


@dataclass(frozen=True)
class Ack:
    """Which line."""

    alert: AlertId


@command(needs=Permission.WORK_TICKETS)
async def ack(ctx: CommandContext, args: Ack) -> Outcome:
    """Acknowledge a line of the team's board; it leaves the board for everybody."""
    alert = await ctx.desk.run(board.acknowledge, args.alert)
    return done("command.acked", id=alert.id, by=alert.acked_by, what={"$code": alert.code, **alert.facts})
