"""What is written down behind the answers: frames, and when chargers were heard. Batched; never delays an answer."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import datetime

from integrations.ocpp.counts import Counts
from integrations.ocpp.secrets import blank_text
from models.ports import ChargingDesk, FrameRecord

log = logging.getLogger(__name__)

BATCH = 500
GATHER_S = 0.2  # real time: how long records gather before they go to the desk together


class FrameLog:
    """Frames on their way to the desk's log, secrets blanked. A full queue or an absent desk costs frames, counted."""

    def __init__(self, desk: ChargingDesk, counts: Counts, capacity: int, timeout_s: float) -> None:
        self._desk = desk
        self._counts = counts
        self._capacity = capacity
        self._timeout_s = timeout_s
        self._waiting: deque[tuple[str, datetime, str, str | None, str | bytes]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, charger_id: str, at: datetime, direction: str, action: str | None, raw: str | bytes) -> None:
        """Note a frame. `direction` is `in` or `out`."""
        if len(self._waiting) >= self._capacity:
            self._counts.frames_lost += 1
            return
        self._waiting.append((charger_id, at, direction, action, raw))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def stop(self, seconds: float) -> None:
        """Write what waits, within `seconds`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with asyncio.timeout(seconds):
                while self._waiting:
                    await self._write()
        except TimeoutError:
            self._counts.frames_lost += len(self._waiting)
            self._waiting.clear()

    async def _run(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_S)
            while self._waiting:
                await self._write()

    async def _write(self) -> None:
        rows = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        records = [
            FrameRecord(charger_id, at, direction, action and _text(action), blank_text(_text(raw)))
            for charger_id, at, direction, action, raw in rows
        ]
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._desk.frames(records)
        except Exception as error:  # noqa: BLE001 - a log that cannot be written must not stop anything
            self._counts.frames_lost += len(records)
            log.warning("%d frames not logged: %s", len(records), type(error).__name__)
        else:
            self._counts.frames_logged += len(records)


class Heard:
    """When chargers were last heard, gathered and told to the desk together."""

    def __init__(self, desk: ChargingDesk, timeout_s: float) -> None:
        self._desk = desk
        self._timeout_s = timeout_s
        self._last: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, charger_id: str, at: datetime) -> None:
        """This charger was heard just now."""
        self._last[charger_id] = at
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def stop(self, seconds: float) -> None:
        """Tell what is known, within `seconds`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._tell(seconds)

    async def _run(self) -> None:
        await asyncio.sleep(GATHER_S)
        await self._tell(self._timeout_s)

    async def _tell(self, seconds: float) -> None:
        if not self._last:
            return
        batch, self._last = self._last, {}
        try:
            async with asyncio.timeout(seconds):
                await self._desk.seen(batch)
        except Exception as error:  # noqa: BLE001 - the next message of each charger says it again
            log.warning("last-heard times not stored: %s", type(error).__name__)


def _text(raw: str | bytes) -> str:
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    return text.replace("\x00", "\ufffd")
