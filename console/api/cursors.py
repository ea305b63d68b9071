"""Keyset cursors: opaque to the client, the key of the last row within. Inserts never move what a page holds."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from models.base import HIGHEST_KEY
from models.errors import BadInput


def encode(kind: str, key: str | int) -> str:
    """The cursor after the row with `key` in the list `kind`."""
    return base64.urlsafe_b64encode(f"{kind}.{key}".encode()).decode().rstrip("=")


def decode(kind: str, cursor: str | None) -> str | None:
    """The key in a cursor of the list `kind`; BadInput for anything else."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadInput("error.bad_cursor") from None
    of, _, key = text.partition(".")
    if of != kind or not key or encode(kind, key) != cursor:
        raise BadInput("error.bad_cursor")
    return key


def decode_number(kind: str, cursor: str | None) -> int | None:
    """Like `decode`, where keys are whole numbers."""
    key = decode(kind, cursor)
    if key is None:
        return None
    if not (key.isascii() and key.isdigit()) or int(key) > HIGHEST_KEY:
        raise BadInput("error.bad_cursor")
    return int(key)


def cut(
    kind: str, rows: Sequence[dict[str, Any]], limit: int, key: Callable[[dict[str, Any]], str | int]
) -> dict[str, Any]:
    """A page of at most `limit` of the rows; whoever asked for `limit + 1` knows whether there are more."""
    more = len(rows) > limit
    return page(kind, rows[:limit], key(rows[limit - 1]) if more else None)


def page(kind: str, rows: Sequence[dict[str, Any]], after: str | int | None) -> dict[str, Any]:
    """A page of these rows; what follows begins after the key `after`."""
    return {"items": list(rows), "next": encode(kind, after) if after is not None else None}
