"""Shapes: what a room asks of the outside, named here so that siblings stay blind to one another.

The adapters that fit desk verbs and integrations to these shapes live in bot/wiring/.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from models.access import Actor
from models.charger import ChargerState, OrderKind, OrderOutcome
from models.outbox import Parcel, SendResult
from models.reading import Evidence, Reading, Registers


class Clock(Protocol):
    """Time, so that a test's clock can jump. Nothing else may decide by the time of day or wait by itself."""

    def now(self) -> datetime:
        """The present, aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Like asyncio.timeout: raises TimeoutError in the block when `seconds` of this clock have passed."""
        ...


class MessageClassifier(Protocol):
    """Understands a text; pure and safe to call from a thread."""

    def read(self, text: str, registers: Registers) -> Reading:
        """Never raises, whatever the text."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A classifier that can say why; pure and safe to call from a thread."""

    def explain(self, text: str, registers: Registers) -> Evidence:
        """What speaks for its reading of a text. Never raises, whatever the text."""
        ...


class Sender(Protocol):
    """The outgoing half of a channel."""

    async def send(self, parcel: Parcel) -> SendResult:
        """Render for the channel's limits and hand to the provider. Never raises for what the provider does."""
        ...


class Reconciler(Protocol):
    """A channel that can ask its provider what became of a send whose outcome is unknown."""

    async def find(self, address: str, rendered: str, since: datetime) -> str | None:
        """The provider's id of a message to `address` with that text sent since then; None where there is none.

        Raises ConnectionError when the provider cannot be asked now.
        """
        ...


@dataclass(frozen=True)
class Order:
    """An order to a charger, independent of its OCPP version. `id` is its row's key and the OCPP message id."""

    id: str
    charger_id: str
    kind: OrderKind
    args: dict[str, Any] = field(default_factory=dict)
    timeout_s: float = 30.0


