"""The first touch of a text: bounded length, one Unicode form, nothing invisible."""

from __future__ import annotations

import re
import unicodedata

HEAD_CHARS = 2400
TAIL_CHARS = 600
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0f\ufeff\ufff0-\ufffb]"
)
_COMBINING_RUN = re.compile("([\u0300-\u036f])[\u0300-\u036f]{2,}")


def capped(text: str) -> tuple[str, bool]:
    """The head and the tail of a text that is too long to read whole, and whether anything was left out."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text, False
    return f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}", True


def visible(text: str) -> str:
    """NFC text without control, joiner, direction and private-use characters; line breaks stay.

    Zero-width joiners go too: Sinhala conjuncts are written with and without them.
    """
    text = _COMBINING_RUN.sub(r"\1", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", text)
