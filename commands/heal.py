"""/heal: whether the assistant may heal chargers by itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.words import Place
from desk import chargers, runs
from desk.work import Work
from models.access import Permission
from models.errors import NotFound

NETWORK = "network"


class Switch(StrEnum):
    """May it or not."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True)
class Heal:
    """On or off, and where: a charger, a site, or everywhere."""

    switch: Switch
    where: Place | None = None


@command(needs=Permission.EDIT_CHARGERS)
async def heal(ctx: CommandContext, args: Heal) -> Outcome:
    """Let the assistant heal a charger, a site or the whole network by itself, or not."""
    on = args.switch is Switch.ON
    where = await ctx.desk.run(_switch, args.where or NETWORK, on)
    return done("command.heal_on" if on else "command.heal_off", on=on, where=where)


def _switch(work: Work, where: str, on: bool) -> Any:
    if where.lower() == NETWORK:
        runs.switch_network(work, on)
        return {"$code": "command.whole_network"}
    try:
        chargers.switch_auto_heal(work, where, on)
        return where
    except NotFound:
        return chargers.switch_site(work, where, on).name
