"""A desk in memory, a clock that runs fast, and a charger that sends raw frames."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from models.ports import (
    BootReport,
    FrameRecord,
    MeterReport,
    StartReport,
    StatusReport,
    StopReport,
    TagVerdict,
)

PASSWORD = "correct horse"
SPEED = 50.0


class FastClock:
    """Fits models.ports.Clock; every real second is `SPEED` seconds."""

    def __init__(self) -> None:
        self._start = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        self._zero = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(asyncio.get_running_loop().time() - self._zero) * SPEED)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(seconds / SPEED):
            yield


@dataclass
class MemoryDesk:
    """Fits models.ports.ChargingDesk. `away` makes every verb fail as an absent database does."""

    admitted: dict[str, str | None] = field(default_factory=dict)
    tags: dict[str, TagVerdict] = field(default_factory=lambda: {"GOOD": TagVerdict("Accepted")})
    away: bool = False
    hanging: bool = False
    poison: Callable[[str, Any], bool] = field(default=lambda _verb, _report: False)
    told: list[tuple[str, str, Any]] = field(default_factory=list)
    log: list[FrameRecord] = field(default_factory=list)
    heard: dict[str, datetime] = field(default_factory=dict)
    read: dict[str, tuple[str | None, bool]] = field(default_factory=dict)
    online: dict[str, int] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1001))
    starts: dict[tuple[str, str], int] = field(default_factory=dict)
    profiles: list[int] = field(default_factory=list)
    _epochs: Any = field(default_factory=lambda: itertools.count(1))

    async def _reach(self, verb: str = "", report: Any = None) -> None:
        if self.hanging:
            await asyncio.sleep(3600)
        if self.away:
            raise ConnectionError("the database is away")
        if self.poison(verb, report):
            raise RuntimeError("this report breaks the desk")

    async def admit(self, charger_id: str, password: bytes | None, security_profile: int) -> bool:
        await self._reach()
        self.profiles.append(security_profile)
        wanted = self.admitted.get(charger_id, PASSWORD if charger_id.startswith("CP") else "\x00")
        return bool(password == (wanted.encode() if wanted is not None else None))

    async def connected(self, charger_id: str, version: str, at: datetime) -> int:
        await self._reach()
        epoch = int(next(self._epochs))
        self.online[charger_id] = epoch
        self.told.append(("connected", charger_id, version))
        return epoch

    async def disconnected(self, charger_id: str, epoch: int, at: datetime) -> None:
        await self._reach()
        self.told.append(("disconnected", charger_id, epoch))
        if self.online.get(charger_id) == epoch:
            del self.online[charger_id]

    async def booted(self, charger_id: str, report: BootReport, at: datetime) -> None:
        await self._reach("booted", report)
        self.told.append(("booted", charger_id, report))

    async def seen(self, charger_ids: dict[str, datetime]) -> None:
        await self._reach()
        self.heard.update(charger_ids)

    async def status(self, charger_id: str, report: StatusReport, at: datetime) -> None:
        await self._reach("status", report)
        self.told.append(("status", charger_id, report))

    async def verdict(self, charger_id: str, id_tag: str) -> TagVerdict:
        await self._reach()
        return self.tags.get(id_tag.upper(), TagVerdict("Invalid"))

    async def next_transaction_id(self) -> int:
        await self._reach()
        return int(next(self.numbers))

    async def started(self, charger_id: str, report: StartReport) -> tuple[int, TagVerdict]:
        await self._reach("started", report)
        number = self.starts.setdefault((charger_id, report.dedupe_key), report.transaction_id)
        self.told.append(("started", charger_id, report))
        verdict = self.tags.get((report.id_tag or "").upper(), TagVerdict("Invalid"))
        return number, verdict

    async def metered(self, charger_id: str, reports: list[MeterReport]) -> None:
        await self._reach("metered", reports)
        self.told.extend(("metered", charger_id, report) for report in reports)

    async def stopped(self, charger_id: str, report: StopReport) -> None:
        await self._reach("stopped", report)
        self.told.append(("stopped", charger_id, report))

    async def variables(self, charger_id: str, values: dict[str, tuple[str | None, bool]], at: datetime) -> None:
        await self._reach()
        self.read.update(values)

    async def frames(self, records: list[FrameRecord]) -> None:
        await self._reach()
        self.log.extend(records)

    def of(self, verb: str, charger_id: str | None = None) -> list[Any]:
        """What was told by a verb, in order."""
        return [what for kind, who, what in self.told if kind == verb and charger_id in (None, who)]


async def eventually(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Wait until `check` gives something true, and give it; the test fails after `seconds`."""
    end = asyncio.get_running_loop().time() + seconds
    while not (found := check()):
        if asyncio.get_running_loop().time() > end:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.01)
    return found


class RawCharger:
    """A charger that sends whatever frames a test likes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._ids = itertools.count(1)

    async def send(self, frame: Any) -> None:
        """A frame: text and bytes as they are, anything else as JSON."""
        await self.socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def hear(self, seconds: float = 5.0) -> Any:
        """The next frame, as JSON."""
        async with asyncio.timeout(seconds):
            return json.loads(await self.socket.recv())

    async def ask(self, action: str, payload: Any) -> Any:
        """Send a CALL and give the payload of its CALLRESULT."""
        message_id = f"m{next(self._ids)}"
        await self.send([2, message_id, action, payload])
        answer = await self.hear()
        assert answer[:2] == [3, message_id], answer
        return answer[2]


def basic(charger_id: str, password: str | bytes = PASSWORD) -> dict[str, str]:
    """The header of basic authentication."""
    secret = password if isinstance(password, bytes) else password.encode()
    return {"Authorization": "Basic " + base64.b64encode(charger_id.encode() + b":" + secret).decode()}


@asynccontextmanager
async def raw_charger(
    port: int, charger_id: str = "CP1", subprotocols: tuple[str, ...] = ("ocpp1.6",), **more: Any
) -> AsyncIterator[RawCharger]:
    """A socket of a charger with the right password."""
    more = {"additional_headers": basic(charger_id), "compression": None, "proxy": None, **more}
    async with connect(
        f"ws://127.0.0.1:{port}/ocpp/{charger_id}",
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        **more,
    ) as socket:
        yield RawCharger(socket)
