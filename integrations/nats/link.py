"""The connection to NATS: made in the background, made again for as long as it takes, never waited for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from nats import errors
from nats.aio.client import Client

log = logging.getLogger(__name__)

RETRY_S = 0.5
LOOK_S = 1.0
"""The client may lose its connection without a word when it was writing; so it is looked at, too."""
DIAL_S = 2
PING_S = 5
STOP_S = 1.0
PENDING_BYTES = 4 * 1024 * 1024

TROUBLE = (errors.Error, OSError, TimeoutError)
"""What a call of the client may raise for the network's sake."""

Greeting = Callable[[Client], Awaitable[None]]


@dataclass(frozen=True, repr=False)
class Address:
    """Where NATS is and how to sign in: `nats://HOST`, `nats://TOKEN@HOST`, `nats://USER:PASSWORD@HOST`."""

    server: str
    user: str | None = None
    password: str | None = None
    token: str | None = None

    def __repr__(self) -> str:
        return f"Address({self.server!r})"


def address(url: str) -> Address:
    """Take the secrets out of an address; they may be percent-encoded."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    server = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
    if parts.username is None:
        return Address(server)
    if parts.password is None:
        return Address(server, token=unquote(parts.username))
    return Address(server, user=unquote(parts.username), password=unquote(parts.password))


class NatsLink:
    """One connection of this process. Whoever needs something to hold on every new connection asks for a greeting.

    A cluster's other servers are learnt from the first one and dialled when it is gone.
    """

    def __init__(self, url: str, *, name: str) -> None:
        self._address = address(url)
        self._name = name
        self._client: Client | None = None
        self._others: list[str] = []
        self._greetings: list[Greeting] = []
        self._task: asyncio.Task[None] | None = None
        self._away_said = False
        self.connections = 0

    @property
    def client(self) -> Client | None:
        """The client while it is connected, else None. Safe to look at from any thread."""
        client = self._client
        return client if client is not None and client.is_connected else None

    def greet(self, greeting: Greeting) -> None:
        """Have something done on every connection, before anybody else may use it."""
        self._greetings.append(greeting)

    async def start(self) -> None:
        """Begin to connect; returns at once, whether NATS is there or not."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected(), name="nats")

    async def stop(self) -> None:
        """Let go, within about a second."""
        task, self._task = self._task, None
        if task is not None:
            await end(task)

    async def _stay_connected(self) -> None:
        while True:
            client, lost = Client(), asyncio.Event()
            try:
                await self._connect(client, lost)
                await self._watch(client, lost)
            except TROUBLE as error:
                self._say_away(error)
            except Exception:
                log.exception("NATS: the connection failed in an unforeseen way")
            finally:
                self._client = None
                await _close(client)
            await asyncio.sleep(RETRY_S)

    async def _connect(self, client: Client, lost: asyncio.Event) -> None:
        async def closed() -> None:
            lost.set()

        async def troubled(error: Exception) -> None:
            log.debug("NATS: %s", type(error).__name__)

        where = self._address
        await client.connect(
            servers=[where.server, *self._others], user=where.user, password=where.password, token=where.token,
            name=self._name, no_echo=True, allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0,
            connect_timeout=DIAL_S, ping_interval=PING_S, pending_size=PENDING_BYTES, closed_cb=closed,
            error_cb=troubled,
        )  # fmt: skip
        for greeting in self._greetings:
            await greeting(client)
        self._others = [server.geturl() for server in client.discovered_servers]
        self._client = client
        self.connections += 1
        self._away_said = False
        log.info("NATS: connected to %s", where.server)

    async def _watch(self, client: Client, lost: asyncio.Event) -> None:
        while not lost.is_set() and client.is_connected:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), LOOK_S)
        raise ConnectionResetError("the connection was lost")

    def _say_away(self, error: BaseException) -> None:
        if not self._away_said:
            self._away_said = True
            why = str(error).strip() or type(error).__name__
            log.warning("NATS at %s is away, work goes on by the database alone: %s", self._address.server, why)


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it is over: the client swallows a cancellation that comes while it writes."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)


async def _close(client: Client) -> None:
    """A client that never connected has nothing to close, and one that hangs is left to itself."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(STOP_S):
            await client.close()
