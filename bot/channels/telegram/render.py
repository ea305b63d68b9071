"""From a parcel to what Telegram shows: the words, and buttons, links or a key that shares a place or a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telegram import (
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
)

from bot.channels.telegram.inbound import NUMBERED
from bot.message_text import whole
from bot.telegram_text import DATA_MAX
from models.outbox import Parcel
from models.reply import Extra
from phrases.say import say

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ForceReply
_NARROW = 16
"""Labels up to this length share a row, two by two."""


@dataclass(frozen=True)
class Rendered:
    """The words, whole and plain; what can be pressed below them; which number stands for which long choice."""

    text: str
    markup: Markup | None
    menu: dict[str, str]

    @property
    def inline(self) -> InlineKeyboardMarkup | None:
        """The buttons that belong to the message itself: only these can be there after an edit."""
        return self.markup if isinstance(self.markup, InlineKeyboardMarkup) else None


def render(parcel: Parcel, timezone: str) -> Rendered:
    """The words of a parcel in its language. Raises KeyError or ValueError for a phrase that cannot be said."""
    text = parcel.text
    if text is None:
        text = say(parcel.code, parcel.facts, parcel.language, timezone=timezone)
    if parcel.repeated and Extra.EDIT not in parcel.extra:
        text = say("delivery.repeated", {"text": text}, parcel.language)
    markup, menu = _markup(parcel, timezone)
    return Rendered(whole(text), markup, menu)


def _markup(parcel: Parcel, timezone: str) -> tuple[Markup | None, dict[str, str]]:
    wanted = parcel.extra.get(Extra.WANT)
    if wanted in ("location", "phone"):
        label = say(f"telegram.share_{wanted}", {}, parcel.language)
        key = KeyboardButton(
            label, request_location=wanted == "location" or None, request_contact=wanted == "phone" or None
        )  # fmt: skip
        return ReplyKeyboardMarkup([[key]], resize_keyboard=True, one_time_keyboard=True), {}
    buttons, menu = _buttons(parcel, timezone)
    if buttons:
        width = 2 if all(len(button.text) <= _NARROW for button in buttons) else 1
        rows = [buttons[at : at + width] for at in range(0, len(buttons), width)]
        return InlineKeyboardMarkup(rows), menu
    return (ForceReply(), {}) if parcel.extra.get(Extra.ASK) else (None, {})


def _buttons(parcel: Parcel, timezone: str) -> tuple[list[InlineKeyboardButton], dict[str, str]]:
    """A choice whose id is longer than Telegram takes goes by its number, which the conversation remembers."""
    buttons, menu = [], {}
    for number, choice in enumerate(parcel.choices, 1):
        data = str(choice["id"])
        if not 1 <= len(data.encode()) <= DATA_MAX:
            menu[str(number)] = data
            data = f"{NUMBERED}{number}"
        buttons.append(InlineKeyboardButton(_label(choice, parcel, timezone), callback_data=data))
    links: list[dict[str, Any]] = parcel.extra.get(Extra.LINKS) or []
    buttons += [InlineKeyboardButton(_label(link, parcel, timezone), url=link["url"]) for link in links]
    return buttons, menu


def _label(what: dict[str, Any], parcel: Parcel, timezone: str) -> str:
    return whole(say(what["code"], what.get("facts") or {}, parcel.language, timezone=timezone))
