"""Buttons and lists: made once at Twilio for each shape, filled by variables with every message."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx

from bot.channels.whatsapp.outcome import accepted_sid
from bot.channels.whatsapp.render import Rendered
from bot.channels.whatsapp.settings import WhatsAppSettings
from phrases.say import say

log = logging.getLogger(__name__)


class Contents:
    """Knows the ContentSid of every shape that it has made in this life. A shape is a kind and a number of choices."""

    def __init__(self, settings: WhatsAppSettings, http: httpx.AsyncClient) -> None:
        self._url = settings.content_url
        self._http = http
        self._sids: dict[tuple[str, int], str] = {}

    async def fill(self, kind: str, rendered: Rendered, language: str) -> dict[str, str] | None:
        """Form fields that show these choices; None when Twilio would not make the shape: then lines are numbered."""
        shape = (kind, len(rendered.options))
        sid = self._sids.get(shape) or await self._make(kind, len(rendered.options))
        if sid is None:
            return None
        self._sids[shape] = sid
        values = [rendered.text]
        if kind == "twilio/list-picker":
            values.append(say("delivery.choose", {}, language))
        for option in rendered.options:
            values += [option.label, option.id]
        variables = {str(n): value for n, value in enumerate(values, 1)}
        return {"ContentSid": sid, "ContentVariables": json.dumps(variables, ensure_ascii=False)}

    async def _make(self, kind: str, count: int) -> str | None:
        try:
            answer = await self._http.post(self._url, json=definition(kind, count))
        except httpx.HTTPError as error:
            log.warning("no buttons now: %s", type(error).__name__)
            return None
        sid = accepted_sid(answer) if answer.is_success else None
        if sid is None:
            log.warning("Twilio made no %s: HTTP %d", kind, answer.status_code)
        return sid


def definition(kind: str, count: int) -> dict[str, Any]:
    """What the Content API is asked to make: every text a variable, in the order in which `fill` gives them."""
    if kind == "twilio/list-picker":
        first = 3
        items = [{"item": f"{{{{{n}}}}}", "id": f"{{{{{n + 1}}}}}"} for n in range(first, first + 2 * count, 2)]
        types: dict[str, Any] = {"body": "{{1}}", "button": "{{2}}", "items": items}
    else:
        first = 2
        actions = [{"title": f"{{{{{n}}}}}", "id": f"{{{{{n + 1}}}}}"} for n in range(first, first + 2 * count, 2)]
        types = {"body": "{{1}}", "actions": actions}
    samples = {str(n): f"sample {n}" for n in range(1, first + 2 * count)}
    return {
        "friendly_name": f"chargehand_{kind.partition('/')[2].replace('-', '_')}_{count}",
        "language": "en",
        "variables": samples,
        "types": {kind: types},
    }
