"""The live page: messages, chargers, procedures, tickets and the board, moving by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from desk import live_views
from desk.office import Office
from models.access import Actor
from models.errors import Unavailable
from models.ports import Bus
from phrases.say import say

_FILES = Path(__file__).parent
_PHONE = re.compile(r"(?:\+|(?<!\w)\(?0)\d(?:[ ()-]{0,2}\d){7,13}|(?<!\w)[1-9]\d{9,14}(?!\w)")
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEARTBEAT_S = 15.0
STREAMS = 50


@dataclass
class LivePage:
    """`viewer` tells as whom a request may look, or None where it may not."""

    office: Office
    bus: Bus
    viewer: Callable[[Request], Actor | None]
    timezone: str
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    streams: int = 0

    def routes(self) -> list[BaseRoute]:
        """The page, its script and style, its state and its events."""
        return [
            Route("/", self._page),
            Route("/live/live.js", self._script),
            Route("/live/live.css", self._style),
            Route("/live/state", self._state),
            Route("/live/events", self._events),
        ]

    async def _page(self, request: Request) -> Response:
        if self.viewer(request) is None:
            return _forbidden()
        response = _file("templates/live.html", "text/html")
        response.headers["Content-Security-Policy"] = _CSP
        return response

    async def _script(self, _: Request) -> Response:
        return _file("static/live.js", "text/javascript")

    async def _style(self, _: Request) -> Response:
        return _file("static/live.css", "text/css")

    async def _state(self, request: Request) -> Response:
        actor = self.viewer(request)
        if actor is None:
            return _forbidden()
        try:
            state = await self.office.read(actor, live_views.snapshot)
        except Unavailable:
            return JSONResponse(
                {"error": {"code": "away", "text": "The database is away. The page tries again by itself."}}, 503
            )
        return Response(json.dumps(self._worded(state), ensure_ascii=False), media_type="application/json")

    async def _events(self, request: Request) -> Response:
        if self.viewer(request) is None:
            return _forbidden()
        if self.streams >= STREAMS:
            return JSONResponse(
                {"error": {"code": "busy", "text": "Too many live pages are open. Close one and reload."}}, 503
            )
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers=headers)

    async def _stream(self) -> AsyncIterator[str]:
        queue = self.bus.subscribe("live.")
        stop = asyncio.create_task(self.stopping.wait())
        self.streams += 1
        try:
            yield "retry: 1000\n\nevent: hello\ndata: {}\n\n"
            while not self.stopping.is_set():
                topic = asyncio.create_task(queue.get())
                await asyncio.wait({topic, stop}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
                if topic.done():
                    yield f"event: change\ndata: {json.dumps(topic.result())}\n\n"
                else:
                    topic.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await topic
                    yield ": still here\n\n"
        finally:
            self.streams -= 1
            stop.cancel()
            self.bus.unsubscribe(queue)

    def _worded(self, state: dict[str, Any]) -> dict[str, Any]:
        """Phrases as sentences; phone numbers shortened, because this page is for a wall."""
        for message in state["messages"]:
            if message["text"] is None and message["code"]:
                message["text"] = self._sentence(message["code"], message["facts"] or {}, message["language"] or "en")
            message["sender"], message["text"] = mask(message["sender"]), mask(message["text"] or "")
            del message["code"], message["facts"]
        for ticket in state["tickets"]:
            ticket["summary"] = mask(ticket["summary"])
        for alert in state["alerts"]:
            alert["text"] = mask(self._sentence(alert["code"], alert["facts"], "en"))
            del alert["facts"]
        return state

    def _sentence(self, code: str, facts: dict[str, Any], language: str) -> str:
        try:
            return say(code, facts, language, timezone=self.timezone)
        except (KeyError, ValueError):
            return code


def mask(text: str) -> str:
    """A phone number keeps its last three digits; the id of a charger or of a ticket is none."""
    return _PHONE.sub(lambda found: "…" + found[0][-3:], text)


def _file(name: str, media_type: str) -> Response:
    response = Response((_FILES / name).read_bytes(), media_type=media_type)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _forbidden() -> Response:
    text = "This page opens only on the machine that runs the demo. Open it there by http://127.0.0.1."
    return JSONResponse({"error": {"code": "forbidden", "text": text}}, 403)
