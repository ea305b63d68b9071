"""Whether people write about other things than before: two counts by category, compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import erfc, log2, sqrt

LEAST_ROWS = 30
SURE = 0.01
LEAST_DIVERGENCE = 0.02
"""Below this a difference is too small to matter, however many messages prove it."""


@dataclass(frozen=True)
class Drift:
    """`divergence` is Jensen-Shannon's, in bits: 0 the same, 1 nothing in common. `p` is that of the chi-square test:
    how often chance alone would make a difference as large. `enough`: both sides have rows to compare.
    """

    chi_square: float
    degrees: int
    p: float
    divergence: float
    enough: bool

    @property
    def differs(self) -> bool:
        """Surely, and by enough to matter."""
        return self.enough and self.p < SURE and self.divergence >= LEAST_DIVERGENCE


def compare(before: Mapping[str, int], now: Mapping[str, int]) -> Drift:
    """Compare two counts by category; a category that neither has plays no part."""
    names = [name for name in sorted({*before, *now}) if before.get(name, 0) + now.get(name, 0) > 0]
    past, last = [before.get(name, 0) for name in names], [now.get(name, 0) for name in names]
    enough = min(sum(past), sum(last)) >= LEAST_ROWS
    if not sum(past) or not sum(last):
        return Drift(0.0, 0, 1.0, 0.0, enough=False)
    chi = _chi_square(past, last)
    degrees = len(names) - 1
    return Drift(chi, degrees, _p(chi, degrees), _divergence(past, last), enough)


def _chi_square(past: list[int], last: list[int]) -> float:
    total, out = sum(past) + sum(last), 0.0
    for side in (past, last):
        for index, seen in enumerate(side):
            expected = sum(side) * (past[index] + last[index]) / total
            out += (seen - expected) ** 2 / expected
    return out


def _p(chi: float, degrees: int) -> float:
    """Upper tail of chi-square by Wilson and Hilferty's cube root, good to a few thousandths."""
    if degrees < 1:
        return 1.0
    spread = 2 / (9 * degrees)
    z = ((chi / degrees) ** (1 / 3) - (1 - spread)) / sqrt(spread)
    return 0.5 * erfc(z / sqrt(2))


def _divergence(past: list[int], last: list[int]) -> float:
    p, q = [count / sum(past) for count in past], [count / sum(last) for count in last]
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    halves = (sum(a * log2(a / m) for a, m in zip(side, middle, strict=True) if a) for side in (p, q))
    return max(0.0, sum(halves) / 2)
