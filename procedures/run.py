"""What every procedure has in its hands: fenced steps, orders, waits, and the duty to put things back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from desk import run_steps
from desk.office import Office
from desk.run_steps import Claimed, View
from models.access import ASSISTANT
from models.charger import OrderKind, OrderOutcome, RunResult
from models.ports import Bus, Chargers, Clock, OrderAnswer
from procedures.patience import Patience

_NOT_SENT = (OrderOutcome.NOT_CONNECTED, OrderOutcome.EXPIRED)


@dataclass(frozen=True)
class Outcome:
    """How a procedure ended."""

    result: RunResult
    facts: dict[str, Any] = field(default_factory=dict)


class Ended(Exception):  # noqa: N818 - an ordinary end, from the depth of a step
    """The procedure is over."""

    def __init__(self, result: RunResult, **facts: Any) -> None:
        super().__init__(result.value)
        self.outcome = Outcome(result, facts)


@dataclass
class Run:
    """A claimed run. Raises LeaseLost from any step once another worker holds it."""

    office: Office
    chargers: Chargers
    clock: Clock
    bus: Bus
    owner: str
    claimed: Claimed
    patience: Patience
    sent: bool = False  # an order may have reached the charger

    @property
    def charger_id(self) -> str:
        """Whose procedure it is."""
        return self.claimed.charger_id

    @property
    def connector(self) -> int:
        """The connector it is about."""
        return self.claimed.connector or 1

    def now(self) -> datetime:
        """The present of the run's clock."""
        return self.clock.now()

    async def look(self) -> View:
        """The charger as it is known now."""
        return await self.office.read(ASSISTANT, run_steps.look, self.charger_id)

    async def snapshot(self, view: View) -> None:
        """Keep how the charger was before anything was done."""
        await self.office.run(ASSISTANT, run_steps.snapshot, self.claimed.id, self.owner, view.as_facts())

    async def begin(self, step: str) -> None:
        """Write down that a step is about to be done; ends the run as STOPPED where that was asked."""
        if not await self.office.run(ASSISTANT, run_steps.begin, self.claimed.id, self.owner, step):
            raise Ended(RunResult.STOPPED)

    async def note(self, step: str, outcome: str, **facts: Any) -> None:
        """Keep what a step came to."""
        await self.office.run(
            ASSISTANT, run_steps.note, self.claimed.id, self.owner, step, outcome=outcome, facts=facts
        )

    async def order(self, step: str, kind: OrderKind, **args: Any) -> OrderAnswer:
        """Do a step by an order, once. Ends the run when the charger is gone: as NOT_CONNECTED where nothing
        reached it, else as UNKNOWN."""
        await self.begin(step)
        answer = await self.chargers.order(self.charger_id, kind, args, run_id=self.claimed.id)
        await self.note(step, answer.status or answer.outcome.value, order=kind.value, args=args)
        if answer.outcome in _NOT_SENT:
            raise Ended(RunResult.UNKNOWN if self.sent else RunResult.NOT_CONNECTED, step=step)
        self.sent = self.sent or kind is not OrderKind.TRIGGER_STATUS
        return answer

    async def trigger(self, step: str, connector: int) -> bool:
        """Ask for a status; tells whether the charger agreed to send one."""
        return (await self.order(step, OrderKind.TRIGGER_STATUS, connector=connector)).accepted

    async def until(self, holds: Callable[[View], bool], seconds: float) -> View | None:
        """The first view for which `holds` is true, None when it was not within `seconds`."""
        queue = self.bus.subscribe(f"live.charger.{self.charger_id}")
        end = self.now() + timedelta(seconds=seconds)
        try:
            while True:
                view, stop = await self.office.read(ASSISTANT, run_steps.watch, self.claimed.id, self.charger_id)
                if stop:
                    raise Ended(RunResult.STOPPED)
                if holds(view):
                    return view
                left = (end - self.now()).total_seconds()
                if left <= 0:
                    return None
                await self._wait(queue, min(left, self.patience.poll_s))
        finally:
            self.bus.unsubscribe(queue)

    async def _wait(self, queue: asyncio.Queue[str], seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with self.clock.timeout(seconds):
                await queue.get()
        while not queue.empty():
            queue.get_nowait()

    # Putting back ----------------------------------------------------------------------------------------------

    async def owe(self, connector: int) -> None:
        """Before a connector is made inoperative: note that it must be put back."""
        await self.office.run(ASSISTANT, run_steps.owe, self.claimed.id, self.owner, [connector])

    async def restored(self) -> None:
        """Nothing is owed any more."""
        await self.office.run(ASSISTANT, run_steps.restored, self.claimed.id)

    async def put_back(self) -> bool:
        """Make operative again what is owed; tells whether nothing is owed any more."""
        owed = await self.office.read(ASSISTANT, run_steps.owed, self.claimed.id)
        if not owed:
            return True
        return await put_back(self.office, self.chargers, self.claimed.id, self.charger_id, owed)


async def put_back(office: Office, chargers: Chargers, run_id: int, charger_id: str, connectors: list[int]) -> bool:
    """Order connectors back into service and, once the charger has agreed for all, note that they are."""
    for connector in connectors:
        args = {"connector": connector, "operative": True}
        answer = await chargers.order(charger_id, OrderKind.SET_AVAILABILITY, args, run_id=run_id)
        if answer.outcome is not OrderOutcome.ANSWERED or answer.status not in ("Accepted", "Scheduled"):
            return False
    await office.run(ASSISTANT, run_steps.restored, run_id)
    return True
