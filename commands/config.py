"""/config: a charger's configuration, read from the charger itself; a change asks first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, OutcomeKind, command, done
from commands.ticket import short
from commands.words import ChargerId, ConfigKey, ConfigValue
from desk import charger_config
from models.access import Permission
from models.charger import OrderKind, OrderOutcome
from models.ports import OrderAnswer

VALUE_SHOWN = 120
CHANGED = frozenset({"Accepted", "RebootRequired"})


@dataclass(frozen=True)
class Config:
    """Of which charger; one key; a new value for it."""

    charger: ChargerId
    key: ConfigKey | None = None
    value: ConfigValue | None = None


async def before(ctx: CommandContext, args: Config) -> dict[str, Any]:
    """What the key is now."""
    key = args.key or ""
    await ctx.desk.read(charger_config.may_change, args.charger, key)
    read, _ = await _read(ctx, args.charger, [key])
    return {
        "id": args.charger,
        "key": key,
        "value": args.value or "",
        "was": _value(read[key]) if key in read else None,
    }


@command(needs=Permission.COMMAND_CHARGERS, look=before, asks_when=lambda args: args.value is not None)
async def config(ctx: CommandContext, args: Config) -> Outcome:
    """Show a charger's important settings, or one of them; with a value it is changed, after a confirmation."""
    if args.value is not None and args.key is not None:
        return await _change(ctx, args.charger, args.key, args.value)
    keys = await ctx.desk.read(charger_config.may_read, args.charger, args.key)
    read, answer = await _read(ctx, args.charger, keys)
    if not read:
        return _nothing(args, answer)
    lines = [{"$code": "config.line", "key": key, "value": _value(said)} for key, said in read.items()]
    return done("config.shown", id=args.charger, settings=read, lines={"$list": lines})


async def _read(ctx: CommandContext, charger_id: str, keys: list[str]) -> tuple[dict[str, Any], OrderAnswer]:
    answer = await ctx.chargers.order(
        charger_id, OrderKind.GET_CONFIGURATION, {"keys": keys}, actor=ctx.desk.actor
    )  # fmt: skip
    return dict(answer.response.get("read") or {}), answer


def _value(said: Any) -> str:
    value = said[0] if isinstance(said, list) and said else None
    return "–" if value is None else short(str(value), VALUE_SHOWN)


def _nothing(args: Config, answer: OrderAnswer) -> Outcome:
    if answer.outcome is not OrderOutcome.ANSWERED:
        return _unanswered(args.charger, answer)
    return Outcome(OutcomeKind.REFUSED, "config.unknown_key", {"id": args.charger, "key": args.key}, 404)


async def _change(ctx: CommandContext, charger_id: str, key: str, value: str) -> Outcome:
    await ctx.desk.read(charger_config.may_change, charger_id, key)
    answer = await ctx.chargers.order(
        charger_id, OrderKind.CHANGE_CONFIGURATION, {"key": key, "value": value}, actor=ctx.desk.actor
    )  # fmt: skip
    told = {"outcome": answer.outcome.value, "status": answer.status}
    await ctx.desk.run(charger_config.changed, charger_id, key, value, told)
    if answer.outcome is not OrderOutcome.ANSWERED:
        return _unanswered(charger_id, answer)
    facts = {"id": charger_id, "key": key, "value": value, "status": answer.status}
    if answer.status not in CHANGED:
        return Outcome(OutcomeKind.REFUSED, "config.not_changed", facts, 409)
    return done("config.reboot_required" if answer.status == "RebootRequired" else "config.changed", **facts)


def _unanswered(charger_id: str, answer: OrderAnswer) -> Outcome:
    """An error is a no; after silence nobody knows, and the member is told to look."""
    if answer.outcome is OrderOutcome.ERROR:
        code = str(answer.response.get("code") or "–")
        return Outcome(OutcomeKind.REFUSED, "config.error", {"id": charger_id, "error": code}, 409)
    return Outcome(OutcomeKind.REFUSED, "config.no_answer", {"id": charger_id}, 409)
