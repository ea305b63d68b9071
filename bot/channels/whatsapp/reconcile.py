"""Asking Twilio what happened: to a send that got no answer, and to messages that came while we were away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from bot.channels.whatsapp.inbound import flaw, inbox_row
from bot.channels.whatsapp.outbound import TIMEOUT_S, http_client
from bot.channels.whatsapp.outcome import shape
from bot.channels.whatsapp.render import parts
from bot.channels.whatsapp.settings import WhatsAppSettings
from desk import traffic
from desk.office import Office
from models.access import ASSISTANT
from models.inbox import InboxRow

SLACK = timedelta(seconds=30)
"""Twilio's clock and ours may differ by so much."""
PAGE_SIZE = 100
MAX_PAGES = 50


class TwilioReconciler:
    """Fits models.ports.Reconciler, and lists what came in. Give its connections back with `close`.

    With an office, a message that another row of the outbox is known to have become is never taken for this one.
    """

    def __init__(
        self, settings: WhatsAppSettings, *, office: Office | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._settings = settings
        self._office = office
        self._http = http_client(settings, timeout_s)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def find(self, address: str, rendered: str, since: datetime) -> str | None:
        """Twilio's id of a message to `address` with that text sent since then.

        Where it cannot be told whether a message is ours (a template's text is not the one we gave), it counts as
        ours: better one message that staff look after than two. Raises ConnectionError when Twilio cannot be asked.
        """
        wanted = _squash(parts(rendered)[-1]) if rendered else ""
        exact: list[str] = []
        unsure: list[str] = []
        async for message in self._messages({"To": address, **_sent_since(since)}):
            if not _outbound(message) or _made_at(message) < since - SLACK:
                continue
            body = _squash(str(message.get("body") or ""))
            if wanted and body == wanted:
                exact.append(str(message["sid"]))
            elif not body or not wanted or wanted in body:
                unsure.append(str(message["sid"]))
        others = await self._others(exact + unsure)
        return next((sid for sid in exact + unsure if sid not in others), None)

    async def _others(self, sids: list[str]) -> set[str]:
        if self._office is None or not sids:
            return set()
        return await self._office.read(ASSISTANT, traffic.sent, sids)

    async def inbound_since(
        self, since: datetime, known: Collection[str] = (), *, until: datetime | None = None
    ) -> list[InboxRow]:
        """Rows for what was written to us since then, oldest first, without those whose id is in `known`.

        To be put into the inbox like any other: one that is there already stays as it is. A list knows less than a
        webhook (no button, no place), so `until` leaves time for the webhook. Raises ConnectionError.
        """
        rows: list[tuple[datetime, InboxRow]] = []
        async for message in self._messages({"To": self._settings.sender, **_sent_since(since)}):
            made_at = _made_at(message)
            timely = since - SLACK <= made_at and (until is None or made_at <= until)
            if message.get("direction") != "inbound" or message["sid"] in known or not timely:
                continue
            form = await self._form(message)
            if flaw(form) is None:
                rows.append((made_at, inbox_row(form)))
        return [row for _, row in sorted(rows, key=lambda pair: pair[0])]

    async def _form(self, message: dict[str, Any]) -> dict[str, str]:
        """A listed message in the words of the webhook that we missed."""
        form = {
            "MessageSid": str(message["sid"]),
            "AccountSid": str(message.get("account_sid") or ""),
            "From": str(message.get("from") or ""),
            "To": str(message.get("to") or ""),
            "Body": str(message.get("body") or "").replace("\x00", ""),
            "NumMedia": str(message.get("num_media") or "0"),
            "RecoveredSentAt": _made_at(message).isoformat(),
        }
        if form["NumMedia"] not in ("", "0"):
            form |= await self._media(form["MessageSid"])
        return form

    async def _media(self, sid: str) -> dict[str, str]:
        page = await self._get(f"{self._settings.account_url}/Messages/{sid}/Media.json", {})
        found: dict[str, str] = {}
        for n, item in enumerate(page.get("media_list") or []):
            found[f"MediaUrl{n}"] = f"{self._settings.account_url}/Messages/{sid}/Media/{item['sid']}"
            found[f"MediaContentType{n}"] = str(item.get("content_type") or "")
        return found

    async def _messages(self, query: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
        url, params = f"{self._settings.account_url}/Messages.json", query | {"PageSize": str(PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            page = await self._get(url, params)
            for message in page.get("messages") or []:
                if isinstance(message, dict) and message.get("sid"):
                    yield message
            following = page.get("next_page_uri")
            if not following:
                return
            url, params = self._same_host(str(following)), {}

    def _same_host(self, uri: str) -> str:
        url = urljoin(self._settings.api_url, uri)
        if urlsplit(url).netloc != urlsplit(self._settings.api_url).netloc:
            raise ConnectionError("Twilio's next page is on another host")
        return url

    async def _get(self, url: str, params: dict[str, str]) -> dict[str, Any]:
        try:
            answer = await self._http.get(url, params=params or None)
        except httpx.HTTPError as error:
            raise ConnectionError(f"Twilio was not reached: {type(error).__name__}") from error
        body = shape(answer)
        if answer.status_code != 200 or body is None:
            raise ConnectionError(f"Twilio answered {answer.status_code}")
        return body


def _sent_since(since: datetime) -> dict[str, str]:
    """Twilio compares whole days."""
    return {"DateSent>": (since - SLACK).astimezone(UTC).date().isoformat()}


def _outbound(message: dict[str, Any]) -> bool:
    return str(message.get("direction") or "").startswith("outbound")


def _made_at(message: dict[str, Any]) -> datetime:
    """When Twilio took it; a message without a readable date counts as new."""
    try:
        made = parsedate_to_datetime(str(message.get("date_created") or message.get("date_sent") or ""))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _squash(text: str) -> str:
    return " ".join(text.split())
