"""From a parcel to what Telegram shows: the words, and a keyboard of buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.message_text import whole
from bot.telegram_text import DATA_MAX
from models.outbox import Parcel
from models.reply import Extra
from phrases.say import say

_NARROW = 18
"""Labels up to this length share a row."""
_BESIDE = 3


@dataclass(frozen=True)
class Rendered:
    """The words, whole and plain; the buttons below the last of them."""

    text: str
    keyboard: InlineKeyboardMarkup | None


def render(parcel: Parcel, timezone: str) -> Rendered:
    """The words of a parcel in its language. Raises KeyError or ValueError for what cannot be said or pressed."""
    text = parcel.text
    if text is None:
        text = say(parcel.code, parcel.facts, parcel.language, timezone=timezone)
    if parcel.repeated and Extra.EDIT not in parcel.extra:
        text = say("delivery.repeated", {"text": text}, parcel.language)
    return Rendered(whole(text), _keyboard(parcel, timezone))


def _keyboard(parcel: Parcel, timezone: str) -> InlineKeyboardMarkup | None:
    buttons = [_button(parcel, choice, timezone) for choice in parcel.choices]
    for link in parcel.extra.get(Extra.LINKS) or ():
        label = say(link["code"], link.get("facts") or {}, parcel.language, timezone=timezone)
        buttons.append(InlineKeyboardButton(text=label, url=link["url"]))
    if not buttons:
        return None
    width = _BESIDE if all(len(button.text) <= _NARROW for button in buttons) else 1
    return InlineKeyboardMarkup(inline_keyboard=[buttons[at : at + width] for at in range(0, len(buttons), width)])


def _button(parcel: Parcel, choice: dict[str, Any], timezone: str) -> InlineKeyboardButton:
    data = str(choice["id"])
    if not 1 <= len(data.encode()) <= DATA_MAX:
        raise ValueError(f"a button's data has 1 to {DATA_MAX} bytes, not {len(data.encode())}")
    label = say(choice["code"], choice["facts"], parcel.language, timezone=timezone)
    return InlineKeyboardButton(text=label, callback_data=data)
