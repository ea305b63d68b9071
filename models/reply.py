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
    `{"$code": phrase code, …its facts}`, `{"$list": [facts…]}` (one per line). `extra` by the keys of `Extra`.
    """

    code: str
    facts: dict[str, Any] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    text: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class Extra:
    """Keys of what a channel needs beside the words. A channel that cannot do one of them says it in words."""

    EDIT = "edit"  # the provider's id of a message of ours: change that one instead of sending another
    REPLY_TO = "reply_to"  # the provider's id of the message that this one answers
    DOCUMENT = "document"  # {"name": file name, "text": its content}
    MEDIA = "media"  # {"path": relative to the media folder, "content_type": …, "name": …}
    ASK = "ask"  # the person is asked to answer this very message (Telegram's forced reply)
    LINKS = "links"  # [{"code": label's phrase, "url": …}]: buttons that open an address
    WANT = "want"  # "location" or "phone": offer the button that shares it (Telegram)


class Intent:
    """Why something is sent; decides priority, expiry and which template stands in for it outside the window."""

    ALERT = "alert"  # pages and clocks, to staff
    REPLY = "reply"  # answers to a person who wrote
    NOTICE = "notice"  # news nobody asked for at this minute
    RECEIPT = "receipt"  # outcome of a command


PRIORITY: dict[str, int] = {Intent.ALERT: 0, Intent.REPLY: 1, Intent.RECEIPT: 1, Intent.NOTICE: 2}
"""Smaller goes first."""
