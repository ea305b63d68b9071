"""/contact: who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.ticket import short
from commands.words import PhoneOrUsername
from desk import customers
from models.access import Permission

TEXT_SHOWN = 160


@dataclass(frozen=True)
class Contact:
    """Whose page."""

    person: PhoneOrUsername


@command(needs=Permission.VIEW_CONTACTS)
async def contact(ctx: CommandContext, args: Contact) -> Outcome:
    """Show a customer by phone, username, email or name: profile, open tickets, last messages."""
    page = await ctx.desk.read(customers.page, args.person)
    who = page["contact"]
    nothing = [{"$code": "command.none"}]
    return done(
        "command.contact",
        **page,
        name=who["name"] or who["username"] or f"#{who['id']}",
        phone=who["phone"],
        email=who["email"],
        organisation=who["organisation"],
        tier={"$code": f"contact.tier.{who['tier']}"},
        account={"$code": "command.account_active" if who["account_active"] else "command.account_inactive"},
        waiting={"$list": [_ticket(each) for each in page["tickets"]] or nothing},
        said={"$list": [_message(each) for each in page["messages"]] or nothing},
    )


def _ticket(ticket: dict[str, Any]) -> dict[str, Any]:
    return {"$code": "command.ticket_short", **ticket, "summary": short(ticket["summary"], TEXT_SHOWN)}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "$code": f"command.message_{message['direction']}",
        "at": {"$at": message["at"]},
        "channel": message["channel"],
        "text": short(message["text"], TEXT_SHOWN),
    }
