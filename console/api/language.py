"""The language of an answer: what the client accepts, of those that we speak; and what is said in it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from phrases.catalogue import LANGUAGES, spoken
from phrases.say import say

log = logging.getLogger(__name__)

_PART = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")
_MOST_PARTS = 20


def accepted(header: str | None) -> str:
    """The best of an Accept-Language header; English where nothing fits."""
    best, best_q = LANGUAGES[0], 0.0
    for part in (header or "").split(",")[:_MOST_PARTS]:
        found = _PART.fullmatch(part)
        if found is None:
            continue
        tag, q = found[1].lower(), float(found[2] or 1)
        language = spoken(tag)
        if q > best_q and (language != LANGUAGES[0] or tag.partition("-")[0] == LANGUAGES[0]):
            best, best_q = language, q
    return best


def worded(code: str, facts: Mapping[str, Any], language: str, timezone: str) -> str | None:
    """The words for a code; None, and a line in the log, where they are missing: that must not fail the answer."""
    try:
        return say(code, facts, language, timezone=timezone)
    except (KeyError, ValueError):
        log.exception("no words", extra={"code": code})
        return None
