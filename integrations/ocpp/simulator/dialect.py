"""What a virtual charger has to say, whichever version it speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from integrations.ocpp.simulator.outlet import LiveSession, Outlet
from integrations.ocpp.simulator.wire import Obedience, Payload

if TYPE_CHECKING:
    from integrations.ocpp.simulator.station import VirtualStation


@dataclass(frozen=True)
class Message:
    """A request to the central system, made when it is sent. `keep`: it waits for a line that is down."""

    action: str
    build: Callable[[], Payload]
    then: Callable[[Payload], None] | None = None
    keep: bool = False


class Dialect(Protocol):
    """A version of OCPP, from the charger's side."""

    subprotocol: str

    def boot(self, station: VirtualStation, reason: str) -> Message:
        """The charger started."""
        ...

    def heartbeat(self) -> Message:
        """Alive."""
        ...

    def status(self, station: VirtualStation, outlet: Outlet, *, again: bool) -> list[Message]:
        """A connector's state, and what explains it; `again` says it though nothing changed."""
        ...

    def authorize(self, tag: str) -> Message:
        """May this tag charge?"""
        ...

    def accepts(self, answer: Payload) -> bool:
        """Whether an answer to Authorize, or to a start, says yes."""
        ...

    def started(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> list[Message]:
        """A session began."""
        ...

    def metered(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> Message:
        """A reading."""
        ...

    def changed(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> list[Message]:
        """The flow of energy paused or went on."""
        ...

    def stopped(self, station: VirtualStation, outlet: Outlet, session: LiveSession, reason: str) -> list[Message]:
        """A session ended."""
        ...

    def obey(self, station: VirtualStation, action: str, payload: Payload) -> Obedience:
        """An order of the central system."""
        ...
