"""How a charger stands at this moment, asked of the charger itself: what is shown before a dangerous command."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from commands.command import CommandContext
from commands.status import shown
from desk import chargers
from models.charger import IN_SESSION, ChargerState, OrderKind
from models.errors import Refusal

ASK_S = 5.0
"""How long a charger may take to say how it stands; after that, what it last said is shown."""
NEWS_S = 1.0
"""How long its report may trail its answer."""

WARN_SESSION = "command.warn_session"

_BUSY = frozenset(state.value for state in IN_SESSION)


async def look(ctx: CommandContext, charger_id: str, *, expects_fault: bool) -> dict[str, Any]:
    """Facts of a charger with `warnings`, the phrase codes of what speaks against acting now.

    Refuses a charger that the member may not see, and one that is not connected.
    """
    charger = await ctx.desk.read(chargers.overview, charger_id)
    if charger["online"]:
        await _have_reported(ctx, charger)
        charger = await ctx.desk.read(chargers.overview, charger_id)
    if not charger["online"]:
        raise Refusal("run.not_connected", charger_id=charger_id)
    warnings = _warnings(charger, expects_fault)
    lines = [{"$code": code, "id": charger["id"]} for code in warnings]
    return {**shown(charger), "warnings": warnings, "warning": {"$list": lines}}


async def _have_reported(ctx: CommandContext, charger: dict[str, Any]) -> None:
    """Ask each connector for its state and give the report a moment to arrive."""
    office = ctx.desk.office
    news = office.bus.subscribe(f"live.charger.{charger['id']}")
    asked = False
    try:
        with contextlib.suppress(TimeoutError):
            async with office.clock.timeout(ASK_S):
                for connector in charger["connectors"]:
                    answer = await ctx.chargers.order(
                        charger["id"], OrderKind.TRIGGER_STATUS, {"connector": connector["id"]}
                    )
                    if not answer.accepted:
                        break
                    asked = True
        if asked and news.empty():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.get(), NEWS_S)
    finally:
        office.bus.unsubscribe(news)


def _warnings(charger: dict[str, Any], expects_fault: bool) -> list[str]:
    states = {charger["state"], *(connector["state"] for connector in charger["connectors"])}
    found = []
    if states & _BUSY or any(connector["transaction"] for connector in charger["connectors"]):
        found.append(WARN_SESSION)
    if expects_fault and ChargerState.FAULTED.value not in states:
        found.append("command.warn_not_faulted")
    return found
