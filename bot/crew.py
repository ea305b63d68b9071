"""A crew takes claimed work while it has hands free: each piece its own task, woken by a topic or a slow poll."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from models.errors import Unavailable
from models.ports import Bus

log = logging.getLogger(__name__)

T = TypeVar("T")
POLL_S = 1.0
FINISH_S = 3.0
"""How long work in hand gets to end when the crew is told to stop; its lease covers the rest."""


class Crew(Generic[T]):
    """`claim(n)` leases up to n pieces, `handle` does one and never raises but when cancelled."""

    def __init__(
        self, topic: str, bus: Bus, *, size: int, claim: Callable[[int], Awaitable[list[T]]],
        handle: Callable[[T], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._topic = topic
        self._bus = bus
        self._size = size
        self._claim = claim
        self._handle = handle
        self._busy: set[asyncio.Future[None]] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        queue = self._bus.subscribe(self._topic)
        try:
            while True:
                while not queue.empty():
                    queue.get_nowait()
                pieces = await self._take()
                for piece in pieces:
                    self._start(piece)
                if not pieces:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S):
                            await queue.get()
        finally:
            self._bus.unsubscribe(queue)
            if self._busy:
                await asyncio.wait(self._busy, timeout=FINISH_S)

    async def _take(self) -> list[T]:
        room = self._size - len(self._busy)
        if not room:
            return []
        try:
            return await self._claim(room)
        except Unavailable:
            log.warning("%s: nothing can be claimed now, the database is away", self._topic)
            await asyncio.sleep(POLL_S)
            return []

    def _start(self, piece: T) -> None:
        task = asyncio.ensure_future(self._handle(piece))
        self._busy.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[None]) -> None:
        self._busy.discard(task)
        self._bus.announce(self._topic)  # a hand is free, and the next of its lane may go
