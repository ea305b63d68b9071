"""The language of an answer: what the client accepts, of those that we speak."""

from __future__ import annotations

import re

from phrases.catalogue import LANGUAGES, spoken

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
