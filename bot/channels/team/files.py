"""Files that members send: asked for by their id, fetched from Telegram within limits. The token is never said."""

from __future__ import annotations

from aiogram.exceptions import AiogramError, TelegramBadRequest

from bot.channels.team.client import TeamClient
from bot.channels.team.inbound import FILE
from bot.media_download import Fetched, FetchError, judged

SIZE_LIMIT = 20 * 1024 * 1024
"""Bytes; Telegram gives bots no larger ones."""


class TeamFiles:
    """Fits bot.media_download.FileSource."""

    def __init__(self, client: TeamClient) -> None:
        self._client = client

    async def fetch(self, url: str) -> Fetched:
        """Read a file by the address that its message carries. Raises FetchError."""
        if not url.startswith(FILE):
            raise FetchError("the address is not Telegram's", for_good=True)
        try:
            content = await self._client.download(url.removeprefix(FILE), SIZE_LIMIT)
        except TelegramBadRequest as error:
            raise FetchError(f"Telegram does not give it: {error.message}", for_good=True) from None
        except (AiogramError, OSError, TimeoutError) as error:
            # Its words may hold the file's address, and that holds the token.
            raise FetchError(f"Telegram: {type(error).__name__}") from None
        if content is None:
            raise FetchError(f"larger than {SIZE_LIMIT} bytes", for_good=True)
        return judged(content, SIZE_LIMIT)
