"""The web chat's WebSocket.

Browser → us: `{"type": "hello", "session": token | null, "after": last line seen | null, "language"?}` first, then
`say`, `press`, `location`, each with an id of its own that makes a repeat harmless, and `ping`.
Us → browser: `welcome` (token, history), `line` (number, text, choices), `stored` (id: it is in the database),
`refused` (id, text), `pong`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bot.channels.webchat import inbound, session
from desk import webchat
from desk.office import Office
from desk.webchat import Line, News
from models.access import ASSISTANT
from models.address import household
from models.errors import Unavailable
from models.languages import LANGUAGES
from models.ports import Bus, Clock
from phrases.say import say

log = logging.getLogger(__name__)

POLL_S = 15.0
HELLO_S = 15.0
SOCKETS_PER_PEER = 40
MESSAGES_PER_MINUTE = 20
MESSAGES_PER_PEER_PER_MINUTE = 300
"""Of one address with however many sessions; an office or a mobile network may share one."""


@dataclass
class WebChat:
    """Everything a socket needs. `origins` are the sites that may embed the widget, besides our own."""

    office: Office
    bus: Bus
    clock: Clock
    secret: bytes
    origins: frozenset[str]
    timezone: str
    peers: Counter[str] = field(default_factory=Counter)
    recent: dict[str, deque[float]] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def endpoint(self, socket: WebSocket) -> None:
        """One browser."""
        peer = household(socket.client.host) if socket.client else "?"
        if not self._origin_allowed(socket) or self.peers[peer] >= SOCKETS_PER_PEER or self.stopping.is_set():
            await socket.close(1008)
            return
        self.peers[peer] += 1
        try:
            await socket.accept()
            await _Visit(self, socket).run()
        except (WebSocketDisconnect, RuntimeError):
            pass  # the browser went; it will come back and resume
        finally:
            self.peers[peer] -= 1
            if not self.peers[peer]:
                del self.peers[peer]

    def _origin_allowed(self, socket: WebSocket) -> bool:
        origin = socket.headers.get("origin")
        if origin is None:
            return True  # not a browser: it has no cookie or page to misuse
        host = socket.headers.get("host", "")
        return origin.split("://", 1)[-1] == host or origin in self.origins or "*" in self.origins

    def hurried(self, name: str, most: int = MESSAGES_PER_MINUTE) -> bool:
        """Whether a session, or an address, writes faster than people do."""
        now = self.clock.now().timestamp()
        times = self.recent.setdefault(name, deque())
        while times and now - times[0] > 60:
            times.popleft()
        if len(times) >= most:
            return True
        times.append(now)
        if len(self.recent) > 10_000:
            self.recent = {key: kept for key, kept in self.recent.items() if kept and now - kept[-1] < 60}
        return False


class _Visit:
    """A socket's life after it was accepted."""

    def __init__(self, chat: WebChat, socket: WebSocket) -> None:
        self._chat = chat
        self._socket = socket
        self._peer = f"peer:{household(socket.client.host) if socket.client else '?'}"
        self._name = ""
        self._language = "en"
        self._after = 0
        self._conversation_id: int | None = None

    async def run(self) -> None:
        queue = self._chat.bus.subscribe("chat.")
        try:
            if not await self._welcome():
                return
            tasks = [
                asyncio.create_task(self._listen()),
                asyncio.create_task(self._push(queue)),
                asyncio.create_task(self._chat.stopping.wait()),
            ]
            _done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._chat.bus.unsubscribe(queue)
            if self._socket.application_state is WebSocketState.CONNECTED:
                with contextlib.suppress(RuntimeError):
                    await self._socket.close(1001)

    async def _welcome(self) -> bool:
        try:
            async with asyncio.timeout(HELLO_S):
                frame = await self._receive()
        except TimeoutError:
            return False
        if frame is None or frame.get("type") != "hello":
            await self._refuse("webchat.hello_first", None)
            return False
        language = frame.get("language")
        self._language = language if language in LANGUAGES else "en"
        name = session.name_of(self._chat.secret, frame.get("session"))
        token = frame.get("session")
        if name is None:
            name, token = session.new(self._chat.secret)
        self._name = name
        after = frame.get("after")
        resumed = isinstance(after, int) and not isinstance(after, bool) and after >= 0
        try:
            if resumed:
                self._after = int(str(after))
                news = await self._read(webchat.news, self._after)
            else:
                news = await self._read(webchat.history)
        except Unavailable:
            await self._refuse("webchat.away", None)
            return False
        self._conversation_id = news.conversation_id
        await self._send({"type": "welcome", "session": token, "resumed": resumed, "lines": self._wire(news)})
        return True

    async def _listen(self) -> None:
        while True:
            frame = await self._receive()
            if frame is None:
                await self._refuse("webchat.bad_frame", None)
                continue
            if frame.get("type") == "ping":
                await self._send({"type": "pong"})
                continue
            await self._take(frame)

    async def _take(self, frame: dict[str, Any]) -> None:
        try:
            row = inbound.row_of(self._name, frame, self._language)
        except inbound.BadFrame as bad:
            await self._refuse(bad.code, bad.client_id)
            return
        if self._chat.hurried(self._name) or self._chat.hurried(self._peer, MESSAGES_PER_PEER_PER_MINUTE):
            await self._refuse("webchat.slow_down", frame["id"], again=True)
            return
        try:
            await self._chat.office.put(row)
        except Unavailable:
            await self._refuse("webchat.away", frame["id"], again=True)
            return
        await self._send({"type": "stored", "id": frame["id"]})

    async def _push(self, queue: asyncio.Queue[str]) -> None:
        while True:
            topic = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    topic = await queue.get()
            if topic is not None and self._conversation_id is not None and topic != f"chat.{self._conversation_id}":
                continue
            try:
                news = await self._read(webchat.news, self._after)
            except Unavailable:
                continue
            self._conversation_id = news.conversation_id
            for line in self._wire(news):
                await self._send({"type": "line", **line})

    async def _read(self, verb: Any, *args: int) -> News:
        news: News = await self._chat.office.read(ASSISTANT, verb, inbound.key_of(self._name), *args)
        return news

    def _wire(self, news: News) -> list[dict[str, Any]]:
        lines = []
        for line in news.lines:
            self._after = max(self._after, line.number)
            lines.append(self._line(line))
        return lines

    def _line(self, line: Line) -> dict[str, Any]:
        client_id = line.client_id.partition(":")[2] if line.client_id else None
        return {
            "number": line.number,
            "text": line.text,
            "own": line.own,
            "id": client_id,
            "at": line.at.isoformat(),
            "language": line.language,
            "choices": [
                {"id": choice["id"], "label": say(choice["code"], choice.get("facts", {}), line.language)}
                for choice in line.choices
            ],
        }

    async def _receive(self) -> dict[str, Any] | None:
        """The next frame; None for one that is no JSON object or too large."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        text = message.get("text")
        if not isinstance(text, str) or len(text) > inbound.FRAME_MAX:
            return None
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return frame if isinstance(frame, dict) else None

    async def _refuse(self, code: str, client_id: str | None, *, again: bool = False) -> None:
        text = say(code, {}, self._language, timezone=self._chat.timezone)
        await self._send({"type": "refused", "id": client_id, "text": text, "again": again})

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(frame, ensure_ascii=False))
