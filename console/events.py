"""The stream of a member's page: topics that changed, of those that they may see. A hint, never a fact."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from console.door import stranger, trouble, who
from console.house import ConsoleHouse
from desk import live_topics, sessions
from desk.sign_in import STRANGER, Visitor
from models.access import Actor
from models.errors import Unavailable

HEARTBEAT_S = 20.0
STREAMS = 500
STREAMS_EACH = 20
"""A member's pages; a browser opens one stream for all of its own."""
CHECKED_EVERY = timedelta(minutes=1)
_OVER = "event: over\ndata: {}\n\n"


@dataclass
class _Ear:
    """One open stream."""

    visitor: Visitor
    checked_at: datetime


class Events:
    """GET /console/events."""

    def __init__(self, house: ConsoleHouse) -> None:
        self._house = house
        self._open: dict[int, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            visitor = await who(request, self._house, noted=False)
        except Unavailable:
            return trouble(stranger(request, self._house), 503, "trouble.away", {})
        if visitor is None:
            return Response(status_code=401)  # an EventSource gives up; its page asks why
        if self._open.get(visitor.id, 0) >= STREAMS_EACH or sum(self._open.values()) >= STREAMS:
            return Response("too many streams", 503, headers={"Retry-After": "60"}, media_type="text/plain")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        ear = _Ear(visitor, self._house.now())
        return StreamingResponse(self._stream(ear), media_type="text/event-stream", headers=headers)

    async def _stream(self, ear: _Ear) -> AsyncIterator[str]:
        bus, member_id = self._house.bus, ear.visitor.id
        topics = bus.subscribe("live.")
        ends = bus.subscribe(f"session.{ear.visitor.session.id}.")
        stop = asyncio.create_task(self._house.stopping.wait())
        self._open[member_id] = self._open.get(member_id, 0) + 1
        try:
            yield "retry: 2000\n\nevent: hello\ndata: {}\n\n"
            while (said := await self._next(ear, topics, ends, stop)) is not None:
                yield said
                if said == _OVER:
                    return
        finally:
            self._open[member_id] -= 1
            if not self._open[member_id]:
                del self._open[member_id]
            stop.cancel()
            bus.unsubscribe(topics)
            bus.unsubscribe(ends)

    async def _next(
        self, ear: _Ear, topics: asyncio.Queue[str], ends: asyncio.Queue[str], stop: asyncio.Task[bool]
    ) -> str | None:
        """What to say next: events, a heartbeat, or None where the stream is over."""
        topic = asyncio.create_task(topics.get())
        ended = asyncio.create_task(ends.get())
        try:
            await asyncio.wait({topic, ended, stop}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            heard = [topic.result()] if topic.done() else []
            over = ended.done() or stop.done()
        finally:  # also where the browser went away meanwhile
            topic.cancel()
            ended.cancel()
        if over or not await self._still(ear):
            return None if stop.done() else _OVER
        while not topics.empty() and len(heard) < 200:
            heard.append(topics.get_nowait())
        told = await self._told(ear.visitor.actor, heard)
        return "".join(f"event: change\ndata: {json.dumps(name)}\n\n" for name in told) or ": still here\n\n"

    async def _still(self, ear: _Ear) -> bool:
        """Whether the session holds; asked once a minute, an end in this house is heard at once."""
        now = self._house.now()
        if now - ear.checked_at < CHECKED_EVERY:
            return True
        ear.checked_at = now
        with contextlib.suppress(Unavailable):
            return await self._house.office.read(STRANGER, sessions.holds, ear.visitor.session.id)
        return True

    async def _told(self, actor: Actor, heard: list[str]) -> list[str]:
        """Those of which this member may hear."""
        told = live_topics.allowed(actor, heard)
        if not told or not live_topics.wants_a_look(actor):
            return told
        try:
            return await self._house.office.read(actor, live_topics.own, told)
        except Unavailable:
            return []
