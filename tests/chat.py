"""A browser's side of the web chat, over a real WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect


class Browser:
    """Keeps what a real page keeps: its session and the number of the last line it saw."""

    def __init__(self, url: str, *, language: str = "en") -> None:
        self.url = url
        self.language = language
        self.session: str | None = None
        self.seen: int | None = None
        self.lines: list[dict[str, Any]] = []
        self.stored: list[str] = []
        self.refused: list[dict[str, Any]] = []
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Connect, or connect again and resume."""
        self._socket = await connect(self.url, compression=None)
        await self.raw({"type": "hello", "session": self.session, "after": self.seen, "language": self.language})
        welcome = json.loads(await self._socket.recv())
        assert welcome["type"] == "welcome", welcome
        self.session = welcome["session"]
        for line in welcome["lines"]:
            self._line(line)
        self.seen = self.seen or 0
        self._reader = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Go away without a word, as a phone in a tunnel does."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._socket is not None:
            self._socket.transport.abort()
            self._socket = None

    async def raw(self, frame: object) -> None:
        """Send anything."""
        assert self._socket is not None
        await self._socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def says(self, text: str, *, frame_id: str | None = None) -> str:
        """Send a message and wait until it is stored."""
        return await self._ask({"type": "say", "text": text}, frame_id)

    async def presses(self, choice: str) -> str:
        """Press a button."""
        return await self._ask({"type": "press", "choice": choice, "label": choice}, None)

    async def _ask(self, frame: dict[str, Any], frame_id: str | None) -> str:
        frame["id"] = frame_id or secrets.token_hex(8)
        await self.raw(frame)
        await self._until(lambda: frame["id"] in self.stored)
        return str(frame["id"])

    async def hears(self, part: str, *, within_s: float = 15) -> dict[str, Any]:
        """Wait for a line that contains `part`, and take it and all before it off the list."""
        await self._until(lambda: any(part in line["text"] for line in self.lines), within_s, part)
        index = next(i for i, line in enumerate(self.lines) if part in line["text"])
        line = self.lines[index]
        del self.lines[: index + 1]
        return line

    async def _until(self, condition: Any, within_s: float = 15, what: str = "") -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"waited for {what!r}; heard {[line['text'] for line in self.lines]}") from None

    def _line(self, line: dict[str, Any]) -> None:
        if line["own"]:
            return
        assert line["number"] > (self.seen or 0), "a line was repeated"
        self.seen = line["number"]
        self.lines.append(line)

    async def _read(self) -> None:
        assert self._socket is not None
        async for text in self._socket:
            frame = json.loads(text)
            if frame["type"] == "line":
                self._line(frame)
            elif frame["type"] == "stored":
                self.stored.append(frame["id"])
            elif frame["type"] == "refused":
                self.refused.append(frame)
            self._changed.set()


@asynccontextmanager
async def browser(url: str, *, language: str = "en") -> AsyncIterator[Browser]:
    """A page that is open for the block."""
    page = Browser(url, language=language)
    await page.open()
    try:
        yield page
    finally:
        await page.close()
