"""How a job is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from desk.work import Work


@dataclass(frozen=True)
class Job:
    """A sweep of the desk that may run twice, late, or on two nodes. `verb` gives how much it did.

    `chunk`: how much one transaction does at most; a full one is followed by the next at once.
    """

    name: str
    every_s: float
    verb: Callable[[Work], int]
    chunk: int | None = None
