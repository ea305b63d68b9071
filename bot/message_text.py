"""Text as messengers count it and take it: length, what cannot be sent, where a long one is cut."""

from __future__ import annotations


def size(text: str) -> int:
    """Length as WhatsApp and Telegram count: UTF-16 units, markup aside."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def whole(text: str) -> str:
    """Half of a surrogate pair cannot be sent; it becomes a question mark."""
    return text.encode("utf-8", "replace").decode().strip()


def cut(text: str, limit: int) -> str:
    """The beginning that fits into `limit`, up to a line break or space where there is one in its second half."""
    head = text[:limit]
    while size(head) > limit:
        head = head[: len(head) - max(1, (size(head) - limit) // 2)]
    for mark in ("\n\n", "\n", " "):
        at = head.rfind(mark)
        if at >= limit // 2:
            return head[: at + len(mark)]
    return head
