"""/send: write to a customer who is known."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from commands.command import CommandContext, Outcome, command, done
from commands.words import FreeText, Phone
from desk import customers
from models.access import Permission


@dataclass(frozen=True)
class Send:
    """To whom, and the words."""

    phone: Phone
    text: FreeText


@command(needs=Permission.VIEW_CONTACTS)
async def send(ctx: CommandContext, args: Send) -> Outcome:
    """Write to a known customer's number; unknown numbers are refused, WhatsApp's closed window gets the template."""
    message = await ctx.desk.run(customers.write_to, args.phone, args.text, key=f"command:{uuid4()}")
    return done("command.sent", phone=args.phone, channel=message.channel, message_id=message.id)
