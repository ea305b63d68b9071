"""The sign that somebody types: shown while an answer takes its time. A courtesy, so whatever goes wrong is let go."""

from __future__ import annotations

import logging

import httpx

from bot.channels.whatsapp.settings import WhatsAppSettings
from models.message import Heard

log = logging.getLogger(__name__)


class TypingSign:
    """Twilio shows it for 25 seconds or until the answer, and marks the message as read."""

    def __init__(self, settings: WhatsAppSettings, http: httpx.AsyncClient) -> None:
        self._url = settings.typing_url
        self._http = http

    async def show(self, heard: Heard) -> None:
        """Show it to whoever wrote this."""
        try:
            answer = await self._http.post(self._url, data={"channel": "whatsapp", "messageId": heard.external_id})
        except httpx.HTTPError as error:
            log.debug("no typing sign: %s", type(error).__name__)
            return
        if not answer.is_success:
            log.debug("no typing sign: HTTP %d", answer.status_code)
