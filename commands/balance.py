"""/balance: what somebody has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.words import PhoneOrUsername
from desk import wallets
from models.access import Permission
from models.money import Money


@dataclass(frozen=True)
class Balance:
    """Whose."""

    person: PhoneOrUsername


@command(needs=Permission.VIEW_FINANCE)
async def balance(ctx: CommandContext, args: Balance) -> Outcome:
    """Show a customer's wallet balance, fleet credit and account status."""
    found = await ctx.desk.read(wallets.lookup, args.person)
    return done(
        "command.balance",
        contact_id=found.contact_id,
        name=found.name or args.person,
        active=found.active,
        account={"$code": "command.account_active" if found.active else "command.account_inactive"},
        wallet=_amount(found.wallet),
        fleet=_amount(found.fleet),
    )


def _amount(money: Money | None) -> Any:
    return money.fact() if money is not None else {"$code": "command.none"}
