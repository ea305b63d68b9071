"""The team's bot, put together: what comes in, what goes out, and the workers that keep both going."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute

from bot.channels.team.client import TeamClient
from bot.channels.team.files import TeamFiles
from bot.channels.team.inbound import CHANNEL, parse
from bot.channels.team.menus import MenuKeeper
from bot.channels.team.outbound import TeamSender
from bot.pulse import Pulse
from bot.team_chat.door import TeamDoor
from bot.telegram_intake import Intake, route
from desk import team_chats
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR
from models.errors import Unavailable
from models.message import Heard
from models.ports import Bus, Chargers, Clock

log = logging.getLogger(__name__)

RETRY_S = 5.0


@dataclass(frozen=True)
class TeamSettings:
    """A bot at Telegram. `webhook` is the address and the secret that Telegram calls with; None: we poll.

    `chat` is the group that is the team's from the first start on.
    """

    token: str = field(repr=False)
    api_url: str | None = None
    webhook: tuple[str, str] | None = field(default=None, repr=False)
    chat: str | None = None

    @property
    def account(self) -> str:
        """The bot's id."""
        return self.token.partition(":")[0]


class TeamChannel:
    """Everything that a process needs of the team's bot. Give its connections back with `client.close`."""

    def __init__(
        self, settings: TeamSettings, office: Office, bus: Bus, clock: Clock, *, owner: str, timezone: str,
        media_dir: Path,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._office = office
        self._clock = clock
        self.pulse = Pulse("Team")
        self.client = TeamClient(settings.token, clock, api_url=settings.api_url)
        self.sender = TeamSender(self.client, clock, timezone=timezone, media_dir=media_dir)
        self.files = TeamFiles(self.client)
        self._menus = MenuKeeper(office, bus, clock, self.client)
        self._intake = Intake(
            office, clock, CHANNEL, self.client, self.pulse, owner=owner, webhook=settings.webhook
        )  # fmt: skip

    def parse(self, raw: Mapping[str, Any]) -> Heard:
        """What an inbox row of this channel says."""
        return parse(raw, account=self._settings.account)

    def door(self, chargers: Chargers, counted: Callable[[str], None]) -> TeamDoor:
        """Who takes what comes in; `counted` hears of each update that was passed over."""
        return TeamDoor(self._office, chargers, self.client, counted)

    def workers(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """By name, what must run in a process with workers."""
        return {CHANNEL: self._intake.run, f"{CHANNEL}_name": self.introduce, f"{CHANNEL}_menus": self._menus.run}

    def routes(self, counted: Callable[[str, str], None]) -> list[BaseRoute]:
        """The webhook's door, where updates come that way."""
        if self._settings.webhook is None:
            return []
        return [route(self._office, CHANNEL, self._intake, self._settings.webhook[1], counted)]

    async def introduce(self) -> None:
        """Learn what the bot is called, and make the group of the settings the team's."""
        name = await self.client.introduce()
        while True:
            try:
                await self._office.run(OPERATOR, _introduced, name, self._settings.chat)
                return
            except Unavailable:
                await self._clock.sleep(RETRY_S)


def _introduced(work: Work, name: str, chat: str | None) -> None:
    team_chats.keep_bot_name(work, name)
    if chat:
        team_chats.ensure(work, chat)
