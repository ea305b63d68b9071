"""Chargers in fault that outlive the product: they note every order, and one order may be the product's last."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bot import migrate
from bot.clock import SystemClock
from desk import chargers, members
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.simulator.scenarios import BOTH_RESETS, Ailment, Scenario
from integrations.ocpp.simulator.station import Habits
from integrations.ocpp.simulator.wire import Obedience
from models.access import OPERATOR, Role
from models.charger import CurrentType
from tests.kill.hasty import HastyClock

PASSWORD = "a charger's password"
TRANSIENT = Scenario("a fault that a reset clears", ailment=Ailment("InternalError", BOTH_RESETS, info="hung"))
HARD = Scenario("a fault that nothing clears", ailment=Ailment("InternalError", info="rectifier module missing"))


@dataclass(frozen=True)
class Moment:
    """At which order the process dies: as the charger obeys and before it answers, or so long after the answer."""

    name: str
    action: str
    word: str = ""  # must be among the order's values
    after_s: float | None = None

    def is_at(self, action: str, payload: dict[str, Any]) -> bool:
        """Whether this is the order."""
        return action == self.action and (not self.word or self.word in payload.values())


MOMENTS = (
    Moment("out of service, unanswered", "ChangeAvailability", "Inoperative"),
    Moment("out of service, answered", "ChangeAvailability", "Inoperative", after_s=0.05),
    Moment("back in service, unanswered", "ChangeAvailability", "Operative"),
    Moment("reset, unanswered", "Reset"),
)


class DoomingCharger(VirtualCharger):
    """A virtual charger at whose order the product may die. `before` counts the orders it had got by then."""

    def __init__(self, charger_id: str, url: str, *, scenario: Scenario, version: Literal["1.6", "2.0.1"]) -> None:
        super().__init__(
            charger_id, url, clock=HastyClock(), version=version, password=PASSWORD, scenario=scenario,
            habits=Habits(reboot_s=0.5, heartbeat_s=5),
        )  # fmt: skip
        self.moment: Moment | None = None
        self.kill: Callable[[], None] = lambda: None
        self.doomed = asyncio.Event()
        self.before = 0

    def _obey(self, action: str, payload: dict[str, Any]) -> Obedience:
        answer = super()._obey(action, payload)
        if self.moment is not None and self.moment.is_at(action, payload):
            after_s, self.moment = self.moment.after_s, None
            if after_s is None:
                self.die()
            else:
                asyncio.get_running_loop().call_later(after_s, self.die)
        return answer

    def die(self) -> None:
        """The product's end."""
        self.kill()
        self.before = len(self.orders)
        self.doomed.set()

    def obeyed(self, moment: Moment) -> int:
        """How often that order came."""
        return sum(moment.is_at(action, payload) for action, payload in self.orders)


async def online(*chargers: DoomingCharger) -> None:
    """Wait until they are connected and their states are on the books."""
    async with asyncio.timeout(60):
        while not all(charger.online for charger in chargers):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


async def furnish(database_url: str, ids: list[str]) -> str:
    """A schema, these chargers and a member of the team, before the product is started; gives the member's token."""
    await asyncio.to_thread(migrate.prepare, database_url)
    office = Office(database_url, clock=SystemClock(), bus=LocalBus(), house=House(node="furnisher"))

    def register(work: Work) -> str:
        for charger_id in ids:
            chargers.add(
                work, charger_id, name=f"Liberty Plaza {charger_id}", current_type=CurrentType.DC,
                site="Liberty Plaza", password=PASSWORD,
            )  # fmt: skip
        tara = members.add(work, email="tara@team.example", name="Tara", role=Role.OPS_AGENT)
        return members.create_token(work, tara)

    try:
        return await office.run(OPERATOR, register)
    finally:
        await asyncio.to_thread(office.close)


def build(url: str, moments: list[Moment], rng: random.Random) -> list[tuple[DoomingCharger, DoomingCharger]]:
    """Two chargers in fault for each moment. A product that dies at a reset dies at one that works."""
    ids = itertools.count(200_001)

    def make(scenario: Scenario) -> DoomingCharger:
        version: Literal["1.6", "2.0.1"] = rng.choice(("1.6", "2.0.1"))
        return DoomingCharger(str(next(ids)), url, scenario=scenario, version=version)

    pairs = []
    for moment in moments:
        ill = TRANSIENT if moment.action == "Reset" else rng.choice((TRANSIENT, HARD))
        pairs.append((make(ill), make(rng.choice((TRANSIENT, HARD)))))
    return pairs
