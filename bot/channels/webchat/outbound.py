"""Sending on the web chat: a line is sent once it is rendered and stored; sockets read it from there."""

from __future__ import annotations

from models.outbox import Accepted, Parcel, SendResult
from phrases.say import say


class WebSender:
    """Fits models.ports.Sender. Sending again is harmless: a line keeps its number, and browsers go by numbers."""

    def __init__(self, timezone: str) -> None:
        self._timezone = timezone

    async def send(self, parcel: Parcel) -> SendResult:
        """The text in the person's language."""
        text = parcel.text or say(parcel.code, parcel.facts, parcel.language, timezone=self._timezone)
        menu = {str(number): choice["id"] for number, choice in enumerate(parcel.choices, start=1)}
        return Accepted(f"web:{parcel.id}", text, status="delivered", rank=4, menu=menu)
