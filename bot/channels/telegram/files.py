"""Files that drivers send: asked for by their id, fetched from Telegram within limits. The token is never said."""

from __future__ import annotations

from telegram.error import BadRequest, TelegramError

from bot.channels.telegram.client import TelegramClient
from bot.channels.telegram.inbound import FILE
from bot.media_download import Fetched, FetchError, judged

SIZE_LIMIT = 20 * 1024 * 1024
"""Bytes; Telegram gives bots no larger ones."""


class TelegramFiles:
    """Fits bot.media_download.FileSource."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client

    async def fetch(self, url: str) -> Fetched:
        """Read a file by the address that its message carries. Raises FetchError."""
        if not url.startswith(FILE):
            raise FetchError("the address is not Telegram's", for_good=True)
        try:
            file = await self._client.bot.get_file(url.removeprefix(FILE))
            if (file.file_size or 0) > SIZE_LIMIT:
                raise FetchError(f"larger than {SIZE_LIMIT} bytes", for_good=True)
            if not (file.file_path or "").startswith(("https://", "http://")):
                # The library would read a path from our own disk, as for a Bot API on the same machine.
                raise FetchError("Telegram gives no address of it")
            content = bytes(await file.download_as_bytearray())
        except BadRequest as error:
            raise FetchError(f"Telegram does not give it: {error}", for_good=True) from None
        except TelegramError as error:
            # Its words may hold the file's address, and that holds the token.
            raise FetchError(f"Telegram: {type(error).__name__}") from None
        return judged(content, SIZE_LIMIT)
