"""The menus of commands: in each place a member sees those that the member may use, in the place's language.

A menu is a hint and never a permission. Strangers see none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from aiogram.exceptions import AiogramError, TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.methods import DeleteMyCommands, SetMyCommands
from aiogram.types import BotCommand, BotCommandScopeChat, BotCommandScopeChatMember, BotCommandScopeDefault

from bot.channels.team.client import TeamClient
from commands.table import allowed
from desk import team_chats, team_menus
from desk.office import Office
from desk.team_menus import MenuPlace
from models.access import ASSISTANT, Permission
from models.errors import Unavailable
from models.ports import Bus, Clock
from phrases.say import say

log = logging.getLogger(__name__)

LOOK_S = 60.0
"""How often roles are looked at without being told of a change."""
MOST = 100
"""Commands in one menu, by Telegram's rule."""
_TEXT_MAX = 256

Menu = tuple[tuple[str, str], ...]
Place = tuple[str, str | None]


class MenuKeeper:
    """Runs until cancelled. What it has set is remembered in memory: after a start everything is set once more."""

    def __init__(self, office: Office, bus: Bus, clock: Clock, client: TeamClient) -> None:
        self._office = office
        self._bus = bus
        self._clock = clock
        self._client = client
        self._set: dict[Place, Menu] = {}
        self._emptied = False

    async def run(self) -> None:
        """Keep the menus as roles, links and languages are."""
        queue = self._bus.subscribe(team_chats.TOPIC)
        try:
            while True:
                while not queue.empty():
                    queue.get_nowait()
                await self._try()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(queue.get(), LOOK_S)
        finally:
            self._bus.unsubscribe(queue)

    async def _try(self) -> None:
        try:
            await self.refresh()
        except Unavailable:
            log.info("the menus cannot be looked at now")
        except TelegramRetryAfter as error:
            await self._clock.sleep(error.retry_after + 1)
        except AiogramError as error:
            log.warning("the menus could not be set: %s", type(error).__name__)

    async def refresh(self) -> None:
        """Set what differs from what was set before. Raises Unavailable and aiogram's errors."""
        if not self._emptied:
            await self._client.do(DeleteMyCommands(scope=BotCommandScopeDefault()))
            self._emptied = True
        wanted = {
            (place.user_id, place.chat_id): (place, _menu(place))
            for place in await self._office.read(ASSISTANT, team_menus.places)
        }
        for key, (_, menu) in wanted.items():
            if self._set.get(key) != menu:
                await self._show(key, menu)
        for key in [key for key in self._set if key not in wanted]:
            await self._show(key, ())
            del self._set[key]

    async def _show(self, key: Place, menu: Menu) -> None:
        """One place; who is not in a group, or never wrote to the bot, sees none there."""
        user_id, chat_id = key
        scope: BotCommandScopeChat | BotCommandScopeChatMember = BotCommandScopeChat(chat_id=int(user_id))
        if chat_id is not None:
            scope = BotCommandScopeChatMember(chat_id=int(chat_id), user_id=int(user_id))
        commands = [BotCommand(command=name, description=text) for name, text in menu]
        try:
            if commands:
                await self._client.do(SetMyCommands(commands=commands, scope=scope))
            else:
                await self._client.do(DeleteMyCommands(scope=scope))
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            log.debug("no menu there: %s", error.message)
        self._set[key] = menu


def _menu(place: MenuPlace) -> Menu:
    lines = [(command.name, say(command.help_code, {}, place.language)) for command in allowed(place.actor)]
    if place.chat_id is not None and place.actor.may(Permission.MANAGE_TEAM):
        lines.append(("here", say("team.menu_here", {}, place.language)))
    return tuple((name, text[:_TEXT_MAX]) for name, text in lines[:MOST])
