"""/charge: start a session for a customer, within what they can pay, after a confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, started
from commands.words import ChargerId, ConnectorId, Customer, Limit
from desk import charge_quote, force_charge
from desk.work import Work
from models.access import Permission
from models.money import Money, from_decimal


@dataclass(frozen=True)
class Charge:
    """For whom, where, and until when: `30m` (the default), `1h30m`, or an amount such as `500`."""

    customer: Customer
    charger: ChargerId
    connector: ConnectorId | None = None
    limit: Limit | None = None


async def before(ctx: CommandContext, args: Charge) -> dict[str, Any]:
    """What it would be: who pays, both balances, the price, where it ends."""
    return await ctx.desk.read(_quote, args)


@command(needs=Permission.COMMAND_CHARGERS, look=before)
async def charge(ctx: CommandContext, args: Charge) -> Outcome:
    """Start charging for a customer (phone, username or name) for a time or an amount; asks first, ends by itself."""
    run, facts = await ctx.desk.run(_start, args, ctx.report_to())
    return started("command.started.charge", run=run, **facts)


def _quote(work: Work, args: Charge) -> dict[str, Any]:
    return charge_quote.quote(work, args.customer, args.charger, **_wanted(work, args)).facts()


def _start(work: Work, args: Charge, report_to: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    run, agreed = force_charge.start(
        work, args.customer, args.charger, **_wanted(work, args), report_to=report_to
    )  # fmt: skip
    return run.id, agreed.facts()


def _wanted(work: Work, args: Charge) -> dict[str, Any]:
    limit = args.limit or Limit()
    amount: Money | None = from_decimal(limit.amount, work.house.currency) if limit.amount is not None else None
    return {"connector": args.connector, "limit_s": limit.seconds, "amount": amount}
