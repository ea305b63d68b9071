"""How a benchmark says what it found: a figure, its limit, and whether it holds. A gate nowhere."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line. `at_least` or `at_most` is the limit, None where the figure stands for itself."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    def line(self) -> str:
        """The line as printed."""
        limit, holds = "", ""
        if self.at_least is not None:
            limit, holds = f"≥ {self.at_least:g}", "ok" if self.value >= self.at_least else "BELOW"
        elif self.at_most is not None:
            limit, holds = f"≤ {self.at_most:g}", "ok" if self.value <= self.at_most else "ABOVE"
        return f"  {self.name:<58} {self.value:>10.3f} {self.unit:<6} {limit:<9} {holds:<6} {self.note}"


def show(title: str, findings: Sequence[Finding]) -> None:
    """Print a table."""
    print(f"\n{title}")
    for finding in findings:
        print(finding.line())


def spread(values: Sequence[float]) -> str:
    """`min–max of n` for a note."""
    return f"{min(values):.3g}–{max(values):.3g} of {len(values)}"


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)
