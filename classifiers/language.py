"""Which language a text is written in: by its script where that decides, else by a trained head over Latin text."""

from __future__ import annotations

import re
import unicodedata

from classifiers.fold import roman

_SCRIPTS = (
    ("si", 0x0D80, 0x0DFF),
    ("ta", 0x0B80, 0x0BFF),
    ("hi", 0x0900, 0x097F),
    ("bn", 0x0980, 0x09FF),
    ("te", 0x0C00, 0x0C7F),
    ("kn", 0x0C80, 0x0CFF),
    ("ml", 0x0D00, 0x0D7F),
    ("th", 0x0E00, 0x0E7F),
    ("el", 0x0370, 0x03FF),
    ("ru", 0x0400, 0x052F),
    ("he", 0x0590, 0x05FF),
    ("ar", 0x0600, 0x06FF),
    ("ja", 0x3040, 0x30FF),
    ("ko", 0xAC00, 0xD7AF),
    ("zh", 0x4E00, 0x9FFF),
)
_SHARE = 0.2  # of the letters: "charger එක වැඩ නෑ" is Sinhala
_NOT_LETTERS = re.compile(r"[\W\d_]+")


def script_language(text: str) -> str | None:
    """The language whose script holds a good part of the letters; None for Latin text, `und` without letters."""
    counts: dict[str, int] = {}
    total = 0
    for char in text:
        if not char.isalpha() and not unicodedata.category(char).startswith("M"):
            continue
        total += 1
        point = ord(char)
        if point < 0x370:
            continue
        for code, low, high in _SCRIPTS:
            if low <= point <= high:
                counts[code] = counts.get(code, 0) + 1
                break
        else:
            counts["und"] = counts.get("und", 0) + 1
    if not total:
        return "und"
    best = max(counts, key=lambda code: counts[code], default=None)
    return best if best is not None and counts[best] >= _SHARE * total else None


def latin_words(text: str) -> str:
    """Lower-case words for the language head; Sinhala and Tamil script romanised, digits and marks dropped."""
    return _NOT_LETTERS.sub(" ", roman(text.lower())).strip()
