"""The team's bot, put together: what comes in, what goes out, and the workers that keep both going."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.channels.team.client import TeamClient
from bot.channels.team.files import TeamFiles
from bot.channels.team.inbound import CHANNEL, parse
from bot.channels.team.menus import MenuKeeper
from bot.channels.team.outbound import TeamSender
from bot.send import Pace
from desk import team_chats
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR
from models.errors import Unavailable
from models.message import Heard
from models.ports import Bus, Clock

log = logging.getLogger(__name__)

PACE = Pace(chat_per_s=1, chat_burst=3, account_per_s=25, account_burst=30, group_per_s=0.25, group_burst=3)
"""Telegram allows about one message a second in a chat, 30 in all, 20 a minute in a group: so 18 at the most there."""
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
    """Everything that a process needs of the team's bot. Give the connections back with `close`."""

    def __init__(
        self, settings: TeamSettings, office: Office, bus: Bus, clock: Clock, *, timezone: str, media_dir: Path
    ) -> None:
        self._settings = settings
        self._office = office
        self._clock = clock
        self.client = TeamClient(settings.token, clock, api_url=settings.api_url)
        self.sender = TeamSender(self.client, clock, timezone=timezone, media_dir=media_dir)
        self.files = TeamFiles(self.client)
        self.menus = MenuKeeper(office, bus, clock, self.client)

    def parse(self, raw: dict[str, Any]) -> Heard:
        """What an inbox row of this channel says."""
        return parse(raw, account=self._settings.account)

    def workers(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """By name, what must run beside the intake: everything that a process with workers starts."""
        return {f"{CHANNEL}_name": self.introduce, f"{CHANNEL}_menus": self.menus.run}

    async def introduce(self) -> None:
        """Learn what the bot is called, and make the group of the settings the team's."""
        name = await self.client.introduce()
        while True:
            try:
                await self._office.run(OPERATOR, _introduced, name, self._settings.chat)
                return
            except Unavailable:
                await self._clock.sleep(RETRY_S)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.client.close()


def _introduced(work: Work, name: str, chat: str | None) -> None:
    team_chats.keep_bot_name(work, name)
    if chat:
        team_chats.ensure(work, chat)
