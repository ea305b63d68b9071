"""What the console asks of twenty thousand chargers, beside reading one by its key.

One in a hundred is faulted and one in fifty away, as in a network that is looked after.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, text

from benchmarks.console import MOST, Question, measure
from benchmarks.report import show
from bot.clock import SystemClock
from desk import charger_list, dashboard, find
from desk.charger_list import Order, Shown, Wanted
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import OPERATOR
from models.charger import Charger, ChargerState, Connector, CurrentType, Site

CHARGERS, SITES, PLACED, FIRST = 20_000, 1_000, 100, 100_000
"""`PLACED` sites have coordinates: two thousand chargers are on the map."""
START = datetime(2026, 1, 1, tzinfo=UTC)
_STATES = {
    ChargerState.AVAILABLE: 70, ChargerState.CHARGING: 20, ChargerState.PREPARING: 4, ChargerState.SUSPENDED_EV: 2,
    ChargerState.UNAVAILABLE: 2, ChargerState.FAULTED: 1, ChargerState.RESERVED: 1,
}  # fmt: skip


def run(databases: dict[str, str]) -> None:
    """Each engine."""
    for name, url in databases.items():
        office = Office(url, clock=SystemClock(), bus=LocalBus(), house=House())
        try:
            office.submit(OPERATOR, lambda work: fill(work.session.connection())).result()
            if name == "postgresql":
                office.submit(OPERATOR, lambda work: work.session.execute(text("ANALYZE"))).result()
            findings = asyncio.run(measure(office, MOST[name], _questions(), _by_key, "a charger by its key"))
            show(f"Chargers of the console on {name}: {CHARGERS:,} with two connectors each", findings)
        finally:
            office.close()


def _by_key(work: Work, dice: random.Random) -> Any:
    return work.session.get(Charger, str(FIRST + dice.randrange(CHARGERS)))


def fill(connection: Connection) -> None:
    """The network."""
    dice = random.Random(7)
    sites = [{"id": i, "name": f"Site {i}", "latitude": 6 + i / 1000 if i <= PLACED else None,
              "longitude": 80 + i / 1000 if i <= PLACED else None} for i in range(1, SITES + 1)]  # fmt: skip
    connection.execute(insert(Site), sites)
    numbers = range(CHARGERS)
    connection.execute(insert(Charger), [
        {"id": str(FIRST + i), "name": f"Bay {i}", "site_id": i % SITES + 1, "online": dice.random() > 0.02,
         "current_type": CurrentType.DC if i % 3 == 0 else CurrentType.AC, "last_seen_at": START, "created_at": START}
        for i in numbers
    ])  # fmt: skip
    states, shares = list(_STATES), list(_STATES.values())
    connection.execute(insert(Connector), [
        {"charger_id": str(FIRST + i), "number": number, "received_at": START, "error_code": "NoError",
         "status": dice.choices(states, shares)[0]}
        for i in numbers for number in (1, 2)
    ])  # fmt: skip


def _questions() -> list[Question]:
    def hub(name: str, after: str | None = None, like: str | None = None, **wanted: Any) -> Question:
        more = {"limit": 48, "after": after}
        return Question(f"chargers: {name}", charger_list.page, (Wanted(**wanted),), more, like and f"chargers: {like}")

    def part(name: str, verb: Callable[..., Any]) -> Question:
        return Question(f"dashboard: {name}", verb)

    last = str(FIRST + CHARGERS - 60)
    return [
        hub("worst first"), hub("worst first, last page", f"3.{last}", "worst first"),
        hub("by id", order=Order.ID), hub("by id, last page", f"-1.{last}", "by id", order=Order.ID),
        *(hub(state.value, state=state) for state in Shown),
        hub("DC", current_type=CurrentType.DC), hub("of a site", site_id=77),
        hub("typed: a number", search="117003"), hub("typed: site 77", search="site 77"),
        hub("typed: nothing fits", search="zzyzx"), Question("command bar: 117003", find.chargers, ("117003", 5)),
        Question("sites to choose from", charger_list.site_names), Question("the map", charger_list.on_map),
        part("chargers by type", dashboard.charger_figures), part("chargers in error", dashboard.chargers_in_error),
    ]  # fmt: skip
