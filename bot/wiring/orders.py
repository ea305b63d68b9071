"""Orders to chargers: the clerk writes them down and waits, the runner sends those whose sockets are here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from desk import charger_state, orders
from desk.office import Office
from desk.orders import Waiting
from models.access import ASSISTANT, Actor, charger_actor
from models.charger import OrderKind, OrderOutcome
from models.errors import Unavailable
from models.ports import Bus, ChargerWire, Clock, Order, OrderAnswer, Presence

log = logging.getLogger(__name__)

ANSWER_S = 45.0
"""How long an order that was sent may take to end; longer than the wire's own patience."""
POLL_S = 1.0
ABSENCES = 3
"""Looks, a poll apart, that must find nobody with the charger's socket: a process that lost its way to the others
still takes its orders from the database meanwhile, by its own poll."""
_SWEEP_EVERY_S = 5
_NETWORK = charger_actor("network")


@dataclass(frozen=True)
class OrderClerk:
    """Fits models.ports.Chargers: the row first, then its end, whichever process holds the socket.

    With a `presence`, an order to a charger whose process died ends within seconds and not when it expires.
    """

    office: Office
    bus: Bus
    clock: Clock
    actor: Actor = ASSISTANT
    presence: Presence | None = None

    def acting_as(self, actor: Actor) -> OrderClerk:
        """The same, in somebody's name."""
        return replace(self, actor=actor)

    async def order(
        self, charger_id: str, kind: OrderKind, args: dict[str, Any], *, run_id: int | None = None,
        actor: Actor | None = None,
    ) -> OrderAnswer:  # fmt: skip
        """Write the order down, have it sent, wait for its answer. Raises Refusal for an unknown charger."""
        order_id = str(uuid.uuid4())
        queue = self.bus.subscribe(f"order.{order_id}")
        try:
            command = await self.office.run(
                actor or self.actor, orders.place, charger_id, kind, args, run_id=run_id, order_id=order_id
            )
            patience_ends = command.expires_at + timedelta(seconds=ANSWER_S)
            absences = 0
            while (answer := await self.office.read(self.actor, orders.answer, order_id)) is None:
                if self.clock.now() > patience_ends:
                    return await self.office.run(self.actor, orders.give_up, order_id)
                absences = absences + 1 if await self._absent(charger_id) else 0
                if absences == ABSENCES:
                    await self.office.run(self.actor, orders.nobody_there, order_id)
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(queue.get(), POLL_S)
            return answer
        finally:
            self.bus.unsubscribe(queue)

    async def _absent(self, charger_id: str) -> bool:
        return self.presence is not None and await self.presence.connected(charger_id) is False


class OrderRunner:
    """Sends the orders for chargers whose sockets this process holds: one at a time for each charger, each once."""

    def __init__(self, office: Office, wire: ChargerWire, clock: Clock, bus: Bus, node: str) -> None:
        self._office = office
        self._wire = wire
        self._clock = clock
        self._bus = bus
        self._node = node
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._over = asyncio.Event()
        self._over.set()
        self._sweep_at = clock.now()

    async def run(self) -> None:
        """Work until `stop`, or until cancelled; a failing database is waited for. At the end nothing more is sent,
        and what was sent and is not answered yet counts as lost."""
        queue = self._bus.subscribe("order")
        self._over.clear()
        try:
            await self._work(queue)
        finally:
            self._stopping = True
            self._bus.unsubscribe(queue)
            lanes = list(self._lanes.values())
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            self._over.set()

    async def stop(self) -> None:
        """End `run` and wait for its end."""
        self._stopping = True
        self._bus.announce("order")
        await self._over.wait()

    async def _work(self, queue: asyncio.Queue[str]) -> None:
        begun = False
        while not self._stopping:
            try:
                if not begun:
                    await self._office.run(_NETWORK, orders.lose, self._node)
                    await self._office.run(_NETWORK, charger_state.forget_others)
                    begun = True
                await self._send_waiting()
                await self._sweep()
            except Unavailable as error:
                log.warning("orders wait for the database: %s", error)
            if not self._stopping:
                await self._idle(queue)

    async def _idle(self, queue: asyncio.Queue[str]) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(queue.get(), POLL_S)
        while not queue.empty():
            queue.get_nowait()

    async def _send_waiting(self) -> None:
        waiting = await self._office.read(_NETWORK, orders.waiting, self._node)
        by_charger: dict[str, list[Waiting]] = {}
        for order in waiting:
            by_charger.setdefault(order.charger_id, []).append(order)
        for charger_id, lane in by_charger.items():
            if charger_id not in self._lanes:
                self._lanes[charger_id] = asyncio.create_task(self._send_lane(charger_id, lane))

    async def _send_lane(self, charger_id: str, lane: list[Waiting]) -> None:
        try:
            for order in lane:
                await self._send(charger_id, order.id)
        except Unavailable as error:
            log.warning("orders to %s wait for the database: %s", charger_id, error)
        finally:
            del self._lanes[charger_id]
            if not self._stopping:
                self._bus.announce("order")  # something may have come meanwhile

    async def _send(self, charger_id: str, order_id: str) -> None:
        if not self._wire.connected(charger_id):
            await self._end(order_id, OrderAnswer(OrderOutcome.NOT_CONNECTED))
            return
        order = await self._office.run(_NETWORK, orders.begin, order_id, self._node)
        if order is not None:
            await self._call(order)

    async def _call(self, order: Order) -> None:
        answer = OrderAnswer(OrderOutcome.LOST)
        try:
            answer = await self._wire.call(order)
        except Exception:
            log.exception("order %s: the wire broke its promise never to raise", order.id)
        finally:
            await asyncio.shield(self._end(order.id, answer))

    async def _end(self, order_id: str, answer: OrderAnswer) -> None:
        await self._office.run(_NETWORK, orders.finish, order_id, answer)

    async def _sweep(self) -> None:
        if self._clock.now() >= self._sweep_at:
            self._sweep_at = self._clock.now() + timedelta(seconds=_SWEEP_EVERY_S)
            await self._office.run(_NETWORK, orders.sweep)
