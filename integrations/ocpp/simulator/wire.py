"""A virtual charger's socket: one request at a time each way."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from integrations.ocpp import frames
from integrations.ocpp.frames import BadFrame, Call, CallError, CallResult

ANSWER_S = 30.0
Payload = dict[str, Any]


@dataclass(frozen=True)
class Obedience:
    """An answer to an order, and what follows it. `error` is a CALLERROR code instead of an answer."""

    payload: Payload | None = None
    then: Callable[[], None] | None = None
    error: str | None = None


class LineDown(Exception):  # noqa: N818 - an everyday thing
    """The socket is gone, or the central system did not answer."""


class Refused(Exception):  # noqa: N818 - an answer
    """The central system answered with an error."""


class Wire:
    """An open socket to a central system."""

    def __init__(self, socket: ClientConnection, obey: Callable[[str, Payload], Obedience]) -> None:
        self._socket = socket
        self._obey = obey
        self._lock = asyncio.Lock()
        self._asked: tuple[str, asyncio.Future[Payload]] | None = None

    async def run(self) -> None:
        """Receive until the socket goes."""
        try:
            while True:
                await self._receive(await self._socket.recv())
        except ConnectionClosed:
            return
        finally:
            if self._asked is not None and not self._asked[1].done():
                self._asked[1].set_exception(LineDown())

    async def _receive(self, raw: str | bytes) -> None:
        match frames.read(raw):
            case Call(id=message_id, action=action, payload=payload):
                await self._obeyed(message_id, self._obey(action, payload))
            case CallResult(id=message_id, payload=payload):
                self._settle(str(message_id), payload)
            case CallError(id=message_id, code=code, description=text):
                if self._asked is not None and self._asked[0] == message_id and not self._asked[1].done():
                    self._asked[1].set_exception(Refused(f"{code}: {text}"))
            case BadFrame():
                return

    async def _obeyed(self, message_id: str | int, answer: Obedience) -> None:
        if answer.error is not None:
            await self._socket.send(frames.error(message_id, answer.error, ""), text=True)
        else:
            await self._socket.send(frames.result(message_id, answer.payload or {}), text=True)
        if answer.then is not None:
            answer.then()

    def _settle(self, message_id: str, payload: Payload) -> None:
        if self._asked is not None and self._asked[0] == message_id and not self._asked[1].done():
            self._asked[1].set_result(payload)

    async def call(self, action: str, payload: Payload) -> Payload:
        """Ask the central system. Raises LineDown or Refused."""
        async with self._lock:
            message_id = str(uuid4())
            future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._asked = message_id, future
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._socket.send(frames.call(message_id, action, payload), text=True)
                    return await future
            except (ConnectionClosed, TimeoutError) as error:
                raise LineDown(str(error)) from None
            finally:
                self._asked = None

    def cut(self) -> None:
        """Let the socket go without a word, as a power loss does."""
        self._socket.transport.abort()


async def dial(url: str, charger_id: str, subprotocol: str, password: str | None) -> ClientConnection:
    """Connect. Raises OSError, TimeoutError, or websockets' InvalidHandshake."""
    headers = {}
    if password is not None:
        token = base64.b64encode(f"{charger_id}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    return await connect(
        f"{url.rstrip('/')}/{quote(charger_id, safe='')}",
        subprotocols=[Subprotocol(subprotocol)],
        additional_headers=headers,
        compression=None,
        proxy=None,
        close_timeout=1,
        ping_interval=60,
    )
