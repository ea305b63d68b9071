"""The drivers' bot in one piece: its client, what comes in, what goes out, its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute

from bot.channels.telegram import inbound
from bot.channels.telegram.client import TelegramClient
from bot.channels.telegram.files import TelegramFiles
from bot.channels.telegram.inbound import CHANNEL
from bot.channels.telegram.outbound import TelegramSender
from bot.channels.telegram.settings import TelegramSettings
from bot.pulse import Pulse
from bot.telegram_intake import Intake, route
from desk.office import Office
from models.message import Heard, Presence
from models.ports import Clock


class TelegramDoor:
    """Serves one bot; give its connections back with `client.close`. `pulse` tells how it is doing."""

    def __init__(
        self, settings: TelegramSettings, office: Office, clock: Clock, *, owner: str, timezone: str, media_dir: Path
    ) -> None:
        self._office = office
        self._settings = settings
        self.pulse = Pulse("Telegram")
        self.client = TelegramClient(settings)
        self.files = TelegramFiles(self.client)
        self.sender = TelegramSender(self.client, clock, timezone=timezone, media_dir=media_dir)
        self.intake = Intake(
            office, clock, CHANNEL, self.client, self.pulse, owner=owner, webhook=settings.webhook,
            seen=self.client.courtesy,
        )  # fmt: skip

    def parse(self, raw: Mapping[str, Any]) -> Heard | Presence | None:
        """What an inbox row says."""
        return inbound.parse(raw, account=self._settings.account)

    def routes(self, counted: Callable[[str, str], None]) -> list[BaseRoute]:
        """The webhook's door, where updates come that way."""
        if self._settings.webhook is None:
            return []
        return [route(self._office, CHANNEL, self.intake, self._settings.webhook[1], counted)]
