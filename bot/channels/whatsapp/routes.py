"""The two signed doors. Nothing is answered with 200 before it is on disk."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot import doorstep
from bot.channels.whatsapp.inbound import CHANNEL, MAX_BODY, Rejected, Verified, flaw, inbox_row, verify
from bot.channels.whatsapp.settings import INBOUND_PATH, STATUS_PATH, WhatsAppSettings
from bot.channels.whatsapp.status import parse_status
from desk import outbox
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable

log = logging.getLogger(__name__)

_EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'

Handle = Callable[[Verified, str], Awaitable[Rejected | None]]
Counted = Callable[[str, str], None]
"""Hears of each call: the door and how it ended."""


def routes(office: Office, settings: WhatsAppSettings, counted: Counted = lambda _door, _outcome: None) -> list[Route]:
    """POST /webhooks/twilio/whatsapp and /webhooks/twilio/status over this office."""
    ward = doorstep.Ward(office, CHANNEL)

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

    def __init__(
        self, name: str, settings: WhatsAppSettings, ward: doorstep.Ward, handle: Handle, counted: Counted
    ) -> None:
        self._name = name
        self._settings = settings
        self._ward = ward
        self._handle = handle
        self._counted = counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify, store, answer."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        body = await doorstep.read_body(receive, headers, MAX_BODY)
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
            await doorstep.refuse(send, 503, "unavailable", "nothing was stored, please repeat")
            return
        if wrong is None:
            self._counted(self._name, "taken")
            await doorstep.answer(send, 200, _EMPTY, b"text/xml")
            return
        self._counted(self._name, wrong.code)
        if wrong.status == 403:
            await self._ward.keep(scope, wrong.code, body)
        await doorstep.refuse(send, wrong.status, wrong.code, wrong.reason)


def _raw_target(scope: Scope) -> tuple[str, str]:
    """Path and query as they came over the wire; decoding and encoding again would break the signature."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw_path.partition(b"?")[0].decode("latin-1"), scope["query_string"].decode("latin-1")


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
