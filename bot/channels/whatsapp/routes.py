"""The two signed doors. Nothing is answered with 200 before it is on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable

from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from bot.channels.whatsapp.inbound import CHANNEL, MAX_BODY, Rejected, Verified, flaw, inbox_row, verify
from bot.channels.whatsapp.settings import INBOUND_PATH, STATUS_PATH, WhatsAppSettings
from bot.channels.whatsapp.status import parse_status
from desk import outbox, quarantine
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
_EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
_MAX_KEEPING = 4
"""Refused calls that may wait for the quarantine at once; a flood of them must not fill the writer's queue."""

Headers = list[tuple[bytes, bytes]]
Handle = Callable[[Verified, str], Awaitable[Rejected | None]]
Counted = Callable[[str, str], None]
"""Hears of each call: the door and how it ended."""


def routes(office: Office, settings: WhatsAppSettings, counted: Counted = lambda _door, _outcome: None) -> list[Route]:
    """POST /webhooks/twilio/whatsapp and /webhooks/twilio/status over this office."""
    ward = _Ward(office)

    async def message(call: Verified, _query: str) -> Rejected | None:
        if (wrong := flaw(call.form)) is not None:
            return wrong
        await office.put(inbox_row(call.form))
        return None

    async def status(call: Verified, query: str) -> Rejected | None:
        news = parse_status(query, call.form)
        if isinstance(news, Rejected):
            return news
        await office.run(
            ASSISTANT, outbox.status_changed, provider_id=news.provider_id, status=news.status,
            error_code=news.error_code, outbox_id=news.outbox_id, raw=news.raw,
        )  # fmt: skip
        return None

    return [
        Route(INBOUND_PATH, _Door("whatsapp", settings, ward, message, counted), methods=["POST"]),
        Route(STATUS_PATH, _Door("whatsapp_status", settings, ward, status, counted), methods=["POST"]),
    ]


class _Door:
    """One address, as a plain ASGI application: this is the hottest path of the house."""

    def __init__(self, name: str, settings: WhatsAppSettings, ward: _Ward, handle: Handle, counted: Counted) -> None:
        self._name = name
        self._settings = settings
        self._ward = ward
        self._handle = handle
        self._counted = counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify, store, answer."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        body = await _body(receive, headers)
        if body is None:
            return
        path, query = _raw_target(scope)
        signature, content_type = _text(headers, b"x-twilio-signature"), _text(headers, b"content-type")
        call = verify(self._settings, path, query, body, signature, content_type=content_type)
        try:
            wrong = call if isinstance(call, Rejected) else await self._handle(call, query)
        except Unavailable as away:
            self._counted(self._name, "unavailable")
            log.warning("nothing was stored for a call at %s: %s", self._name, away)
            await _refuse(send, Rejected(503, "unavailable", "nothing was stored, please repeat"))
            return
        if wrong is None:
            self._counted(self._name, "taken")
            await _answer(send, 200, _EMPTY, b"text/xml")
            return
        self._counted(self._name, wrong.code)
        if wrong.status == 403:
            await self._ward.keep(scope, wrong, body)
        await _refuse(send, wrong)


class _Ward:
    """The way to the quarantine, which closes for a minute when the quarantine has enough."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._keeping = 0
        self._closed_until = 0.0

    async def keep(self, scope: Scope, wrong: Rejected, body: bytes) -> None:
        now = self._office.clock.now().timestamp()
        if now < self._closed_until or self._keeping >= _MAX_KEEPING:
            return
        self._keeping += 1
        peer = scope.get("client")
        try:
            kept = await self._office.run(
                ASSISTANT, quarantine.keep, channel=CHANNEL, peer=str(peer[0]) if peer else "",
                reason=wrong.code, raw=body[: quarantine.RAW_LIMIT].decode("utf-8", "replace"),
            )  # fmt: skip
        except Unavailable:
            return
        finally:
            self._keeping -= 1
        if not kept:
            self._closed_until = now + 60


async def _body(receive: Receive, headers: dict[bytes, bytes]) -> bytes | None:
    """The whole body, or one byte more than is allowed; None when the caller went away."""
    announced = headers.get(b"content-length", b"0")
    if len(announced) > 9 or (announced.isdigit() and int(announced) > MAX_BODY):
        return bytes(MAX_BODY + 1)
    body = b""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > MAX_BODY or not message.get("more_body", False):
            return body[: MAX_BODY + 1]


def _raw_target(scope: Scope) -> tuple[str, str]:
    """Path and query as they came over the wire; decoding and encoding again would break the signature."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw_path.partition(b"?")[0].decode("latin-1"), scope["query_string"].decode("latin-1")


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


async def _refuse(send: Send, wrong: Rejected) -> None:
    body = json.dumps({"error": {"code": wrong.code, "text": wrong.reason}}).encode()
    extra: Headers = [(b"retry-after", str(RETRY_AFTER_S).encode())] if wrong.status == 503 else []
    await _answer(send, wrong.status, body, b"application/json", extra)


async def _answer(send: Send, status: int, body: bytes, kind: bytes, extra: Headers | None = None) -> None:
    headers: Headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
