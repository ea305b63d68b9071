"""/resend: a message that was given up is sent again."""

from __future__ import annotations

from dataclasses import dataclass

from commands.command import CommandContext, Outcome, command, done
from commands.words import OutboxId
from desk import outbox
from models.access import Permission


@dataclass(frozen=True)
class Resend:
    """Which one, by the number that the board shows."""

    number: OutboxId


@command(needs=Permission.REPLY)
async def resend(ctx: CommandContext, args: Resend) -> Outcome:
    """Send a message that could not be delivered once more."""
    item = await ctx.desk.run(outbox.requeue, args.number)
    return done("command.resent", id=item.id, channel=item.channel)
