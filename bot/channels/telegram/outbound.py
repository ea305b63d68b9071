"""Going out: messages, edits of earlier ones and files; each call made once, its answer judged."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from telegram import InputFile, LinkPreviewOptions, Message, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.channels.telegram import outcome
from bot.channels.telegram.client import TelegramClient
from bot.channels.telegram.render import Rendered, render
from bot.message_text import size
from bot.telegram_text import CAPTION_MAX, escaped, parts, shortened
from models.outbox import Accepted, Parcel, Refused, SendResult
from models.ports import Clock
from models.reply import Extra

_REMEMBERED = 1_000
_PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

Call = Callable[[bool], Awaitable[Message]]
"""Makes one message; told whether with markup."""


class TelegramSender:
    """Fits models.ports.Sender."""

    def __init__(self, client: TelegramClient, clock: Clock, *, timezone: str, media_dir: Path) -> None:
        self._client = client
        self._clock = clock
        self._timezone = timezone
        self._media_dir = media_dir
        # A long text or a file goes in several messages: how many of a row's were taken, should it be tried again.
        self._taken: OrderedDict[tuple[int, bool], int] = OrderedDict()

    async def send(self, parcel: Parcel) -> SendResult:
        """Render and hand to Telegram. Never raises for what Telegram does."""
        if parcel.expires_at is not None and parcel.expires_at <= self._clock.now():
            return Refused("expired", "it is of no use any more")
        try:
            rendered = render(parcel, self._timezone)
            chat_id = int(parcel.address)
            file = await self._file(parcel)
        except (KeyError, ValueError, OSError) as error:
            return Refused("no_phrase", str(error)[:200])
        if not rendered.text:
            return Refused("empty", "there is nothing to say")
        if Extra.EDIT in parcel.extra and file is None:
            result = await self._edit(parcel, chat_id, rendered)
            if result is not None:
                return result
        return await self._send(parcel, rendered, self._calls(parcel, chat_id, rendered, file))

    async def _edit(self, parcel: Parcel, chat_id: int, rendered: Rendered) -> SendResult | None:
        """Change the earlier message; None where there is nothing left to change."""
        provider_id, text = str(parcel.extra[Extra.EDIT]), shortened(rendered.text)

        async def change(marked: bool) -> Any:
            return await self._client.bot.edit_message_text(
                escaped(text) if marked else text, chat_id, int(provider_id), reply_markup=rendered.inline,
                parse_mode=ParseMode.HTML if marked else None, link_preview_options=_NO_PREVIEW,
            )  # fmt: skip

        try:
            await _plainly_if_needed(change)
        except TelegramError as error:
            if outcome.cannot_edit(error):
                return None
            if not outcome.unchanged(error):
                return outcome.judge(error, rendered=rendered.text, attempts=parcel.attempts, repeatable=True)
        return Accepted(provider_id, rendered.text, status="sent", rank=2, menu=rendered.menu)

    async def _send(self, parcel: Parcel, rendered: Rendered, calls: list[Call]) -> SendResult:
        key, provider_id = (parcel.id, parcel.repeated), ""
        for n, call in enumerate(calls):
            if n < self._taken.get(key, 0):
                continue
            try:
                provider_id = str((await _plainly_if_needed(call)).message_id)
            except TelegramError as error:
                return outcome.judge(error, rendered=rendered.text, attempts=parcel.attempts)
            self._remember(key, n + 1)
        self._taken.pop(key, None)
        return Accepted(provider_id, rendered.text, status="sent", rank=2, menu=rendered.menu)

    def _remember(self, key: tuple[int, bool], count: int) -> None:
        self._taken[key] = count
        while len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)

    # What is sent ----------------------------------------------------------------------------------------------------

    def _calls(
        self, parcel: Parcel, chat_id: int, rendered: Rendered, file: tuple[str, InputFile] | None
    ) -> list[Call]:
        """The messages of a parcel, in order: what can be pressed comes with the last, the reply with the first."""
        captioned = file is not None and size(rendered.text) <= CAPTION_MAX
        texts = [] if captioned else parts(rendered.text)
        last = len(texts) - 1 if file is None else len(texts)
        calls: list[Call] = []
        for n in range(last + 1):
            more = {
                "reply_markup": rendered.markup if n == last else None,
                "reply_parameters": _reply(parcel) if n == 0 else None,
            }
            if n < len(texts):
                calls.append(self._text(chat_id, texts[n], more))
            else:
                assert file is not None
                calls.append(self._document(chat_id, *file, rendered.text if captioned else "", more))
        return calls

    def _text(self, chat_id: int, text: str, more: dict[str, Any]) -> Call:
        async def call(marked: bool) -> Message:
            return await self._client.bot.send_message(
                chat_id, escaped(text) if marked else text, parse_mode=ParseMode.HTML if marked else None,
                link_preview_options=_NO_PREVIEW, **more,
            )  # fmt: skip

        return call

    def _document(self, chat_id: int, how: str, file: InputFile, caption: str, more: dict[str, Any]) -> Call:
        async def call(marked: bool) -> Message:
            sending: Callable[..., Awaitable[Message]] = getattr(self._client.bot, f"send_{how}")
            return await sending(
                chat_id, file, caption=(escaped(caption) if marked else caption) or None,
                parse_mode=ParseMode.HTML if marked else None, **more,
            )  # fmt: skip

        return call

    async def _file(self, parcel: Parcel) -> tuple[str, InputFile] | None:
        """How a file that goes along is sent, and its content. Raises OSError, KeyError, ValueError."""
        if document := parcel.extra.get(Extra.DOCUMENT):
            return "document", InputFile(document["text"].encode(), filename=document["name"])
        if media := parcel.extra.get(Extra.MEDIA):
            path = (self._media_dir / media["path"]).resolve()
            if not path.is_relative_to(self._media_dir.resolve()):
                raise ValueError("the file is not in the media folder")
            content = await asyncio.to_thread(path.read_bytes)
            kind = media.get("content_type", "")
            how = "photo" if kind in _PHOTOS else "voice" if kind == "audio/ogg" else "document"
            return ("video" if kind == "video/mp4" else how), InputFile(
                content, filename=media.get("name") or path.name
            )
        return None


def _reply(parcel: Parcel) -> ReplyParameters | None:
    number = str(parcel.extra.get(Extra.REPLY_TO) or "")
    return ReplyParameters(int(number), allow_sending_without_reply=True) if number.isdecimal() else None


async def _plainly_if_needed(call: Call) -> Any:
    """Make a call; where Telegram cannot read our markup, once more without any."""
    try:
        return await call(True)
    except TelegramError as error:
        if not outcome.unreadable_markup(error):
            raise
    return await call(False)
