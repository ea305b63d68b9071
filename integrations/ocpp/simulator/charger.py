"""A virtual charger with a line to a central system: connects, boots, beats, obeys, goes and comes back."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

from websockets.exceptions import InvalidHandshake, InvalidStatus

from integrations.ocpp.simulator import v16, v201
from integrations.ocpp.simulator.dialect import Dialect, Message
from integrations.ocpp.simulator.life import come_and_go
from integrations.ocpp.simulator.scenarios import SCENARIOS, Scenario
from integrations.ocpp.simulator.station import Habits, VirtualStation
from integrations.ocpp.simulator.wire import LineDown, Obedience, Refused, Wire, dial
from models.ports import Clock

log = logging.getLogger(__name__)

RETRY_S = (1.0, 2.0, 5.0, 10.0, 20.0)
TAGS = ("DEMO0001", "DEMO0002", "DEMO0003")


class VirtualCharger(VirtualStation):
    """A charger as a central system sees it. `url` is the address before the identity, `ws://HOST:PORT/ocpp`.

    `scenario` is a name from SCENARIOS or a Scenario. `tags` are what busy drivers hold to the reader.
    All waits are the clock's; the same seed and identity live the same life.
    """

    def __init__(
        self,
        charger_id: str,
        url: str,
        *,
        clock: Clock,
        version: Literal["1.6", "2.0.1"] = "1.6",
        password: str | None = None,
        scenario: str | Scenario = "healthy",
        connectors: int = 1,
        seed: int = 1,
        tags: Sequence[str] = TAGS,
        habits: Habits | None = None,
    ) -> None:
        dialect: Dialect = v16.Dialect16() if version == "1.6" else v201.Dialect201()
        chosen = SCENARIOS[scenario] if isinstance(scenario, str) else scenario
        super().__init__(
            charger_id,
            dialect=dialect,
            clock=clock,
            scenario=chosen,
            connectors=connectors,
            seed=seed,
            habits=habits or Habits(),
        )
        self.variables = dict(v16.VARIABLES if version == "1.6" else v201.VARIABLES)
        if version == "1.6":
            self.variables["NumberOfConnectors"] = str(connectors), True
        self.url = url
        self.password = password
        self.tags = tuple(tags)
        self._wire: Wire | None = None
        self._queue: deque[Message] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._may_talk = asyncio.Event()
        if chosen.connects:
            self._may_talk.set()
        self._boot_due = "PowerUp"
        self._reset: Literal["soft", "hard"] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self._turned_away = ""

    @property
    def online(self) -> bool:
        """Whether the line is up and the boot was accepted."""
        return self._wire is not None

    async def run(self) -> None:
        """Live until `stop`."""
        self._running = asyncio.current_task()
        if self.scenario.busy:
            for outlet in self.outlets:
                self.later(0, lambda outlet=outlet: come_and_go(self, outlet))  # type: ignore[misc]
        failures = 0
        try:
            while True:
                await self._may_talk.wait()
                if await self._connect_once():
                    failures = 0
                await self.clock.sleep(self._pause(failures))
                failures += 1
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Go away for good."""
        if self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _pause(self, failures: int) -> float:
        if self._reset is not None:
            return self.habits.reboot_s
        return RETRY_S[min(failures, len(RETRY_S) - 1)] * self.rng.uniform(0.8, 1.2)

    async def _connect_once(self) -> bool:
        """One socket's life; tells whether it came up at all."""
        try:
            socket = await dial(self.url, self.charger_id, self.dialect.subprotocol, self.password)
        except (OSError, TimeoutError, InvalidHandshake) as error:
            self._say_why(error)
            return False
        self._turned_away = ""
        log.info("%s is connected", self.charger_id)
        wire = Wire(socket, self._obey)
        talk = asyncio.create_task(self._talk(wire))
        try:
            await wire.run()
        finally:
            self._wire = None
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)
            await socket.close()
            self._queue = deque(message for message in self._queue if message.keep)
        return True

    def _say_why(self, error: Exception) -> None:
        """Once for a reason, because it tries again and again."""
        why = str(error)
        if isinstance(error, InvalidStatus):
            why = f"HTTP {error.response.status_code}: {(error.response.body or b'')[:200].decode('utf-8', 'replace')}"
        if why != self._turned_away:
            self._turned_away = why
            log.warning("%s cannot connect: %s", self.charger_id, why.strip())

    async def _talk(self, wire: Wire) -> None:
        try:
            await self._say_hello(wire)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat(wire))
                group.create_task(self._deliver(wire))
                if self.scenario.drops_after_s is not None:
                    group.create_task(self._drop_some_day(wire, self.scenario.drops_after_s))
        except* (LineDown, Refused) as lost:
            log.info("%s: %s", self.charger_id, lost.exceptions)
            wire.cut()

    async def _say_hello(self, wire: Wire) -> None:
        """Boot where it started again, then say what state the connectors are in."""
        if self._reset is not None:
            self.cure(self._reset)
            self._reset = None
        while self._boot_due:
            answer = await wire.call("BootNotification", self.dialect.boot(self, self._boot_due).build())
            interval = float(answer.get("interval") or 0)
            if answer.get("status") == "Accepted":
                self._boot_due = ""
                self.boots += 1
                self.habits.heartbeat_s = interval or self.habits.heartbeat_s
            else:
                await self.clock.sleep(interval or 60)
        self._wire = wire
        waiting, self._queue = self._queue, deque()
        for outlet in self.outlets:
            self.tell(outlet, again=True)
        self._queue.extend(waiting)

    async def _beat(self, wire: Wire) -> None:
        while True:
            await self.clock.sleep(self.habits.heartbeat_s)
            await wire.call("Heartbeat", {})

    async def _deliver(self, wire: Wire) -> None:
        """Send what waits, in order; a message leaves the queue once it was answered."""
        while True:
            self._work.clear()
            while self._queue:
                message = self._queue[0]
                try:
                    answer = await wire.call(message.action, message.build())
                except Refused as refused:
                    log.warning("%s: %s refused: %s", self.charger_id, message.action, refused)
                    answer = {}
                self._queue.popleft()
                if message.then is not None:
                    message.then(answer)
            self._idle.set()
            await self._work.wait()

    async def _drop_some_day(self, wire: Wire, between: tuple[float, float]) -> None:
        await self.clock.sleep(self.rng.uniform(*between))
        wire.cut()

    def _obey(self, action: str, payload: dict[str, Any]) -> Obedience:
        self.orders.append((action, payload))
        try:
            return self.dialect.obey(self, action, payload)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            log.info("%s does not understand %s", self.charger_id, action)
            return Obedience(error="FormationViolation" if self.dialect.subprotocol == "ocpp1.6" else "FormatViolation")

    # What the body asks of the line

    def post(self, message: Message) -> None:
        """Send in order; what is not kept is dropped while the line is down."""
        if self._wire is None and not message.keep:
            return
        self._queue.append(message)
        self._idle.clear()
        self._work.set()

    def later(self, seconds: float, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something after a wait on the charger's clock."""

        async def wait_and_do() -> None:
            if seconds > 0:
                await self.clock.sleep(seconds)
            await what()

        task = asyncio.create_task(wait_and_do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def reboot(self, *, hard: bool) -> None:
        """Go down, gently or at once, and start again after `habits.reboot_s`."""
        self.later(0, lambda: self._go_down(hard=hard))

    async def _go_down(self, *, hard: bool) -> None:
        wire = self._wire
        if not hard and wire is not None and self._queue:
            await self._idle.wait()
        self._reset = "hard" if hard else "soft"
        self._boot_due = "RemoteReset" if self.dialect.subprotocol != "ocpp1.6" else "Reset"
        self._wire = None
        for outlet in self.outlets:
            self.stop_session(outlet.number, "HardReset")
        if wire is not None:
            wire.cut()

    # What a test or a demonstration does to it

    async def start_session(self, tag: str, connector: int = 1) -> bool:
        """A driver plugs in and holds a tag to the reader; tells whether energy flows. Needs the line."""
        outlet = self.outlet(connector)
        if not outlet.plugged:
            self.plug_in(connector)
        wire = self._wire
        if wire is None or not outlet.free:
            return False
        request = self.dialect.authorize(tag)
        try:
            answer = await wire.call(request.action, request.build())
        except (LineDown, Refused):
            return False
        if not self.dialect.accepts(answer) or not outlet.free:
            return False
        self.begin_session(tag, connector)
        return True

    def drop(self) -> None:
        """The line goes and comes back; the charger does not start again."""
        if self._wire is not None:
            self._wire.cut()

    def go_silent(self) -> None:
        """The line goes and does not come back until `come_back`."""
        self._may_talk.clear()
        self.drop()

    def come_back(self) -> None:
        """Talk again."""
        self._may_talk.set()
