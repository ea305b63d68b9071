"""A connector of a virtual charger: cable, lock, meter, session, fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from integrations.ocpp.simulator.scenarios import Ailment
from models.charger import ChargerState


@dataclass
class LiveSession:
    """Energy flowing. `name` is the 2.0.1 transaction id, `number` the one that a 1.6 central system gave."""

    tag: str
    name: str
    power_w: float
    meter_start_wh: int
    started_at: datetime
    updated_at: datetime
    soc_percent: float
    number: int | None = None
    suspended: bool = False
    seq: int = -1
    remote_start_id: int | None = None
    begun: bool = False

    def next_seq(self) -> int:
        """The sequence number of the next 2.0.1 event."""
        self.seq += 1
        return self.seq


@dataclass
class Outlet:
    """One connector, on an EVSE of its own. `register_wh` is its lifetime meter."""

    number: int
    rated_w: float
    register_wh: float
    plugged: bool = False
    operative: bool = True
    operative_after_session: bool | None = None
    finishing: bool = False
    session: LiveSession | None = None
    fault: Ailment | None = None
    told_problem: Ailment | None = field(default=None)

    @property
    def state(self) -> ChargerState:
        """The state in the words of 1.6."""
        if self.fault is not None:
            return ChargerState.FAULTED
        if self.session is not None:
            return ChargerState.SUSPENDED_EV if self.session.suspended else ChargerState.CHARGING
        if not self.operative:
            return ChargerState.UNAVAILABLE
        if self.finishing and self.plugged:
            return ChargerState.FINISHING
        return ChargerState.PREPARING if self.plugged else ChargerState.AVAILABLE

    @property
    def free(self) -> bool:
        """Whether a session can start here."""
        return self.fault is None and self.session is None and self.operative

    def flow(self, now: datetime) -> None:
        """Let the energy of the time since the last look pass through the meter."""
        session = self.session
        if session is None:
            return
        hours = max((now - session.updated_at).total_seconds(), 0) / 3600
        session.updated_at = now
        if session.suspended:
            return
        energy = self.power_w * hours
        self.register_wh += energy
        session.soc_percent = min(session.soc_percent + energy / 600, 100.0)  # a car of 60 kWh

    @property
    def power_w(self) -> float:
        """What flows now; a nearly full car takes less and less."""
        session = self.session
        if session is None or session.suspended:
            return 0.0
        taper = 1.0 if session.soc_percent < 80 else max((100 - session.soc_percent) / 20, 0.05)
        return session.power_w * taper
