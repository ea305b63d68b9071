"""A scripted charger behind a fake wire: it answers orders and reports as a test wants, through the desk's verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from desk import charger_state, charging
from desk.office import Office
from models.access import charger_actor
from models.charger import ChargerState, OrderKind, OrderOutcome
from models.ports import BootReport, Clock, Order, OrderAnswer, StatusReport, StopReport

ACCEPTED = OrderAnswer(OrderOutcome.ANSWERED, "Accepted")
REJECTED = OrderAnswer(OrderOutcome.ANSWERED, "Rejected")
SCHEDULED = OrderAnswer(OrderOutcome.ANSWERED, "Scheduled")
TIMEOUT = OrderAnswer(OrderOutcome.TIMEOUT)
LOST = OrderAnswer(OrderOutcome.LOST)
ERROR = OrderAnswer(OrderOutcome.ERROR, "NotImplemented")


@dataclass
class Station:
    """Fits models.ports.ChargerWire for one charger.

    `cleared_by`: which of trigger, cycle, reset, unlock ends the fault. `returns_s`: after how long it is back.
    `answers` replaces the answer to an order; what is not Accepted has no effect, but LOST cuts the socket.
    """

    office: Office
    clock: Clock
    charger_id: str = "100001"
    fault: str | None = "InternalError"
    vendor_error: str | None = None
    cleared_by: frozenset[str] = frozenset()
    returns_s: float | None = None
    comes_back_as: str | None = None
    speaks_on_trigger: bool = True
    speaks: bool = True
    leaves_on_reset: bool = True
    returns_from_reset: bool = True
    boots: bool = True
    stamp: Callable[[datetime], datetime | None] = field(default=lambda now: now)
    answers: dict[OrderKind, OrderAnswer] = field(default_factory=dict)
    calls: list[Order] = field(default_factory=list)
    operative: dict[int, bool] = field(default_factory=lambda: {1: True})
    live: bool = True
    epoch: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def connected(self, charger_id: str) -> bool:
        """Whether the socket is there."""
        return self.live and charger_id == self.charger_id

    async def call(self, order: Order) -> OrderAnswer:
        """Answer, then do it."""
        self.calls.append(order)
        answer = self.answers.get(order.kind, ACCEPTED)
        if answer.outcome is OrderOutcome.LOST:
            await self.leave()
        elif answer is ACCEPTED:
            self._tasks.append(asyncio.create_task(self._obey(order)))
        return answer

    async def settle(self) -> None:
        """Stop whatever it still had in mind."""
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        failures = [one for one in results if isinstance(one, Exception)]
        assert not failures, failures

    def sent(self, kind: OrderKind) -> list[Order]:
        """The orders of a kind that reached it."""
        return [order for order in self.calls if order.kind is kind]

    # What it does ----------------------------------------------------------------------------------------------

    async def _obey(self, order: Order) -> None:
        match order.kind:
            case OrderKind.TRIGGER_STATUS:
                await self._heal("trigger")
                if self.speaks_on_trigger:
                    await self.report(order.args["connector"])
            case OrderKind.SET_AVAILABILITY:
                await self._availability(order.args["connector"], operative=order.args["operative"])
            case OrderKind.UNLOCK:
                await self._heal("unlock")
                await self._say(order.args["connector"])
            case OrderKind.RESET:
                await self._restart()
            case OrderKind.REMOTE_STOP:
                stop = StopReport(order.args["transaction_id"], None, 5_000, self.clock.now(), "Remote")
                await self.office.run(charger_actor(self.charger_id), charging.stopped, self.charger_id, stop)

    async def _availability(self, connector: int, *, operative: bool) -> None:
        numbers = [number for number in self.operative if connector in (0, number)]
        for number in numbers:
            self.operative[number] = operative
        if operative:
            await self._heal("cycle")
        for number in numbers:
            await self._say(number)

    async def _heal(self, by: str) -> None:
        if by in self.cleared_by:
            self.fault = None
            if self.returns_s is not None:
                self._tasks.append(asyncio.create_task(self._fault_again(self.returns_s)))

    async def _fault_again(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self.fault = self.comes_back_as or "InternalError"
        await self.report(1)

    async def _restart(self) -> None:
        if not self.leaves_on_reset:
            return
        await self.clock.sleep(0.5)
        await self.leave()
        if not self.returns_from_reset:
            return
        await self.clock.sleep(1)
        await self._heal("reset")
        await self.arrive(boot=self.boots)

    # What it says ----------------------------------------------------------------------------------------------

    async def arrive(self, *, boot: bool = True) -> None:
        """Connect, boot, tell every connector's state."""
        actor = charger_actor(self.charger_id)
        now = self.clock.now()
        self.epoch = await self.office.run(actor, charger_state.connected, self.charger_id, "1.6", now)
        self.live = True
        if boot:
            report = BootReport("Virtual", "V1", firmware="1.0")
            await self.office.run(actor, charger_state.booted, self.charger_id, report, now, heartbeat_interval_s=300)
        for number in self.operative:
            await self._say(number)

    async def leave(self) -> None:
        """The socket goes."""
        self.live = False
        await self.office.run(
            charger_actor(self.charger_id), charger_state.disconnected, self.charger_id, self.epoch, self.clock.now()
        )

    async def _say(self, number: int) -> None:
        if self.speaks:
            await self.report(number)

    async def report(self, number: int) -> None:
        """A status as it is now."""
        state = ChargerState.AVAILABLE if self.operative.get(number, True) else ChargerState.UNAVAILABLE
        report = StatusReport(
            number, ChargerState.FAULTED if self.fault else state, self.fault or "NoError",
            self.vendor_error if self.fault else None, reported_at=self.stamp(self.clock.now()),
        )  # fmt: skip
        await self.office.run(
            charger_actor(self.charger_id), charger_state.reported, self.charger_id, report, self.clock.now()
        )


def earlier(seconds: float) -> Callable[[datetime], datetime]:
    """Stamps of reports that waited in a queue."""
    return lambda now: now - timedelta(seconds=seconds)
