"""What webhooks share: reading a body with a limit, refusing, keeping what came with a wrong signature."""

from __future__ import annotations

import json

from starlette.types import Message, Receive, Scope, Send

from desk import quarantine
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable

RETRY_AFTER_S = 5
_MAX_KEEPING = 4
"""Refused calls that may wait for the quarantine at once; a flood of them must not fill the writer's queue."""

Headers = list[tuple[bytes, bytes]]


class Ward:
    """The way to the quarantine, which closes for a minute when the quarantine has enough."""

    def __init__(self, office: Office, channel: str) -> None:
        self._office = office
        self._channel = channel
        self._keeping = 0
        self._closed_until = 0.0

    async def keep(self, scope: Scope, reason: str, body: bytes) -> None:
        """Keep a call that was refused, unless there are too many."""
        now = self._office.clock.now().timestamp()
        if now < self._closed_until or self._keeping >= _MAX_KEEPING:
            return
        self._keeping += 1
        peer = scope.get("client")
        try:
            kept = await self._office.run(
                ASSISTANT, quarantine.keep, channel=self._channel, peer=str(peer[0]) if peer else "",
                reason=reason, raw=body[: quarantine.RAW_LIMIT].decode("utf-8", "replace"),
            )  # fmt: skip
        except Unavailable:
            return
        finally:
            self._keeping -= 1
        if not kept:
            self._closed_until = now + 60


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes | None:
    """The whole body, or one byte more than is allowed; None when the caller went away."""
    announced = headers.get(b"content-length", b"0")
    if len(announced) > 9 or (announced.isdigit() and int(announced) > limit):
        return bytes(limit + 1)
    body = b""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > limit or not message.get("more_body", False):
            return body[: limit + 1]


async def refuse(send: Send, status: int, code: str, reason: str) -> None:
    """A refusal in JSON; 503 says when to come again."""
    body = json.dumps({"error": {"code": code, "text": reason}}).encode()
    extra: Headers = [(b"retry-after", str(RETRY_AFTER_S).encode())] if status == 503 else []
    await answer(send, status, body, b"application/json", extra)


async def answer(send: Send, status: int, body: bytes, kind: bytes, extra: Headers | None = None) -> None:
    """A whole HTTP answer."""
    headers: Headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
