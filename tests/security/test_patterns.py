"""No pattern of the house can be made to think for ever by what somebody writes.

A regular expression takes exponential time where something that repeats without end stands inside something that
repeats without end, and the inner one can begin anew without a sign in between. So none of ours does, by its parse
tree; those named below have a sign between their rounds that the inner part cannot hold.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.mask import mask
from classifiers.entities import find_mentions
from models.reading import Registers

ROOMS = ("bot", "classifiers", "commands", "console", "desk", "integrations", "jobs", "models", "phrases", "procedures")
PARTED = {"classifiers.fold._ORDER[0]"}
"""Rounds begin with a sign that no round holds: `\\d+(?:[.,:]\\d+)*`."""
MANY = 64
"""Repeating more often than this counts as without end."""


def _modules() -> Iterator[str]:
    """Those that hold a pattern at all."""
    for room in ROOMS:
        for path in sorted(Path(room).rglob("*.py")):
            if "re.compile(" in path.read_text(encoding="utf-8"):
                yield ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _patterns() -> dict[str, re.Pattern[str]]:
    """Every compiled pattern that stands in a module of ours, by where it was met first."""
    met: dict[str, re.Pattern[str]] = {}
    for name in _modules():
        module = importlib.import_module(name)
        for label, value in vars(module).items():
            for number, one in enumerate(_within(value)):
                if isinstance(one.pattern, str) and not any(one is other for other in met.values()):
                    met[f"{name}.{label}[{number}]"] = one
    return met


def _within(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | frozenset | set):
        for item in value:
            yield from _within(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _within(item)


def _nested(tree: object, inside: bool = False) -> bool:
    """Whether something without end stands inside something without end."""
    if isinstance(tree, re._parser.SubPattern):  # type: ignore[attr-defined]
        return any(_nested(item, inside) for item in tree)
    if isinstance(tree, tuple) and len(tree) == 2 and str(tree[0]) in ("MAX_REPEAT", "MIN_REPEAT"):
        _least, most, what = tree[1]
        endless = int(most) > MANY
        return (endless and inside) or _nested(what, inside or endless)
    if isinstance(tree, tuple | list):
        return any(_nested(item, inside) for item in tree)
    return False


def test_the_rule_sees_what_it_must() -> None:
    for bad in (r"(a+)+", r"(?:\w+\s?)*x", r"((a|b)*c*)*", r"(?:(?:a{1,200})b?)+"):
        assert _nested(re._parser.parse(bad)), bad  # type: ignore[attr-defined]
    for good in (r"a+b*", r"(?:a{1,3})+", r"[a-z]+(?:x|y)?"):
        assert not _nested(re._parser.parse(good)), good  # type: ignore[attr-defined]


def test_no_pattern_repeats_without_end_within_itself() -> None:
    patterns = _patterns()
    assert len(patterns) > 60
    bad = [name for name, one in patterns.items() if _nested(re._parser.parse(one.pattern, one.flags))]  # type: ignore[attr-defined]
    assert set(bad) == PARTED


@pytest.mark.parametrize(
    "sign", ["0", "+", " ", "a", "/", "@", "-", "(", ".", "\u200d", "LINK ", "+9 ", "0 ", "=:", "a.a@"]
)
def test_a_long_line_of_anything_is_masked_and_read(sign: str) -> None:
    """The longest that doors let in; a pattern that goes through it once for each of its letters still ends."""
    line = sign * (4_000 // len(sign))
    assert mask(line) is not None
    assert find_mentions(line, Registers()) is not None
