"""A verdict on a version, reason by reason, as phrases with their facts: for the page and for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.reading import Category
from phrases.say import say

_COUNTS = frozenset({"rows"})
_WORDS = frozenset({"labels", "kind", "slice"})
_LANGUAGES = frozenset({"en", "si", "si-Latn", "ta", "ta-Latn", "es"})


@dataclass(frozen=True)
class Line:
    """One reason: whether it speaks for the version, and the phrase that says it."""

    good: bool
    code: str
    facts: dict[str, Any]


def lines(verdict: Mapping[str, Any]) -> list[Line]:
    """What speaks against it first."""
    found = [_line(reason) for reason in verdict.get("reasons", ())]
    return sorted(found, key=lambda line: line.good)


def sentences(verdict: Mapping[str, Any], language: str) -> list[tuple[bool, str]]:
    """The same in words of a language, each with whether it speaks for the version."""
    return [(line.good, say(line.code, line.facts, language)) for line in lines(verdict)]


def _line(reason: Mapping[str, Any]) -> Line:
    facts = {name: _spoken(name, value) for name, value in reason["facts"].items()}
    if reason["code"] == "slice":
        facts["slice"] = _slice(reason["facts"]["kind"], reason["facts"]["slice"])
    return Line(bool(reason["good"]), f"model.reason.{reason['code']}", facts)


def _spoken(name: str, value: Any) -> Any:
    """Shares become per cent with one decimal."""
    return value if name in _COUNTS | _WORDS else round(100 * float(value), 1)


def _slice(kind: str, name: str) -> Any:
    if kind == "newest":
        return {"$code": "model.slice.newest"}
    if kind == "category" and name in {category.value for category in Category}:
        return {"$code": f"category.{name}"}
    return {"$code": f"requests.language.{name}"} if name in _LANGUAGES else name
