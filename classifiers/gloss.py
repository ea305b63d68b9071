"""A rough word-by-word gloss into English, so that what is learnt in one language serves the others.

The encoder knows English alone, and view A shares words only with those who spell alike. Each language has a list in
data/gloss/: a folded word, or a folded stem that ends in `*`, and its English; an empty English drops the word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from classifiers.errors import DataError
from classifiers.fold import fold, roman

DATA = Path(__file__).parent / "data" / "gloss"
LANGUAGES = {"si": "si", "si-Latn": "si", "ta": "ta", "ta-Latn": "ta", "es": "es", "fr": "fr", "de": "de", "hi": "hi"}
_LEAST_STEM = 3


@dataclass(frozen=True)
class Glossary:
    """Words and stems of one language with their English."""

    words: dict[str, str]
    stems: dict[str, str]

    def english(self, folded: str) -> str | None:
        """The English of a folded word: by the word, else by its longest stem; None where neither is known."""
        exact = self.words.get(folded)
        if exact is not None:
            return exact
        for end in range(len(folded), _LEAST_STEM - 1, -1):
            stem = self.stems.get(folded[:end])
            if stem is not None:
                return stem
        return None


def parse(path: Path) -> Glossary:
    """Read `word<TAB>english` and `stem*<TAB>english`, a line each. DataError names a bad line."""
    words: dict[str, str] = {}
    stems: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key, tab, english = line.partition("\t")
        if not tab or not key.strip("* "):
            raise DataError(path, "expected 'word<TAB>english'", number)
        (stems if key.endswith("*") else words)[key.rstrip("*").strip()] = english.strip()
    return Glossary(words, stems)


@cache
def glossary(language: str) -> Glossary:
    """The list of a language."""
    return parse(DATA / f"{language}.txt")


@lru_cache(maxsize=16384)
def _english(token: str, language: str) -> str:
    """A token in English where its words are known, else in Latin letters."""
    known = glossary(language)
    words = fold(token).split()
    found = [known.english(word) for word in words]
    if all(one is None for one in found):
        return roman(token.lower())
    parts = [word if one is None else one for word, one in zip(words, found, strict=True)]
    return " ".join(part for part in parts if part) + ("?" if "?" in token else "")


def gloss(prepared: str, language: str) -> str:
    """The text in rough English where its language has a list; any other text as it is."""
    chosen = LANGUAGES.get(language)
    if chosen is None:
        return prepared
    return " ".join(_english(token, chosen) for token in prepared.split())
