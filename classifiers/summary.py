"""One line of a message, in the writer's own words."""

from __future__ import annotations

import re
from collections.abc import Callable

from classifiers.fold import fold
from classifiers.lexicon import concepts

LONGEST = 140
_CLAUSES_READ = 12
_BREAK = re.compile(r"(?<=[!?;।…])\s+|(?<=[a-zA-Z\u0080-\uffff\d)]\.)\s+|\n+")
_SPACE = re.compile(r"\s+")
_IDLE = frozenset({"greet", "thanks", "ok", "bye", "please", "wish"})


def _clauses(text: str) -> list[str]:
    parts = (_SPACE.sub(" ", part).strip() for part in _BREAK.split(text))
    return [part for part in parts if part]


def _shorten(line: str) -> str:
    if len(line) <= LONGEST:
        return line
    cut = line[: LONGEST - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > LONGEST // 2 else cut).rstrip(" ,;:-") + "…"


def _is_idle(clause: str) -> bool:
    """Whether a clause only greets or thanks."""
    folded = fold(clause)
    meanings = concepts().meanings(folded)
    return bool(meanings) and meanings <= _IDLE and len(folded.split()) <= 5


def one_line(text: str, weight: Callable[[str], float]) -> str:
    """At most 140 characters: the whole text where it fits, else the clause of the greatest `weight`."""
    whole = _SPACE.sub(" ", text).strip()
    if len(whole) <= LONGEST:
        return whole
    clauses = _clauses(text)
    telling = [clause for clause in clauses if not _is_idle(clause)] or clauses
    return _shorten(max(telling[:_CLAUSES_READ], key=weight))
