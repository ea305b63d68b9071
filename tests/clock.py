"""A clock that jumps: `fast_forward` walks from one due time to the next and lets what wakes there run."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SETTLE_S = 0.02
"""Real time that sockets and database threads get at every stop on the way."""


class JumpingClock:
    """Fits models.ports.Clock. Time stands still until somebody moves it."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """The present of this clock."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), future))
        await future

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        """Raise TimeoutError in the block once the clock has moved that far."""
        task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        expired = False

        async def expire() -> None:
            nonlocal expired
            await self.sleep(seconds)
            expired = True
            task.cancel()

        watchdog = asyncio.create_task(expire())
        try:
            yield
        except asyncio.CancelledError:
            if expired and task.uncancel() <= before:
                raise TimeoutError from None
            raise  # somebody else cancelled as well, perhaps in the same moment
        finally:
            watchdog.cancel()

    def set(self, moment: datetime) -> None:
        """Put the clock to a moment without waking anybody: for tests of plain verbs."""
        self._now = moment

    async def fast_forward(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move on, stopping wherever somebody sleeps until."""
        target = self._now + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        await asyncio.sleep(SETTLE_S)
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._now = max(self._now, due)
            future.set_result(None)
            while self._sleepers and self._sleepers[0][0] <= self._now:
                _, _, also = heapq.heappop(self._sleepers)
                if not also.done():
                    also.set_result(None)
            await asyncio.sleep(SETTLE_S)
        self._now = target
        await asyncio.sleep(SETTLE_S)

    def leap(self, seconds: float) -> None:
        """Move on at once: whoever sleeps until a moment on the way wakes late, at the end, as after a long pause."""
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
