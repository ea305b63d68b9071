"""What every message handler may ask for."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from ocpp.exceptions import InternalError

from integrations.ocpp.counts import Counts
from integrations.ocpp.journal import Entry, Report
from integrations.ocpp.log import FrameLog, Heard
from integrations.ocpp.reports import Reports
from integrations.ocpp.settings import OcppSettings
from integrations.ocpp.station import Station
from models.ports import ChargingDesk, Clock, TagVerdict

log = logging.getLogger(__name__)

REMEMBERED_TAGS = 20_000
SPARE_IDS = 32


class Tags:
    """Verdicts on tags: the desk's, or the last one known while the desk is away."""

    def __init__(self, desk: ChargingDesk, timeout_s: float) -> None:
        self._desk = desk
        self._timeout_s = timeout_s
        self._known: OrderedDict[tuple[str, str], TagVerdict] = OrderedDict()

    async def verdict(self, charger_id: str, id_tag: str, at: datetime) -> TagVerdict:
        """The desk's verdict; with the desk away the last one given here, and Invalid for a tag never seen."""
        try:
            async with asyncio.timeout(self._timeout_s):
                verdict = await self._desk.verdict(charger_id, id_tag)
        except Exception as error:  # noqa: BLE001 - the driver gets an answer whatever ails the desk
            log.warning("tag decided from memory: %s", type(error).__name__)
            return self.recall(charger_id, id_tag, at)
        self.learn(charger_id, id_tag, verdict)
        return verdict

    def recall(self, charger_id: str, id_tag: str, at: datetime) -> TagVerdict:
        """The last verdict known."""
        known = self._known.get((charger_id, id_tag.upper()))
        if known is None:
            return TagVerdict("Invalid")
        if known.expires_at is not None and known.expires_at <= at:
            return TagVerdict("Expired", known.expires_at)
        return known

    def learn(self, charger_id: str, id_tag: str, verdict: TagVerdict) -> None:
        """Remember a verdict."""
        key = (charger_id, id_tag.upper())
        self._known[key] = verdict
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED_TAGS:
            self._known.popitem(last=False)


class TransactionIds:
    """Numbers for sessions, some kept in hand so that a start can be answered while the desk is away."""

    def __init__(self, desk: ChargingDesk, timeout_s: float) -> None:
        self._desk = desk
        self._timeout_s = timeout_s
        self._spare: deque[int] = deque()
        self._filling: asyncio.Task[None] | None = None

    async def next(self) -> int:
        """A number never given before. Raises an OCPP InternalError when there is none to be had."""
        if len(self._spare) < SPARE_IDS // 2 and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._fill())
        if not self._spare and self._filling is not None:
            await asyncio.wait([self._filling], timeout=self._timeout_s)
        if not self._spare:
            raise InternalError("no transaction number can be given now; repeat the message")
        return self._spare.popleft()

    async def _fill(self) -> None:
        while len(self._spare) < SPARE_IDS:
            try:
                async with asyncio.timeout(self._timeout_s):
                    self._spare.append(await self._desk.next_transaction_id())
            except Exception as error:  # noqa: BLE001 - the next start tries again
                log.warning("no transaction numbers from the desk: %s", type(error).__name__)
                return

    async def stop(self) -> None:
        """Stop filling."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)


@dataclass(frozen=True)
class Services:
    """The central system's shared parts."""

    desk: ChargingDesk
    clock: Clock
    settings: OcppSettings
    reports: Reports
    tags: Tags
    ids: TransactionIds
    frames: FrameLog
    heard: Heard
    counts: Counts


@dataclass(frozen=True, slots=True)
class Visit:
    """A message being handled: whose, when received, under which id."""

    station: Station
    services: Services
    at: datetime
    message_id: str

    async def deliver(self, kind: str, report: Report) -> Any:
        """Hand a report to the desk, or to the journal; gives the desk's answer or KEPT."""
        return await self.services.reports.deliver(Entry(kind, self.station.charger_id, self.at, report))

    def put(self, kind: str, report: Report) -> None:
        """Send a report on its way without waiting."""
        self.services.reports.put(Entry(kind, self.station.charger_id, self.at, report))

    def odd(self, why: str) -> None:
        """Count a breach of the protocol that was put up with."""
        self.services.counts.violations += 1
        log.debug("%s: %s", self.station.charger_id, why)

    async def verdict(self, id_tag: str) -> TagVerdict:
        """Whether a tag may charge here."""
        return await self.services.tags.verdict(self.station.charger_id, id_tag, self.at)


Payload: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Visit, Payload], Awaitable[Any]]
QuickHandler: TypeAlias = Callable[[Visit, Payload], Any]


class Route(NamedTuple):
    """Who answers a message: at once from memory, or after the desk was told."""

    quick: QuickHandler | None = None
    handler: Handler | None = None
