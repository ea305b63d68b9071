"""The local bus: wake-ups among the tasks of one process. Safe to announce on from any thread."""

from __future__ import annotations

import asyncio
import contextlib

_BACKLOG = 1_000


class LocalBus:
    """Fits models.ports.Bus. Bound to the loop in which it is first listened to."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: dict[asyncio.Queue[str], str] = {}

    def announce(self, topic: str) -> None:
        """Wake whoever listens to a prefix of `topic`. A listener that is far behind misses the hint."""
        self.hear(topic)

    def hear(self, topic: str) -> None:
        """The same here, where there is no elsewhere."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        with contextlib.suppress(RuntimeError):  # the loop closed between the look and the call
            loop.call_soon_threadsafe(self._deliver, topic)

    async def wait(self, topic: str, seconds: float) -> bool:
        """Until a topic that begins with `topic` is announced, or real seconds have passed; tells which."""
        queue = self._join(topic)
        try:
            await asyncio.wait_for(queue.get(), seconds)
        except TimeoutError:
            return False
        finally:
            del self._queues[queue]
        return True

    def subscribe(self, prefix: str) -> asyncio.Queue[str]:
        """A queue that fills from this moment on; give it back with `unsubscribe`."""
        return self._join(prefix)

    def unsubscribe(self, queue: asyncio.Queue[str]) -> None:
        """Stop filling it."""
        self._queues.pop(queue, None)

    def _join(self, prefix: str) -> asyncio.Queue[str]:
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str] = asyncio.Queue(_BACKLOG)
        self._queues[queue] = prefix
        return queue

    def _deliver(self, topic: str) -> None:
        for queue, prefix in list(self._queues.items()):
            if topic.startswith(prefix):
                with contextlib.suppress(asyncio.QueueFull):
                    queue.put_nowait(topic)
