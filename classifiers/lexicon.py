"""Lists of words by meaning, in every language at once, looked up in folded text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from classifiers.errors import DataError
from classifiers.fold import fold

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Hit:
    """A phrase of a lexicon found in folded text, from `start` to `end`."""

    meaning: str
    start: int
    end: int


@dataclass(frozen=True)
class Lexicon:
    """Folded phrases and their meanings. A phrase matches from the start of a word; `$` ends it at a word's end."""

    prefixes: dict[str, tuple[str, ...]]
    longest: int

    def hits(self, folded: str) -> list[Hit]:
        """Every phrase in the text, in order; for each start and meaning the longest one only."""
        found: list[Hit] = []
        padded = folded + " "
        start = 0
        while start < len(folded):
            here: dict[str, Hit] = {}
            for end in range(start + 1, min(start + self.longest, len(padded)) + 1):
                for meaning in self.prefixes.get(padded[start:end], ()):
                    here[meaning] = Hit(meaning, start, min(end, len(folded)))
            found.extend(here.values())
            start = padded.index(" ", start) + 1
        return found

    def meanings(self, folded: str) -> frozenset[str]:
        """The meanings that occur in the text."""
        return frozenset(hit.meaning for hit in self.hits(folded))


def _stem(phrase: str) -> str:
    """The folded phrase; an open stem in Sinhala or Tamil script loses the vowel that its last consonant implies."""
    key = fold(phrase)
    implied = "\u0d9a" <= phrase[-1:] <= "\u0dc6" or "\u0b95" <= phrase[-1:] <= "\u0bb9"
    return key[:-1] if implied and key.endswith("a") and len(key) > 4 else key


def parse(path: Path) -> Lexicon:
    """Read `meaning: phrase, phrase$, …`, a line each; `#` begins a comment. DataError names a bad line."""
    prefixes: dict[str, set[str]] = {}
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.split("#", 1)[0].strip()
        if not line:
            continue
        meaning, colon, phrases = line.partition(":")
        if not colon:
            raise DataError(path, "expected 'meaning: phrase, phrase'", number)
        for phrase in phrases.split(","):
            key = _stem(phrase.rstrip("$ ").strip())
            if not key:
                raise DataError(path, f"empty phrase under {meaning!r}", number)
            whole = phrase.strip().endswith("$")
            key = fold(phrase) if whole else key
            prefixes.setdefault(key + " " if whole else key, set()).add(meaning.strip())
    entries = {key: tuple(sorted(meanings)) for key, meanings in prefixes.items()}
    return Lexicon(entries, max(map(len, entries), default=0))


@cache
def concepts() -> Lexicon:
    """What messages talk about: devices, symptoms, money, wishes; features of the model."""
    return parse(DATA / "concepts.txt")


@cache
def hazards() -> Lexicon:
    """Words of danger, of urgency, and the guards that make a word harmless."""
    return parse(DATA / "hazards.txt")
