"""Text as Telegram counts and takes it, whichever bot sends: escaping, parts of a bearable length."""

from __future__ import annotations

import html

from bot.message_text import cut, size

TEXT_MAX = 4_096
CAPTION_MAX = 1_024
DATA_MAX = 64
"""Bytes of a button's data."""
MAX_PARTS = 6


def escaped(text: str) -> str:
    """Text of people, safe between tags."""
    return html.escape(text, quote=False)


def parts(text: str, limit: int = TEXT_MAX) -> list[str]:
    """The text as few messages as possible, cut at line breaks or spaces; what does not fit into MAX_PARTS is cut."""
    found: list[str] = []
    rest = text
    while size(rest) > limit and len(found) < MAX_PARTS - 1:
        head = cut(rest, limit)
        found.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return [*found, shortened(rest, limit)]


def shortened(text: str, limit: int = TEXT_MAX) -> str:
    """The text, or its beginning with a sign that more was there."""
    return text if size(text) <= limit else cut(text, limit - 1).rstrip() + "…"
