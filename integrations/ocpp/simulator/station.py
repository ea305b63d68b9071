"""The body of a virtual charger: connectors, cars, sessions, faults, and how it obeys. No socket here."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from integrations.ocpp.simulator.dialect import Dialect, Message
from integrations.ocpp.simulator.outlet import LiveSession, Outlet
from integrations.ocpp.simulator.scenarios import Ailment, Scenario
from integrations.ocpp.simulator.wire import Payload
from models.ports import Clock


@dataclass
class Habits:
    """What can be adjusted: waits in seconds of the charger's clock."""

    reboot_s: float = 5.0
    plug_in_s: float = 2.0
    sample_s: float = 60.0
    heartbeat_s: float = 300.0
    returns_after_s: float | None = None  # overrides the scenario's
    cycle_clears: bool = False  # whether Inoperative and back cures what a reset would cure


class VirtualStation(ABC):
    """Connectors and what happens at them. Whoever has a line gives it `post`, `later` and `reboot`."""

    def __init__(
        self,
        charger_id: str,
        *,
        dialect: Dialect,
        clock: Clock,
        scenario: Scenario,
        connectors: int,
        seed: int,
        habits: Habits,
    ) -> None:
        self.charger_id = charger_id
        self.dialect = dialect
        self.clock = clock
        self.scenario = scenario
        self.habits = habits
        self.rng = random.Random(f"{seed}:{charger_id}")
        rated = self.rng.choice((7_400.0, 11_000.0, 22_000.0, 50_000.0))
        self.outlets = [
            Outlet(number, rated, float(self.rng.randint(100_000, 9_000_000))) for number in range(1, connectors + 1)
        ]
        self.variables: dict[str, tuple[str, bool]] = {}
        self.reset_when_idle = False
        self.orders: list[tuple[str, Payload]] = []
        self.boots = 0
        if scenario.ailment is not None:
            self.outlets[0].fault = scenario.ailment

    @abstractmethod
    def post(self, message: Message) -> None:
        """Send in order; what is not kept is dropped while the line is down."""

    @abstractmethod
    def later(self, seconds: float, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something after a wait on the charger's clock."""

    @abstractmethod
    def reboot(self, *, hard: bool) -> None:
        """Go down, and start again after a while."""

    # What happens at the charger

    def outlet(self, connector: int) -> Outlet:
        """A connector by its number. Raises IndexError for none."""
        if connector < 1:
            raise IndexError(connector)
        return self.outlets[connector - 1]

    @property
    def in_session(self) -> bool:
        """Whether energy is being sold at any connector."""
        return any(outlet.session is not None for outlet in self.outlets)

    def tell(self, outlet: Outlet, *, again: bool = False) -> None:
        """Report a connector's state."""
        for message in self.dialect.status(self, outlet, again=again):
            self.post(message)

    def plug_in(self, connector: int = 1) -> None:
        """A car is connected."""
        outlet = self.outlet(connector)
        outlet.plugged, outlet.finishing = True, False
        self.tell(outlet)

    def unplug(self, connector: int = 1) -> None:
        """The car leaves; a session that runs ends first."""
        outlet = self.outlet(connector)
        if outlet.session is not None:
            self.stop_session(connector, "EVDisconnected")
        outlet.plugged = outlet.finishing = False
        self.tell(outlet)

    def fault(
        self, error_code: str = "InternalError", connector: int = 1, cured_by: frozenset[str] | None = None
    ) -> None:
        """Something breaks. Nothing cures it but `clear`, unless said otherwise."""
        self._fall_ill(self.outlet(connector), Ailment(error_code, cured_by or frozenset()))

    def clear(self, connector: int = 1) -> None:
        """The fault is mended."""
        outlet = self.outlet(connector)
        outlet.fault = None
        self.tell(outlet)

    def _fall_ill(self, outlet: Outlet, ailment: Ailment) -> None:
        if outlet.session is not None:
            self.stop_session(outlet.number, "Other")
        outlet.fault = ailment
        self.tell(outlet)

    def cure(self, remedy: str, *, only: int | None = None) -> list[Outlet]:
        """Apply a remedy; gives the connectors it helped. A fault that returns is on its way back from here."""
        helped = []
        for outlet in self.outlets:
            ailment = outlet.fault
            if ailment is None or remedy not in ailment.cured_by or only not in (None, outlet.number):
                continue
            outlet.fault = None
            helped.append(outlet)
            after = self.habits.returns_after_s
            after = ailment.returns_after_s if after is None else after
            if after is not None and ailment.returns_after_s is not None:
                self.later(after, self._relapse(outlet, ailment))
        return helped

    def _relapse(self, outlet: Outlet, ailment: Ailment) -> Callable[[], Coroutine[Any, Any, None]]:
        async def fall_ill_again() -> None:
            if outlet.fault is None:
                self._fall_ill(outlet, ailment)

        return fall_ill_again

    def begin_session(self, tag: str, connector: int = 1, remote_start_id: int | None = None) -> LiveSession:
        """Energy flows. The tag was authorised before."""
        outlet, now = self.outlet(connector), self.clock.now()
        session = LiveSession(
            tag=tag,
            name=str(UUID(int=self.rng.getrandbits(128), version=4)),
            power_w=outlet.rated_w * self.rng.uniform(0.6, 0.98),
            meter_start_wh=round(outlet.register_wh),
            started_at=now,
            updated_at=now,
            soc_percent=self.rng.uniform(15, 60),
            remote_start_id=remote_start_id,
        )
        outlet.plugged, outlet.finishing, outlet.session = True, False, session
        for message in self.dialect.started(self, outlet, session):
            self.post(message)
        self.tell(outlet)
        self.later(self.habits.sample_s, lambda: self._sample(outlet, session))
        return session

    async def _sample(self, outlet: Outlet, session: LiveSession) -> None:
        while outlet.session is session:
            outlet.flow(self.clock.now())
            self.post(self.dialect.metered(self, outlet, session))
            await self.clock.sleep(self.habits.sample_s)

    def suspend(self, connector: int = 1) -> None:
        """The car takes no more."""
        outlet = self.outlet(connector)
        if outlet.session is not None:
            outlet.flow(self.clock.now())
            outlet.session.suspended = True
            for message in self.dialect.changed(self, outlet, outlet.session):
                self.post(message)
            self.tell(outlet)

    def stop_session(self, connector: int = 1, reason: str = "Local") -> None:
        """The session ends; the car stays plugged in."""
        outlet = self.outlet(connector)
        session = outlet.session
        if session is None:
            return
        outlet.flow(self.clock.now())
        outlet.session, outlet.finishing = None, True
        for message in self.dialect.stopped(self, outlet, session, reason):
            self.post(message)
        if outlet.operative_after_session is not None:
            outlet.operative, outlet.operative_after_session = outlet.operative_after_session, None
        self.tell(outlet)
        if self.reset_when_idle and not self.in_session:
            self.reset_when_idle = False
            self.reboot(hard=False)

    # How it obeys

    def obey_availability(self, connector: int, *, operative: bool) -> str:
        """`Scheduled` while a session runs; kept over a reboot."""
        if connector > len(self.outlets):
            return "Rejected"
        chosen = self.outlets if connector == 0 else [self.outlet(connector)]
        status = "Accepted"
        for outlet in chosen:
            if outlet.session is not None and not operative:
                outlet.operative_after_session, status = operative, "Scheduled"
                continue
            outlet.operative_after_session = None
            changed, outlet.operative = outlet.operative is not operative, operative
            if operative and changed and self.habits.cycle_clears:
                self.cure("soft", only=outlet.number)
            if changed:
                self._soon(lambda outlet=outlet: self.tell(outlet))  # type: ignore[misc]
        return status

    def obey_unlock(self, connector: int) -> bool:
        """Whether the cable is free now. A session that runs ends first."""
        outlet = self.outlet(connector)
        if outlet.session is not None:
            self.stop_session(connector, "UnlockCommand")
        if outlet.fault is not None and outlet.fault.error_code == "ConnectorLockFailure":
            if not self.cure("unlock", only=connector):
                return False
            self._soon(lambda: self.tell(outlet))
        return True

    def obey_start(self, connector: int | None, tag: str, remote_start_id: int | None = None) -> bool:
        """Whether a session will start: the driver plugs in within a moment."""
        numbers = [connector] if connector else [outlet.number for outlet in self.outlets]
        free = [number for number in numbers if number <= len(self.outlets) and self.outlet(number).free]
        if not free:
            return False
        outlet = self.outlet(free[0])

        async def begin() -> None:
            if outlet.free and not outlet.plugged:
                self.plug_in(outlet.number)
            if outlet.free:
                self.begin_session(tag, outlet.number, remote_start_id)

        self.later(0 if outlet.plugged else self.habits.plug_in_s, begin)
        return True

    def obey_stop(self, wanted: Callable[[LiveSession], bool]) -> bool:
        """Whether such a session runs; it ends."""
        for outlet in self.outlets:
            if outlet.session is not None and wanted(outlet.session):
                self._soon(lambda number=outlet.number: self.stop_session(number, "Remote"))  # type: ignore[misc]
                return True
        return False

    def obey_reset(self, *, hard: bool) -> None:
        """Start again, unless this charger only says so."""
        if not self.scenario.obeys_reset:
            return
        if not hard:
            for outlet in self.outlets:
                self.stop_session(outlet.number, "SoftReset")
        self.reboot(hard=hard)

    def report(self, connector: int | None) -> None:
        """Say again what state connectors are in, unless this charger only promises to."""
        if not self.scenario.reports_when_asked:
            return
        for outlet in self.outlets:
            if connector in (None, 0, outlet.number):
                self.tell(outlet, again=True)

    def _soon(self, what: Callable[[], None]) -> None:
        async def do() -> None:
            what()

        self.later(0, do)
