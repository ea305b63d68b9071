"""Text as Telegram counts and takes it, whichever bot sends: length, escaping, parts of a bearable length."""

from __future__ import annotations

import html

TEXT_MAX = 4_096
CAPTION_MAX = 1_024
DATA_MAX = 64
"""Bytes of a button's data."""
MAX_PARTS = 6


def size(text: str) -> int:
    """Length as Telegram counts: UTF-16 units, markup aside."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escaped(text: str) -> str:
    """Text of people, safe between tags."""
    return html.escape(text, quote=False)


def whole(text: str) -> str:
    """Half of a surrogate pair cannot be sent; it becomes a question mark."""
    return text.encode("utf-8", "replace").decode().strip()


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
