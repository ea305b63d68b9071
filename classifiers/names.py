"""Chargers by what people call them: ids as registered, names of chargers and sites, also misspelt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from rapidfuzz.distance import OSA

from classifiers.fold import fold
from models.reading import Registers

LEAST_LETTERS = 6
_TOKEN = re.compile(r"\d+|[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963\u0b80-\u0be5\u0d80-\u0de5])*")
"""A number, or a word with the vowel signs that Sinhala, Tamil and Hindi write as marks."""
_LONGEST_NAME = 6  # words


@dataclass(frozen=True)
class _Name:
    """A name as letters without spaces, its trailing number, and the chargers that bear it."""

    letters: str
    number: str
    words: int
    chargers: tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """What one register knows: ids in capitals, and names by their first two letters."""

    ids: dict[str, str]
    by_start: dict[str, tuple[_Name, ...]]

    def mentioned(self, text: str) -> tuple[str, ...]:
        """Ids of chargers that the text calls by a name which only one charger bears, in order of appearance."""
        found: dict[str, None] = {}
        words = list(_words(text))
        at = 0
        while at < len(words):
            hit = self._at(words, at)
            if hit is None:
                at += 1
                continue
            name, used = hit
            if len(name.chargers) == 1:
                found[name.chargers[0]] = None
            at += used
        return tuple(found)

    def _at(self, words: list[tuple[str, str]], at: int) -> tuple[_Name, int] | None:
        """The best name that begins at a word, and how many words it takes; a longer and nearer one first."""
        first = words[at][0]
        best: tuple[int, int, _Name, int] | None = None
        for name in self.by_start.get(first[:2], ()) if len(first) > 1 else ():
            for count in range(max(1, name.words - 1), min(name.words + 1, len(words) - at) + 1):
                letters = "".join(word for word, _ in words[at : at + count])
                allowed = _allowed(name.letters)
                apart = OSA.distance(letters, name.letters, score_cutoff=allowed)
                if apart > allowed:
                    continue
                follows = words[at + count - 1][1]
                if name.number and name.number != follows:
                    continue
                rank = (-len(name.letters) - 2 * bool(name.number), apart, name, count)
                if best is None or rank[:2] < best[:2]:
                    best = rank
        return None if best is None else (best[2], best[3])


def _allowed(letters: str) -> int:
    """How many slips a name of this length may have."""
    return 0 if len(letters) < LEAST_LETTERS + 1 else 1 if len(letters) < 11 else 2


def _words(text: str) -> Iterator[tuple[str, str]]:
    """Folded words, each with the number that follows it, if one does."""
    tokens = _TOKEN.findall(text)
    for place, token in enumerate(tokens):
        if not token.isdigit():
            following = tokens[place + 1] if place + 1 < len(tokens) else ""
            folded = fold(token).replace(" ", "")
            if folded:
                yield folded, following.lstrip("0") if following.isdigit() else ""


def _name(written: str) -> tuple[str, str, int]:
    """Letters, trailing number and words of a name."""
    words = list(_words(written))[:_LONGEST_NAME]
    return "".join(word for word, _ in words), words[-1][1] if words else "", len(words)


def _index(registers: Registers) -> Names:
    bearers: dict[tuple[str, str, int], list[str]] = {}
    for names in (registers.chargers, registers.sites):
        here: dict[tuple[str, str, int], list[str]] = {}
        for charger, name in names.items():
            key = _name(name)
            if len(key[0]) >= LEAST_LETTERS:
                here.setdefault(key, []).append(charger)
        for key, chargers in here.items():
            known = bearers.setdefault(key, [])
            known += [charger for charger in chargers if charger not in known]
    by_start: dict[str, list[_Name]] = {}
    for (letters, number, words), chargers in bearers.items():
        by_start.setdefault(letters[:2], []).append(_Name(letters, number, words, tuple(chargers)))
    ids = {charger.upper(): charger for charger in registers.chargers if len(charger) >= 3}
    return Names(ids, {start: tuple(names) for start, names in by_start.items()})


@dataclass(frozen=True, eq=False)
class _Same:
    """A register by its identity, so that its index is made once."""

    registers: Registers = field(repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.registers is self.registers

    def __hash__(self) -> int:
        return id(self.registers)


@lru_cache(maxsize=8)
def _made(same: _Same) -> Names:
    return _index(same.registers)


def names_of(registers: Registers) -> Names:
    """The index of a register, made once for each object; a register is not changed after it was made."""
    return _made(_Same(registers))
