"""What is said to a person: a phrase code with facts, and the choices offered with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Choice:
    """A button: `id` comes back when it is pressed, `code` is its label's phrase."""

    id: str
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """Facts, not prose. `text` is used as it is when a human wrote it.

    Facts are JSON: text, numbers, `{"$money": [minor, currency]}`, `{"$at": ISO instant}`, `{"$span": seconds}`,
    `{"$code": phrase code, …its facts}`, `{"$list": [facts…]}` (one per line).
    """

    code: str
    facts: dict[str, Any] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    text: str | None = None


class Intent:
    """Why something is sent; decides priority, expiry and which template stands in for it outside the window."""

    ALERT = "alert"  # pages and clocks, to staff
    REPLY = "reply"  # answers to a person who wrote
    NOTICE = "notice"  # news nobody asked for at this minute
    RECEIPT = "receipt"  # outcome of a command


PRIORITY: dict[str, int] = {Intent.ALERT: 0, Intent.REPLY: 1, Intent.RECEIPT: 1, Intent.NOTICE: 2}
"""Smaller goes first."""
