"""The way of reports to the desk: in order per charger, within a few seconds, kept in the journal when it is away."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from integrations.ocpp.counts import Counts
from integrations.ocpp.journal import Entry, Journal, Socket, Variables
from models.errors import Refusal, Unavailable
from models.ports import (
    BootReport,
    ChargingDesk,
    Clock,
    MeterReport,
    StartReport,
    StatusReport,
    StopReport,
    TagVerdict,
)

log = logging.getLogger(__name__)

BATCH = 100
POISON_TRIES = 3
REPLAY_WAITS_S = (0.5, 1, 2, 5, 10)
KEPT = object()
"""Given instead of the desk's answer when a report went to the journal."""


@dataclass
class _Line:
    waiting: deque[tuple[Entry, asyncio.Future[Any] | None]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Reports:
    """Hands reports to the desk. One line per charger; while the desk is away everything goes to the journal."""

    def __init__(self, desk: ChargingDesk, clock: Clock, journal: Journal, counts: Counts, timeout_s: float) -> None:
        self._desk = desk
        self._clock = clock
        self._journal = journal
        self._counts = counts
        self._timeout_s = timeout_s
        self._lines: dict[str, _Line] = {}
        self._away = False
        self._closed = False
        self._taken = 0
        self._aliases: dict[tuple[str, int], int] = {}
        self._epochs: dict[str, int] = {}
        self._replayer: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        """Whether the desk did not take the last report offered."""
        return self._away

    @property
    def pending(self) -> int:
        """How many reports wait in the journal."""
        return len(self._journal)

    async def start(self) -> None:
        """Take up the journal of an earlier run."""
        await asyncio.to_thread(self._journal.load)
        if self._journal.torn_lines:
            log.warning("journal %s: %d torn lines passed over", self._journal.path, self._journal.torn_lines)
        if ghosts := self._journal.left_open():
            await self._keep(ghosts)
        self._wake_replayer()

    async def stop(self, seconds: float) -> None:
        """Finish what is in hand within `seconds`; what remains goes to the journal."""
        self._closed = True
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        left = [task for task in tasks if not task.done()]
        if self._replayer is not None:
            left.append(self._replayer)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        rest = [entry for line in self._lines.values() for entry, _ in line.waiting]
        if rest:
            await self._keep(rest)

    def put(self, entry: Entry) -> None:
        """Send a report on its way without waiting."""
        self._queue(entry, None)

    async def deliver(self, entry: Entry) -> Any:
        """Hand a report over; gives what the desk answered, or KEPT once the report is safe in the journal."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue(entry, done)
        return await done

    def _queue(self, entry: Entry, done: asyncio.Future[Any] | None) -> None:
        if self._closed:
            log.info("%s: a %s came after the end", entry.charger_id, entry.kind)
            if done is not None:
                done.set_result(KEPT)
            return
        line = self._lines.setdefault(entry.charger_id, _Line())
        line.waiting.append((entry, done))
        if line.task is None:
            line.task = asyncio.create_task(self._run(entry.charger_id, line))

    async def _run(self, charger_id: str, line: _Line) -> None:
        while line.waiting:
            count = _batch(line.waiting)
            batch = [line.waiting[index] for index in range(count)]
            answer = await self._hand_over([entry for entry, _ in batch])
            for _ in range(count):
                line.waiting.popleft()
            for _, done in batch:
                if done is not None and not done.done():
                    done.set_result(answer)
        line.task = None
        self._lines.pop(charger_id, None)

    async def _hand_over(self, entries: list[Entry]) -> Any:
        charger_id = entries[0].charger_id
        if self._away or self._journal.holds(charger_id):
            await self._keep(entries)
            return KEPT
        try:
            return await self._tell(entries)
        except Refusal as refusal:
            log.warning("the desk refused a %s of %s: %s", entries[0].kind, charger_id, refusal.code)
            self._counts.reports_dead += len(entries)
        except Exception as error:  # noqa: BLE001 - whatever ails the desk, the report is kept
            self._away = self._away or _is_absence(error)
            log.warning("%s of %s not taken (%s); kept in the journal", entries[0].kind, charger_id, _words(error))
            await self._keep(entries)
        return KEPT

    async def _keep(self, entries: list[Entry]) -> None:
        self._counts.journaled += len(entries)
        try:
            await self._journal.append(entries)
        except OSError:
            log.exception("the journal cannot be written; %d reports are in memory only", len(entries))
        self._wake_replayer()

    def _wake_replayer(self) -> None:
        if self._journal.head is not None and (self._replayer is None or self._replayer.done()):
            self._replayer = asyncio.create_task(self._replay())

    async def _replay(self) -> None:
        """Tell what is kept, in order. A report that fails while the desk takes others is at fault itself."""
        tries, taken_before = 0, self._evidence
        while (entry := self._journal.head) is not None:
            try:
                await self._tell([entry])
            except Refusal as refusal:
                log.warning("the desk refused a kept %s of %s: %s", entry.kind, entry.charger_id, refusal.code)
                await self._bury()
            except Exception as error:
                tries += 1
                if tries < POISON_TRIES or _is_absence(error) or self._evidence == taken_before:
                    await self._clock.sleep(REPLAY_WAITS_S[min(tries, len(REPLAY_WAITS_S)) - 1])
                    continue
                log.exception("a kept %s of %s cannot be delivered", entry.kind, entry.charger_id)
                await self._bury()
            else:
                if self._away:
                    log.info("the desk is back; %d reports to replay", len(self._journal))
                self._away = False
                await self._journal.drop_head()
            tries, taken_before = 0, self._evidence

    @property
    def _evidence(self) -> int:
        """Grows whenever the desk takes anything."""
        return self._taken + self._counts.frames_logged

    async def _bury(self) -> None:
        self._counts.reports_dead += 1
        await self._journal.bury_head()

    async def _tell(self, entries: list[Entry]) -> Any:
        async with asyncio.timeout(self._timeout_s):
            answer = await self._speak(entries)
        self._taken += 1
        return answer

    async def _speak(self, entries: list[Entry]) -> Any:
        entry, desk = entries[0], self._desk
        who, at = entry.charger_id, entry.at
        match entry.kind, entry.report:
            case "connected", Socket(token=token, version=version):
                epoch = await desk.connected(who, version, at)
                self._epochs[token] = epoch
                return epoch
            case "disconnected", Socket(token=token, epoch=epoch):
                known = self._epochs.pop(token, epoch)
                return await desk.disconnected(who, known, at) if known is not None else None
            case _, BootReport() as boot:
                return await desk.booted(who, boot, at)
            case _, StatusReport() as status:
                return await desk.status(who, status, at)
            case _, StartReport() as start:
                return await self._started(who, start)
            case _, StopReport() as stop:
                return await desk.stopped(who, replace(stop, transaction_id=self._real(who, stop.transaction_id)))
            case _, MeterReport():
                return await desk.metered(who, [self._metered(who, one.report) for one in entries])
            case _, Variables(values=values):
                return await desk.variables(who, values, at)
        raise AssertionError(entry.kind)

    async def _started(self, who: str, start: StartReport) -> tuple[int, TagVerdict]:
        real, verdict = await self._desk.started(who, start)
        if real != start.transaction_id:
            self._aliases[who, start.transaction_id] = real
        return real, verdict

    def _metered(self, who: str, report: Any) -> MeterReport:
        assert isinstance(report, MeterReport)
        return replace(report, transaction_id=self._real(who, report.transaction_id))

    def _real(self, who: str, transaction_id: int | None) -> int | None:
        """The desk's number of a session that was answered from memory under another one."""
        return None if transaction_id is None else self._aliases.get((who, transaction_id), transaction_id)


def _batch(waiting: deque[tuple[Entry, asyncio.Future[Any] | None]]) -> int:
    """How many from the front go together: readings in a row, anything else alone."""
    if waiting[0][0].kind != "metered":
        return 1
    count = 0
    for entry, _ in waiting:
        if entry.kind != "metered" or count == BATCH:
            break
        count += 1
    return count


def _is_absence(error: Exception) -> bool:
    return isinstance(error, TimeoutError | OSError | Unavailable)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
