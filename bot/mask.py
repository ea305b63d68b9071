"""What may not stand in a log: phone numbers, addresses, tokens and passwords are blanked; a charger's id is left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

BLANK = "…"
LONGEST = 32_000
"""Characters of one value; a stranger who makes us log more must not make us search it."""
SECRET_KEYS = re.compile(
    r"(?i)^(?:.*[_-])?(password|passwd|pwd|secret|token|authorization|cookie|api[_-]?key|credentials?|signature)$"
)

_GAP = r"[\s().\-/\u00a0]{0,2}"
_INTERNATIONAL = re.compile(rf"(?:\+|%2[bB]|(?<!\w)00){_GAP}(?:\d{_GAP}){{6,40}}\d|(?:\+|%2[bB])\d{{6,}}")
_LOCAL = re.compile(r"(?<![\w.:\-])\(?0\d(?:[ ()\-]{0,2}\d){6,10}(?![\w\-]|\.\d)")
_BARE = re.compile(r"(?<![\w.\-])[1-9]\d{10,14}(?![\w\-]|\.\d)")
_EMAIL = re.compile(r"[A-Za-z0-9_.+\-]{1,64}@(?=[A-Za-z0-9\-]{1,63}\.[A-Za-z0-9\-])")
_ADDRESS = re.compile(r"(?<=://)([^:/@\s]*):[^@/\s]+@")
_ALONE = re.compile(r"(?<=://)[^:/@\s]+@")  # a name without a password may be a token
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=\-]{4,}")
_TELEGRAM = re.compile(r"(?<!\d)\d{6,12}(?::|%3[aA])[A-Za-z0-9_\-]{30,}")  # in an address "bot" stands before it
_OPENS = re.compile(r"(/files/|[?&]start(?:group)?=)[A-Za-z0-9_\-]{8,}")
_LINK = re.compile(r"\b(LINK[\s:]+)[A-Z2-9]{4}[\s\-]?[A-Z2-9]{4}\b")
_COOKIE = re.compile(r"(?i)\b((?:set-)?cookie[\"']?\s*[:=,]\s*)[^\r\n]+")
_OWN = re.compile(r"\bcht_[A-Za-z0-9_\-]{8,}")
_PAIR = re.compile(
    r"""(?ix)\b((?:[a-z0-9]{1,40}[_-]){0,6}(?:password|passwd|pwd|secret|token|api[_-]?key|authorizationkey|signature|csrf))
    (["']?\s*[:=]\s*["']?)(?!…)([^\s"',;&})\]]+)"""
)


def mask(text: str) -> str:
    """The text with what identifies a person or opens a door blanked. Of a number the last two digits stay."""
    if len(text) > LONGEST:
        text = text[:LONGEST] + BLANK
    text = _ADDRESS.sub(rf"\1:{BLANK}@", text)
    text = _ALONE.sub(f"{BLANK}@", text)
    text = _COOKIE.sub(rf"\1{BLANK}", text)
    text = _OPENS.sub(rf"\1{BLANK}", text)
    text = _LINK.sub(rf"\1{BLANK}", text)
    text = _SCHEME.sub(rf"\1 {BLANK}", text)
    text = _TELEGRAM.sub(BLANK, text)
    text = _OWN.sub(f"cht_{BLANK}", text)
    text = _PAIR.sub(rf"\1\2{BLANK}", text)
    text = _EMAIL.sub(f"{BLANK}@", text)
    for pattern in (_INTERNATIONAL, _LOCAL, _BARE):
        text = pattern.sub(_tail, text)
    return text


def _tail(found: re.Match[str]) -> str:
    return BLANK + re.sub(r"\D", "", found.group())[-2:]


def mask_value(value: Any, key: str = "") -> Any:
    """A value of a log line, masked all the way down; under a name such as `password` it is blanked whole."""
    if key and SECRET_KEYS.match(key) and value is not None:
        return BLANK
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return mask(value)
        case bytes():
            return mask(value.decode("utf-8", "replace"))
        case Mapping():
            return {mask(str(name)): mask_value(item, str(name)) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [mask_value(item) for item in value]
        case _:
            return mask(str(value))
