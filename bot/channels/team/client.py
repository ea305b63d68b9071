"""The team's bot at Telegram, by aiogram: one client that can be made anew, its name, how updates are asked for."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import AnswerCallbackQuery, DeleteWebhook, GetFile, GetMe, SetWebhook, TelegramMethod
from aiohttp import ClientError

from bot.channels.team.inbound import WANTED
from bot.telegram_intake import FetchError, Why
from models.ports import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

CALL_S = 20
ASK_AGAIN_S = 5.0
ANSWER_MAX = 200
"""Characters that Telegram shows to somebody who pressed a button."""


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates whose result stays as it came: one update of a new kind must not keep the others from us."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = 100
    timeout: int = 0
    allowed_updates: list[str]


class TeamClient:
    """Talks to one bot. Everybody else calls `do`; `rebuild` replaces connections that have gone bad."""

    def __init__(self, token: str, clock: Clock, *, api_url: str | None = None) -> None:
        self._token = token
        self._clock = clock
        self._api = TelegramAPIServer.from_base(api_url) if api_url else PRODUCTION
        self._bot = self._new()
        self._named = asyncio.Event()
        self.account = token.partition(":")[0]
        self.name: str | None = None

    def _new(self) -> Bot:
        return Bot(self._token, session=AiohttpSession(api=self._api, timeout=CALL_S))

    async def do(self, method: TelegramMethod[T], timeout_s: int | None = None) -> T:
        """Call Telegram once. Raises aiogram's typed errors."""
        return await self._bot(method, request_timeout=timeout_s)

    async def prepare(self, webhook: tuple[str, str] | None) -> None:
        """Tell Telegram how updates come: by a webhook (address, secret), or because we ask. What waits there stays."""
        method: TelegramMethod[bool] = DeleteWebhook(drop_pending_updates=False)
        if webhook is not None:
            url, secret = webhook
            method = SetWebhook(
                url=url, secret_token=secret, allowed_updates=list(WANTED), drop_pending_updates=False
            )  # fmt: skip
        await self._asked(method)

    async def fetch(self, offset: int | None, timeout_s: int) -> list[dict[str, Any]]:
        """Updates from `offset` on, waiting up to `timeout_s` for one; what is below it is forgotten at Telegram."""
        method = RawUpdates(offset=offset, timeout=timeout_s, allowed_updates=list(WANTED))
        return await self._asked(method, timeout_s + 10)

    async def _asked(self, method: TelegramMethod[T], timeout_s: int | None = None) -> T:
        try:
            return await self.do(method, timeout_s)
        except AiogramError as error:
            raise _no_updates(error) from error

    async def rebuild(self) -> None:
        """New connections: the old ones may hang."""
        old, self._bot = self._bot, self._new()
        await old.session.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._bot.session.close()

    # Who we are ----------------------------------------------------------------------------------------------------

    async def introduce(self) -> str:
        """Ask what we are called, until Telegram says so."""
        while self.name is None:
            try:
                self.name = (await self.do(GetMe())).username or ""
            except AiogramError as error:
                log.warning("the team's bot cannot be asked for its name: %s", type(error).__name__)
                await self._clock.sleep(ASK_AGAIN_S)
        self._named.set()
        return self.name

    async def called(self, within_s: float = 10.0) -> str | None:
        """Our name, waiting a little where it is not known yet."""
        try:
            async with asyncio.timeout(within_s):
                await self._named.wait()
        except TimeoutError:
            return None
        return self.name

    # Small calls ---------------------------------------------------------------------------------------------------

    async def answer_press(self, press_id: str, text: str = "", *, alert: bool = False) -> bool:
        """Tell the person who pressed a button; False where Telegram does not take it any more."""
        shown = text if len(text) <= ANSWER_MAX else text[: ANSWER_MAX - 1] + "…"
        try:
            return await self.do(AnswerCallbackQuery(callback_query_id=press_id, text=shown or None, show_alert=alert))
        except AiogramError as error:
            log.info("a press could not be answered: %s", error)
            return False

    async def download(self, file_id: str, limit: int) -> bytes | None:
        """A file's content; None where it is larger than `limit`. Raises aiogram's errors, OSError, TimeoutError."""
        file = await self.do(GetFile(file_id=file_id))
        if (file.file_size or 0) > limit or file.file_path is None:
            return None
        content = bytearray()
        url = self._api.file_url(self._token, file.file_path)
        try:
            async for chunk in self._bot.session.stream_content(url, timeout=CALL_S):
                content += chunk
                if len(content) > limit:
                    return None
        except ClientError as error:
            raise ConnectionError(type(error).__name__) from None
        return bytes(content)


def _no_updates(error: AiogramError) -> FetchError:
    reason = type(error).__name__
    match error:
        case TelegramRetryAfter():
            return FetchError(Why.BUSY, reason, float(error.retry_after))
        case TelegramConflictError():
            return FetchError(Why.CONFLICT, error.message[:200])
        case TelegramUnauthorizedError() | TelegramNotFound():
            return FetchError(Why.REVOKED, reason)
    return FetchError(Why.AWAY, reason)
