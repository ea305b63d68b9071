"""Which messages a person's label would teach most: those that the model is least sure of, one of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from classifiers.fold import fold


class Scored(Protocol):
    """A message with the model's probability of each category."""

    @property
    def text(self) -> str:
        """What was written."""
        ...

    @property
    def scores(self) -> Mapping[str, float]:
        """By category."""
        ...


S = TypeVar("S", bound=Scored)


def rank(messages: Iterable[S], limit: int) -> list[tuple[S, int]]:
    """The smallest margin between the two best guesses first; of those that fold to one text the newest stands for
    all. With each how many it stands for. The newest come first in `messages`.
    """
    groups: dict[str, list[S]] = {}
    for message in messages:
        groups.setdefault(fold(message.text) or message.text, []).append(message)
    ordered = sorted(groups.values(), key=lambda same: (margin(same[0].scores), -len(same)))
    return [(same[0], len(same)) for same in ordered[:limit]]


def margin(scores: Mapping[str, float]) -> float:
    """How far the best guess is ahead of the second; 0 for a tie."""
    best = sorted(scores.values(), reverse=True)[:2]
    return best[0] - best[1] if len(best) == 2 else 1.0
