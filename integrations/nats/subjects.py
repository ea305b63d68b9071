"""Subjects: any text as one token, so that dots, wildcards and blanks in it mean nothing to NATS."""

from __future__ import annotations

from urllib.parse import quote, unquote

_WAKE = "chargehand.wake."
_CHARGER = "chargehand.charger."
EVERY_WAKE = _WAKE + "*"
LONGEST = 1_000
"""A server closes the connection at a line of 4,096 signs; two subjects and more go into one."""


def _token(text: str) -> str:
    return quote(text, safe="").replace(".", "%2E").replace("~", "%7E")


def wake(topic: str) -> str | None:
    """The subject of a wake-up; None for a topic that is empty or too long to travel."""
    return _short(_WAKE + _token(topic)) if topic else None


def topic_of(subject: str) -> str:
    """The topic again."""
    return unquote(subject.removeprefix(_WAKE))


def charger(charger_id: str) -> str | None:
    """The subject on which whoever holds a charger's socket answers; None for an id that is empty or too long."""
    return _short(_CHARGER + _token(charger_id)) if charger_id else None


def _short(subject: str) -> str | None:
    return subject if len(subject) <= LONGEST else None
