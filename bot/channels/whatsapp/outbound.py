"""Going out: one POST a message to Twilio, never repeated here, its answer judged."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable

import httpx

from bot.channels.whatsapp.contents import Contents
from bot.channels.whatsapp.outcome import judge, unanswered
from bot.channels.whatsapp.render import Rendered, actions, parts, render, words
from bot.channels.whatsapp.settings import WhatsAppSettings
from bot.channels.whatsapp.templates import Filled, Templates
from bot.channels.whatsapp.typing import TypingSign
from bot.message_text import size
from models.outbox import Accepted, Parcel, Refused, SendResult
from models.ports import Clock
from models.reply import Extra
from phrases.say import say

TIMEOUT_S = 15.0
MAX_VALIDITY_S = 36_000
CAPTION_LIMIT = 1_024
TAIL_LINES, TAIL_LIMIT = 10, 900
"""Of a text file, what is shown in the message itself."""
_CAPTIONED = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4"})
_REMEMBERED = 1_000


class TwilioSender:
    """Fits models.ports.Sender. Holds one pool of connections; give it back with `close`. `links` makes the address
    from which Twilio, or a person, fetches the file of a parcel; without it files are left out.
    """

    def __init__(
        self, settings: WhatsAppSettings, clock: Clock, *, timezone: str = "UTC", timeout_s: float = TIMEOUT_S,
        links: Callable[[Parcel], str] | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._clock = clock
        self._timezone = timezone
        self._links = links
        self._http = http_client(settings, timeout_s)
        self._contents = Contents(settings, self._http) if settings.content_api else None
        self.typing = TypingSign(settings, self._http)
        self.templates = Templates(settings.templates)
        # Long texts go in parts: how many of a row's parts Twilio took, should a later one have to be tried again.
        self._taken: OrderedDict[tuple[int, bool], int] = OrderedDict()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def send(self, parcel: Parcel) -> SendResult:
        """Render and hand to Twilio. Never raises for what Twilio does."""
        validity = self._validity(parcel)
        if validity <= 0:
            return Refused("expired", "it is of no use any more")
        try:
            rendered = self._with_document(parcel, render(parcel, self._timezone))
        except (KeyError, ValueError) as error:
            return Refused("no_phrase", str(error))
        if not rendered.text and Extra.MEDIA not in parcel.extra:
            return Refused("empty", "there is nothing to say")
        if parcel.template or not parcel.window_open:
            return await self._send_template(parcel, rendered, validity)
        if (
            self._contents is not None
            and Extra.MEDIA not in parcel.extra
            and (kind := rendered.content_kind) is not None
        ):
            content = await self._contents.fill(kind, rendered, parcel.language)
            if content is not None:
                form = self._form(parcel, validity) | content
                return await self._post(parcel, form, rendered.text, rendered.menu)
        return await self._send_text(parcel, rendered, validity)

    def preview(self, parcel: Parcel) -> str:
        """What `send` would say for this parcel: for a send whose text was lost with the process. Empty: nothing."""
        try:
            rendered = render(parcel, self._timezone)
        except (KeyError, ValueError):
            return ""
        if parcel.template or not parcel.window_open:
            filled = self._filled(parcel, rendered)
            return filled.said if filled is not None else ""
        interactive = self._contents is not None and rendered.content_kind is not None
        return rendered.text if interactive else rendered.numbered

    async def _send_template(self, parcel: Parcel, rendered: Rendered, validity: int) -> SendResult:
        filled = self._filled(parcel, rendered)
        if filled is None:
            return Refused("no_template", f"outside the 24 hours, and no template for {parcel.intent}")
        variables = json.dumps(filled.values, ensure_ascii=False)
        form = self._form(parcel, validity) | {"ContentSid": filled.sid, "ContentVariables": variables}
        return await self._post(parcel, form, filled.said, {})

    def _filled(self, parcel: Parcel, rendered: Rendered) -> Filled | None:
        template = self.templates.find(parcel.intent, parcel.language)
        if template is None:
            return None
        return template.fill(rendered.text, words(parcel, template.variables, self._timezone), actions(parcel))

    async def _send_text(self, parcel: Parcel, rendered: Rendered, validity: int) -> SendResult:
        """All parts in order; only the last carries our id, so that its callback speaks for the whole."""
        text, key = rendered.numbered, (parcel.id, parcel.repeated)
        *first, last = self._posts(parcel, text)
        for n, post in enumerate(first):
            if n < self._taken.get(key, 0):
                continue
            form = self._form(parcel, validity) | post | {"StatusCallback": self._settings.status_url()}
            result = await self._post(parcel, form, text, {})
            if not isinstance(result, Accepted):
                return result
            self._remember(key, n + 1)
        result = await self._post(parcel, self._form(parcel, validity) | last, text, rendered.menu)
        if isinstance(result, Accepted):
            self._taken.pop(key, None)
        return result

    def _posts(self, parcel: Parcel, text: str) -> list[dict[str, str]]:
        """What each message holds: the parts of a text, and the file, with the words below it where WhatsApp can."""
        posts = [{"Body": part} for part in parts(text)] if text else []
        media = parcel.extra.get(Extra.MEDIA)
        if media is None or self._links is None:
            return posts
        file = {"MediaUrl": self._links(parcel)}
        captioned = media.get("content_type") in _CAPTIONED and len(posts) == 1 and size(text) <= CAPTION_LIMIT
        return [posts[0] | file] if captioned else [*posts, file]

    def _with_document(self, parcel: Parcel, rendered: Rendered) -> Rendered:
        """The end of a text file, and where the whole of it is: WhatsApp shows no name of a file."""
        document = parcel.extra.get(Extra.DOCUMENT)
        if document is None:
            return rendered
        tail = "\n".join(document["text"].rstrip().splitlines()[-TAIL_LINES:])[-TAIL_LIMIT:]
        text = f"{rendered.text}\n\n{tail}"
        if self._links is not None:
            facts = {"text": text, "name": document["name"], "url": self._links(parcel)}
            text = say("delivery.document", facts, parcel.language)
        return Rendered(text, rendered.options)

    async def _post(self, parcel: Parcel, form: dict[str, str], rendered: str, menu: dict[str, str]) -> SendResult:
        try:
            answer = await self._http.post(f"{self._settings.account_url}/Messages.json", data=form)
        except httpx.HTTPError as error:
            return unanswered(error, rendered=rendered, attempts=parcel.attempts)
        return judge(answer, rendered=rendered, menu=menu, attempts=parcel.attempts, template="ContentSid" in form)

    def _form(self, parcel: Parcel, validity: int) -> dict[str, str]:
        own = parcel.account if parcel.account.startswith("whatsapp:") else self._settings.sender
        return {
            "From": own,
            "To": parcel.address,
            "StatusCallback": self._settings.status_url(parcel.id),
            "ValidityPeriod": str(validity),
        }

    def _validity(self, parcel: Parcel) -> int:
        """How many seconds Twilio may keep it: no longer than it is of use."""
        if parcel.expires_at is None:
            return MAX_VALIDITY_S
        return min(int((parcel.expires_at - self._clock.now()).total_seconds()), MAX_VALIDITY_S)

    def _remember(self, key: tuple[int, bool], count: int) -> None:
        self._taken[key] = count
        while len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)


def http_client(settings: WhatsAppSettings, timeout_s: float) -> httpx.AsyncClient:
    """A pool for Twilio's API: it never repeats a POST, and looks at no environment variable."""
    return httpx.AsyncClient(
        auth=settings.credentials,
        timeout=httpx.Timeout(timeout_s, connect=min(5.0, timeout_s)),
        limits=httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=5.0),
        trust_env=False,
        headers={"User-Agent": "chargehand"},
    )