@dataclass(frozen=True)
class OrderAnswer:
    """What came back. `status` is the charger's word (Accepted, Rejected, Scheduled, Unlocked, …) where it answered.
    `response["read"]` of one that read configuration: key → [value, whether it is read-only]; secrets have no value.
    """

    outcome: OrderOutcome
    status: str | None = None
    response: dict[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """The charger said yes. This proves nothing about the state it reaches."""
        return self.outcome is OrderOutcome.ANSWERED and self.status in ("Accepted", "Unlocked")


class ChargerWire(Protocol):
    """The central system, as whoever sends orders sees it: only chargers whose socket this process holds."""

    def connected(self, charger_id: str) -> bool:
        """Whether this process holds a live socket of that charger."""
        ...

    async def call(self, order: Order) -> OrderAnswer:
        """Send once and wait for the answer; never sends twice, never raises for what a charger does."""
        ...


class Presence(Protocol):
    """Who holds a charger's socket, where several processes can ask one another."""

    async def connected(self, charger_id: str) -> bool | None:
        """Whether any process holds a live socket of that charger; None where nobody can say. Never raises.

        A process that has just lost its way to the others is taken for gone: look again before acting on False.
        """
        ...


class Chargers(Protocol):
    """What procedures and commands ask: an order that is a row first, whichever process holds the socket."""

    async def order(
        self, charger_id: str, kind: OrderKind, args: dict[str, Any], *, run_id: int | None = None,
        actor: Actor | None = None,
    ) -> OrderAnswer:  # fmt: skip
        """Write the order down, have it sent, wait for its answer. `actor`: in whose name, else the house's."""
        ...


@dataclass(frozen=True)
class BootReport:
    """What a charger says of itself at boot."""

    vendor: str
    model: str
    serial_number: str | None = None
    firmware: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class StatusReport:
    """A connector's state as reported. `connector` 0 is the whole station. `reported_at` is the charger's own stamp."""

    connector: int
    status: ChargerState
    error_code: str = "NoError"
    vendor_error: str | None = None
    info: str | None = None
    reported_at: datetime | None = None
    evse: int | None = None
    evse_connector: int | None = None


@dataclass(frozen=True)
class StartReport:
    """A session begins. `transaction_id` is ours (from a reserved block), `remote_id` the charger's (2.0.1)."""

    transaction_id: int
    connector: int
    id_tag: str | None
    meter_start_wh: int
    started_at: datetime
    dedupe_key: str
    remote_id: str | None = None
    seq: int | None = None


@dataclass(frozen=True)
class MeterReport:
    """Readings of a session: register in Wh, power in W, state of charge in percent."""

    transaction_id: int | None
    remote_id: str | None
    connector: int
    at: datetime
    energy_wh: int | None = None
    power_w: int | None = None
    soc_percent: int | None = None
    seq: int | None = None


@dataclass(frozen=True)
class StopReport:
    """A session ends. `transaction_id` as the charger named it; unknown ones are kept as orphans."""

    transaction_id: int | None
    remote_id: str | None
    meter_stop_wh: int | None
    stopped_at: datetime
    reason: str | None = None
    id_tag: str | None = None
    connector: int | None = None
    seq: int | None = None


@dataclass(frozen=True)
class FrameRecord:
    """A frame for the log, secrets already blanked. `direction`: `in` or `out`."""

    charger_id: str
    at: datetime
    direction: str
    action: str | None
    frame: str


@dataclass(frozen=True)
class TagVerdict:
    """Whether a tag may charge: OCPP's words Accepted, Blocked, Expired, Invalid, ConcurrentTx."""

    status: str
    expires_at: datetime | None = None


class ChargingDesk(Protocol):
    """What the central system asks of the desk. Reports return once they are durable."""

    async def admit(self, charger_id: str, password: bytes | None, security_profile: int) -> bool:
        """Whether this identity with this password (None: none given) may connect."""
        ...

    async def connected(self, charger_id: str, version: str, at: datetime) -> int:
        """The newest socket of a charger; gives its epoch."""
        ...

    async def disconnected(self, charger_id: str, epoch: int, at: datetime) -> None:
        """That socket went; an older epoch touches nothing."""
        ...

    async def booted(self, charger_id: str, report: BootReport, at: datetime) -> None:
        """A boot was reported."""
        ...

    async def seen(self, charger_ids: dict[str, datetime]) -> None:
        """When chargers were last heard; batched."""
        ...

    async def status(self, charger_id: str, report: StatusReport, at: datetime) -> None:
        """A connector's state, received at `at`."""
        ...

    async def verdict(self, charger_id: str, id_tag: str) -> TagVerdict:
        """Whether a tag may charge here; answers from memory where it can."""
        ...

    async def next_transaction_id(self) -> int:
        """A number from a reserved block: 31 bits, never 0, never used before."""
        ...

    async def started(self, charger_id: str, report: StartReport) -> tuple[int, TagVerdict]:
        """A session began; a repeat of the same start gives the id it got the first time."""
        ...

    async def metered(self, charger_id: str, reports: list[MeterReport]) -> None:
        """Readings of a session."""
        ...

    async def stopped(self, charger_id: str, report: StopReport) -> None:
        """A session ended; a repeat changes nothing."""
        ...

    async def variables(self, charger_id: str, values: dict[str, tuple[str | None, bool]], at: datetime) -> None:
        """Configuration read: key → (value, readonly)."""
        ...

    async def frames(self, records: list[FrameRecord]) -> None:
        """Append to the frame log; a loss here is counted, never fatal."""
        ...


class Bus(Protocol):
    """Wake-ups among tasks and processes: hints, never the truth. A topic is dotted text."""

    def announce(self, topic: str) -> None:
        """Tell everybody who waits for `topic`; safe from any thread."""
        ...

    def hear(self, topic: str) -> None:
        """Pass on what another process announced, to this process alone; safe from any thread."""
        ...

    def subscribe(self, prefix: str) -> asyncio.Queue[str]:
        """A queue that gets every topic that begins with `prefix`, from this moment on."""
        ...

    def unsubscribe(self, queue: asyncio.Queue[str]) -> None:
        """Stop filling a queue."""
        ...

    async def wait(self, topic: str, seconds: float) -> bool:
        """Until a topic that begins with `topic` is announced, or real seconds have passed; tells which.

        To wait for the effect of something, subscribe before starting it and look before waiting.
        """
        ...
