"""From a parcel to what Telegram shows: escaped text of a bearable length, and a keyboard of buttons."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from models.outbox import Parcel
from models.reply import Extra
from phrases.say import say

TEXT_MAX = 4_096
CAPTION_MAX = 1_024
DATA_MAX = 64
"""Bytes of a button's data."""
MAX_PARTS = 6
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
    return Rendered(text.encode("utf-8", "replace").decode().strip(), _keyboard(parcel, timezone))


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


def size(text: str) -> int:
    """Length as Telegram counts: UTF-16 units, markup aside."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escaped(text: str) -> str:
    """Text of people, safe between tags."""
    return html.escape(text, quote=False)


def parts(text: str, limit: int = TEXT_MAX) -> list[str]:
    """The text as few messages as possible, cut at line breaks or spaces; what does not fit into MAX_PARTS is cut."""
    found: list[str] = []
    rest = text
    while size(rest) > limit and len(found) < MAX_PARTS - 1:
        head = _head(rest, limit)
        found.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return [*found, shortened(rest, limit)]


def shortened(text: str, limit: int = TEXT_MAX) -> str:
    """The text, or its beginning with a sign that more was there."""
    return text if size(text) <= limit else _head(text, limit - 1).rstrip() + "…"


def _head(text: str, limit: int) -> str:
    head = text[:limit]
    while size(head) > limit:
        head = head[: len(head) - max(1, (size(head) - limit) // 2)]
    for mark in ("\n\n", "\n", " "):
        at = head.rfind(mark)
        if at >= limit // 2:
            return head[: at + len(mark)]
    return head
