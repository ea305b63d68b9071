"""The drivers' bot at Telegram, by python-telegram-bot: one client that can be rebuilt; fetching, menus, courtesies."""

from __future__ import annotations

import contextlib
import logging
import warnings
from datetime import timedelta
from typing import Any

from telegram import Bot, BotCommand, BotCommandScopeAllPrivateChats
from telegram.constants import ChatAction
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest
from telegram.warnings import PTBDeprecationWarning

from bot.channels.telegram.inbound import WANTED
from bot.channels.telegram.settings import TelegramSettings
from bot.telegram_intake import FetchError, Update, Why
from phrases.catalogue import LANGUAGES
from phrases.say import say

log = logging.getLogger(__name__)

# It speaks of a type that its next major version changes; `seconds` below takes both.
warnings.filterwarnings("ignore", "(?s).*retry_after.*", PTBDeprecationWarning)

MENU = ("start", "help", "near", "language", "human", "phone", "forget")
"""The commands that Telegram shows beside the text field; any other text is understood as well."""
TIMEOUT_S = 15.0
CONNECT_S = 5.0
CONNECTIONS = 16


class TelegramClient:
    """Fits bot.telegram_intake.BotClient. `bot` is the library's own; ask for it anew each time, it may be rebuilt."""

    def __init__(self, settings: TelegramSettings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self.account = settings.account
        self._menus = False
        self._lines: tuple[HTTPXRequest, ...] = ()
        self.bot = self._new()

    def _new(self) -> Bot:
        self._lines = (self._line(CONNECTIONS), self._line(2))
        base = self._settings.api_url.rstrip("/")
        return Bot(
            self._settings.token, base_url=f"{base}/bot", base_file_url=f"{base}/file/bot",
            request=self._lines[0], get_updates_request=self._lines[1],
        )  # fmt: skip

    def _line(self, connections: int) -> HTTPXRequest:
        return HTTPXRequest(
            connection_pool_size=connections, read_timeout=self._timeout_s, write_timeout=self._timeout_s,
            connect_timeout=min(CONNECT_S, self._timeout_s), pool_timeout=self._timeout_s,
            httpx_kwargs={"trust_env": False},
        )  # fmt: skip

    async def rebuild(self) -> None:
        """New connections: the old ones may hang."""
        old = self._lines
        self.bot = self._new()
        await _close(old)

    async def close(self) -> None:
        """Let go of the connections."""
        await _close(self._lines)

    # Coming in -------------------------------------------------------------------------------------------------------

    async def prepare(self, webhook: tuple[str, str] | None) -> None:
        """Say how updates come, and which commands there are."""
        try:
            if webhook is not None:
                url, secret = webhook
                await self.bot.set_webhook(url, secret_token=secret, allowed_updates=WANTED, drop_pending_updates=False)
            else:
                await self.bot.delete_webhook(drop_pending_updates=False)
            if not self._menus:
                await self._set_menus()
                self._menus = True
        except TelegramError as error:
            raise failure(error) from error

    async def fetch(self, offset: int | None, timeout_s: int) -> list[Update]:
        """A long poll."""
        wanted = {"offset": offset, "timeout": timeout_s, "allowed_updates": list(WANTED)}
        try:
            # As it came: of what `get_updates` cannot parse, one update would keep all the others from us.
            updates: Any = await self.bot.do_api_request(
                "GetUpdates", {name: value for name, value in wanted.items() if value is not None},
                read_timeout=timeout_s + self._timeout_s,
            )  # fmt: skip
        except TelegramError as error:
            raise failure(error) from error
        return [update for update in updates if isinstance(update, dict)]

    async def _set_menus(self) -> None:
        for language in LANGUAGES:
            commands = [BotCommand(name, say(f"telegram.menu_{name}", {}, language)) for name in MENU]
            tag = None if language == LANGUAGES[0] else language
            await self.bot.set_my_commands(commands, scope=BotCommandScopeAllPrivateChats(), language_code=tag)

    async def courtesy(self, update: Update) -> None:
        """Let a pressed button come to rest; show that an answer is being written. Raises what Telegram says."""
        press, message = update.get("callback_query"), update.get("message")
        if isinstance(press, dict):
            await self.bot.answer_callback_query(str(press.get("id")))
        elif isinstance(message, dict) and message.get("chat", {}).get("type") == "private":
            await self.bot.send_chat_action(message["chat"]["id"], ChatAction.TYPING)


def failure(error: TelegramError) -> FetchError:
    """What a failed call means for taking updates in."""
    match error:
        case RetryAfter():
            return FetchError(Why.BUSY, "429", seconds(error))
        case Conflict():
            return FetchError(Why.CONFLICT, str(error))
        case InvalidToken():
            return FetchError(Why.REVOKED, "the token is not valid")
    return FetchError(Why.AWAY, f"{type(error).__name__}: {error}"[:200])


def seconds(error: RetryAfter) -> float:
    """How long Telegram asks us to be quiet."""
    given: Any = error.retry_after
    return given.total_seconds() if isinstance(given, timedelta) else float(given)


async def _close(lines: tuple[HTTPXRequest, ...]) -> None:
    for line in lines:
        with contextlib.suppress(Exception):
            await line.shutdown()
