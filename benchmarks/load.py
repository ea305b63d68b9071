"""A small HTTP load: many kept-alive connections, each with one request in flight, prepared bytes, a time limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What came of it."""

    requests: int
    seconds: float
    latencies_ms: list[float]
    bad: int

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class _Client(asyncio.Protocol):
    """One connection. An answer is complete when its header and Content-Length say so."""

    def __init__(self, feed: Iterator[bytes], until: float, done: asyncio.Future[None]) -> None:
        self._feed = feed
        self._until = until
        self._done = done
        self._buffer = b""
        self._began = 0.0
        self.latencies: list[float] = []
        self.bad = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = b""
        self.latencies.append((time.perf_counter() - self._began) * 1000)
        if not head.startswith(b"HTTP/1.1 200"):
            self.bad += 1
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _next(self) -> None:
        request = next(self._feed, None)
        if request is None or time.perf_counter() >= self._until:
            self._transport.close()
            return
        self._began = time.perf_counter()
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.write(request)


async def load(port: int, feed: Iterator[bytes], *, connections: int, seconds: float) -> Load:
    """Send what `feed` gives to 127.0.0.1:`port` for so many seconds."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients: list[_Client] = []
    ends: list[asyncio.Future[None]] = []
    for _ in range(connections):
        end: asyncio.Future[None] = loop.create_future()
        client = _Client(feed, began + seconds, end)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
        clients.append(client)
        ends.append(end)
    await asyncio.gather(*ends)
    latencies = sorted(value for client in clients for value in client.latencies)
    return Load(len(latencies), time.perf_counter() - began, latencies, sum(client.bad for client in clients))


def percentile(values: list[float], share: float) -> float:
    """Of sorted values; 0 where there are none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0
