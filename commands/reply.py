"""/reply: answer a ticket's customer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from commands.command import CommandContext, Outcome, command, done
from commands.words import FreeText, TicketRef
from desk import customers
from models.access import Permission


@dataclass(frozen=True)
class Reply:
    """Whose ticket, and the words."""

    ticket: TicketRef
    text: FreeText


@command(needs=Permission.REPLY)
async def reply(ctx: CommandContext, args: Reply) -> Outcome:
    """Answer a ticket's customer in your words where they wrote last; the first-response clock stops."""
    message = await ctx.desk.run(customers.answer, args.ticket, args.text, key=f"command:{uuid4()}")
    return done("command.replied", ref=args.ticket, channel=message.channel, message_id=message.id)
