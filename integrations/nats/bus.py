"""The bus of several processes: wake-ups go to this one's tasks at once and to the others by NATS."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from nats.aio.client import Client
from nats.aio.msg import Msg

from integrations.bus import LocalBus
from integrations.nats import subjects
from integrations.nats.link import TROUBLE, NatsLink, end

OUTGOING = 10_000
"""Topics that may wait to be sent; the same one waits once."""
_HEARD = 20_000


class NatsBus:
    """Fits models.ports.Bus. What cannot be sent is counted and forgotten: whoever missed it looks by itself."""

    def __init__(self, link: NatsLink, local: LocalBus | None = None) -> None:
        self._link = link
        self._local = local or LocalBus()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting: dict[str, None] = {}
        self.sent = 0
        self.heard = 0
        self.dropped = 0
        link.greet(self._listen)

    async def start(self) -> None:
        """Begin to connect and to send; returns at once."""
        self._loop = asyncio.get_running_loop()
        if self._task is None:
            self._task = asyncio.create_task(self._send_forever(), name="nats-bus")
        await self._link.start()

    async def stop(self) -> None:
        """Send no more and let go of the connection."""
        self._loop = None
        task, self._task = self._task, None
        if task is not None:
            await end(task)
        with self._lock:
            self._waiting.clear()
        await self._link.stop()

    def stats(self) -> dict[str, int]:
        """Figures for the metrics page: whether NATS is there, connections made, wake-ups sent, heard and dropped."""
        return {
            "connected": int(self._link.client is not None), "connections": self._link.connections,
            "sent": self.sent, "heard": self.heard, "dropped": self.dropped,
        }  # fmt: skip

    # The shape -------------------------------------------------------------------------------------------------

    def announce(self, topic: str) -> None:
        """Wake listeners here at once and elsewhere soon; never waits, safe from any thread."""
        self._local.announce(topic)
        loop = self._loop
        with self._lock:
            if loop is None or self._link.client is None or len(self._waiting) >= OUTGOING:
                self.dropped += 1
                return
            first = not self._waiting
            self._waiting[topic] = None
        if first:
            with contextlib.suppress(RuntimeError):  # the loop closed meanwhile
                loop.call_soon_threadsafe(self._ready.set)

    def hear(self, topic: str) -> None:
        """Wake listeners here alone: the topic came from elsewhere."""
        self._local.hear(topic)

    def subscribe(self, prefix: str) -> asyncio.Queue[str]:
        """A queue that fills from this moment on; give it back with `unsubscribe`."""
        return self._local.subscribe(prefix)

    def unsubscribe(self, queue: asyncio.Queue[str]) -> None:
        """Stop filling it."""
        self._local.unsubscribe(queue)

    async def wait(self, topic: str, seconds: float) -> bool:
        """Until a topic that begins with `topic` is announced, or real seconds have passed; tells which."""
        return await self._local.wait(topic, seconds)

    # Out -------------------------------------------------------------------------------------------------------

    async def _send_forever(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            with self._lock:
                topics, self._waiting = list(self._waiting), {}
            sent = await self._send(topics)
            with self._lock:
                self.sent += sent
                self.dropped += len(topics) - sent

    async def _send(self, topics: list[str]) -> int:
        """Gives how many went out."""
        sent = 0
        for topic in topics:
            client, subject = self._link.client, subjects.wake(topic)
            if client is None or subject is None:
                continue
            with contextlib.suppress(*TROUBLE):
                await client.publish(subject)
                sent += 1
        return sent

    # In --------------------------------------------------------------------------------------------------------

    async def _listen(self, client: Client) -> None:
        await client.subscribe(subjects.EVERY_WAKE, cb=self._take, pending_msgs_limit=_HEARD)

    async def _take(self, message: Msg) -> None:
        self.heard += 1
        self._local.hear(subjects.topic_of(message.subject))
