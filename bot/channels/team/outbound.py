"""Going out: messages, edits of earlier ones, files and questions, each call made once and its answer judged."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiogram.exceptions import AiogramError
from aiogram.methods import EditMessageText, SendDocument, SendMessage, SendPhoto, TelegramMethod
from aiogram.types import (
    BufferedInputFile,
    ForceReply,
    FSInputFile,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)

from bot.channels.team import outcome
from bot.channels.team.client import TeamClient
from bot.channels.team.render import Rendered, render
from bot.message_text import size
from bot.telegram_text import CAPTION_MAX, escaped, parts, shortened
from models.outbox import Accepted, Parcel, Refused, SendResult
from models.ports import Clock
from models.reply import Extra, Intent

_REMEMBERED = 1_000
_PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True)
class _Place:
    """Where a parcel goes: a chat, perhaps a topic of it, perhaps as an answer to a message there."""

    chat_id: int
    topic: int | None
    reply_to: int | None

    def fields(self) -> dict[str, Any]:
        """As Telegram's sending methods take it."""
        reply = self.reply_to and ReplyParameters(message_id=self.reply_to, allow_sending_without_reply=True)
        return {"chat_id": self.chat_id, "message_thread_id": self.topic, "reply_parameters": reply or None}


class TeamSender:
    """Fits models.ports.Sender."""

    def __init__(self, client: TeamClient, clock: Clock, *, timezone: str, media_dir: Path) -> None:
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
            place = _place(parcel)
        except (KeyError, ValueError) as error:
            return Refused("no_phrase", str(error))
        if not rendered.text:
            return Refused("empty", "there is nothing to say")
        if parcel.extra.get(Extra.EDIT):
            result = await self._edit(parcel, place, rendered)
            if result is not None:
                return result
        return await self._send(parcel, place, rendered)

    async def _edit(self, parcel: Parcel, place: _Place, rendered: Rendered) -> SendResult | None:
        """Change the earlier message; None where there is nothing left to change, or a file must go with it."""
        if Extra.DOCUMENT in parcel.extra or Extra.MEDIA in parcel.extra or Extra.ASK in parcel.extra:
            return None
        provider_id = str(parcel.extra[Extra.EDIT])
        method = EditMessageText(
            chat_id=place.chat_id, message_id=int(provider_id), text=_marked(parcel, shortened(rendered.text)),
            parse_mode="HTML", reply_markup=rendered.keyboard, link_preview_options=_NO_PREVIEW,
        )  # fmt: skip
        try:
            await self._client.do(method)
        except AiogramError as error:
            if outcome.cannot_edit(error):
                return None
            if not outcome.unchanged(error):
                return self._judge(parcel, place, rendered, error, repeatable=True)
        return Accepted(provider_id, rendered.text, status="sent")

    async def _send(self, parcel: Parcel, place: _Place, rendered: Rendered) -> SendResult:
        calls, key, provider_id = self._calls(parcel, place, rendered), (parcel.id, parcel.repeated), ""
        for n, call in enumerate(calls):
            if n < self._taken.get(key, 0):
                continue
            try:
                provider_id = str((await self._client.do(call)).message_id)
            except AiogramError as error:
                if place.topic is not None and outcome.no_topic(error):
                    return await self._send(parcel, _Place(place.chat_id, None, place.reply_to), rendered)
                return self._judge(parcel, place, rendered, error, repeatable=False)
            self._remember(key, n + 1)
        self._taken.pop(key, None)
        return Accepted(provider_id, rendered.text, status="sent")

    def _calls(self, parcel: Parcel, place: _Place, rendered: Rendered) -> list[TelegramMethod[Message]]:
        """The messages of a parcel, in order; buttons and what is asked go with the last."""
        where, markup = place.fields(), self._markup(parcel, rendered)
        file = self._file(parcel)
        if file is not None and size(rendered.text) <= CAPTION_MAX:
            return [file(where, _marked(parcel, rendered.text), markup)]
        texts = parts(rendered.text)
        calls: list[TelegramMethod[Message]] = []
        for n, text in enumerate(texts):
            last = n == len(texts) - 1 and file is None
            calls.append(
                SendMessage(
                    **(where if n == 0 else {**where, "reply_parameters": None}),
                    text=_marked(parcel, text, first=n == 0), parse_mode="HTML",
                    reply_markup=markup if last else None, link_preview_options=_NO_PREVIEW,
                )
            )  # fmt: skip
        if file is not None:
            calls.append(file({**where, "reply_parameters": None}, None, markup))
        return calls

    @staticmethod
    def _markup(parcel: Parcel, rendered: Rendered) -> InlineKeyboardMarkup | ForceReply | None:
        if Extra.ASK in parcel.extra:
            return ForceReply(selective=True)
        return rendered.keyboard

    def _file(self, parcel: Parcel) -> Any:
        """How to send the file that goes with a parcel, given place, caption and buttons; None where there is none."""
        document, media = parcel.extra.get(Extra.DOCUMENT), parcel.extra.get(Extra.MEDIA)
        if document:
            content = BufferedInputFile(str(document["text"]).encode(), str(document["name"]))
            return _sending(SendDocument, "document", content)
        if media:
            path = self._media_dir / media["path"]
            if media.get("content_type") in _PHOTOS:
                return _sending(SendPhoto, "photo", FSInputFile(path))
            return _sending(SendDocument, "document", FSInputFile(path, media.get("name")))
        return None

    @staticmethod
    def _judge(
        parcel: Parcel, place: _Place, rendered: Rendered, error: AiogramError, *, repeatable: bool
    ) -> SendResult:  # fmt: skip
        return outcome.judge(
            error, rendered=rendered.text, attempts=parcel.attempts, group=place.chat_id < 0, repeatable=repeatable
        )

    def _remember(self, key: tuple[int, bool], count: int) -> None:
        self._taken[key] = count
        while len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)


def _sending(method: type[SendDocument] | type[SendPhoto], field: str, content: Any) -> Any:
    def make(where: dict[str, Any], caption: str | None, markup: Any) -> TelegramMethod[Message]:
        return method(**where, **{field: content}, caption=caption, parse_mode="HTML", reply_markup=markup)

    return make


def _place(parcel: Parcel) -> _Place:
    chat, _, topic = parcel.address.partition("/")
    reply_to = parcel.extra.get(Extra.REPLY_TO)
    return _Place(int(chat), int(topic) if topic else None, int(reply_to) if reply_to else None)


def _marked(parcel: Parcel, text: str, *, first: bool = True) -> str:
    """Safe between tags; of an alert with several lines the first is its heading."""
    asked = parcel.extra.get(Extra.ASK)
    if first and asked and parcel.address.startswith("-"):
        # In a group only who is named is asked by Telegram itself.
        return f'<a href="tg://user?id={int(asked["id"])}">{escaped(asked["name"])}</a>\n{escaped(text)}'
    head, line_break, rest = text.partition("\n")
    if first and line_break and parcel.intent == Intent.ALERT:
        return f"<b>{escaped(head)}</b>\n{escaped(rest)}"
    return escaped(text)
