"""Whether a message carries two topics: the runner-up is named where its share, and the length of the text, say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.dataset import Row
from classifiers.ngrams import Floats

_DECAY = 1e-5
_MARKS = frozenset(".,;!?")


@dataclass(frozen=True)
class Second:
    """A logistic regression over the three best shares and the text's length; from `limit` on there are two topics."""

    weights: tuple[float, ...]
    bias: float
    limit: float

    def holds(self, shares: Sequence[float], text: str) -> bool:
        """Whether a text with these shares of the categories, in any order, has two topics."""
        return self.chance(_signs(sorted(shares, reverse=True), text)) >= self.limit

    def chance(self, signs: Sequence[float]) -> float:
        """Probability of two topics."""
        logit = float(np.dot(self.weights, signs)) + self.bias
        return float(1.0 / (1.0 + np.exp(-logit)))


def _signs(ranked: Sequence[float], text: str) -> list[float]:
    """Log-odds of the best share, logs of the two after it, words, many words, marks."""
    first, second, third = (*ranked[:3], 1e-6, 1e-6)[:3]
    words = len(text.split())
    return [
        float(np.log(max(first, 1e-6) / max(1.0 - first, 1e-6))),
        float(np.log(max(second, 1e-6))),
        float(np.log(max(third, 1e-6))),
        float(np.log1p(words)),
        min(words, 60) / 20,
        min(sum(char in _MARKS for char in text), 20) / 5,
    ]


def fit_second(rows: Sequence[Row], names: Sequence[str], shares: Floats) -> Second:
    """Learn from unseen rows; the limit is where naming the runner-up is best in F1. Never where no row has two."""
    from classifiers.linear import fit  # noqa: PLC0415 - scipy, training only

    ranked = np.argsort(-shares, axis=1)
    said = [{names[row[0]], names[row[1]]} for row in ranked[:, :2]]
    right = np.array(
        [row.second_category in both and row.category in both for row, both in zip(rows, said, strict=True)]
    )
    if not right.any() or right.all():
        return Second((0.0,) * 6, 0.0, 1.0)
    signs = np.array([_signs(sorted(row, reverse=True), one.text) for row, one in zip(shares, rows, strict=True)])
    weights, bias = fit(signs, np.column_stack((~right, right)).astype(np.float64), decay=_DECAY, iterations=500)
    draft = Second(tuple((weights[:, 1] - weights[:, 0]).tolist()), float(bias[1] - bias[0]), 1.0)
    chances = np.array([draft.chance(one) for one in signs])
    order = np.argsort(-chances)
    hits = np.cumsum(right[order])
    wanted = sum(bool(row.second_category) for row in rows)
    f1 = 2 * hits / (np.arange(1, len(rows) + 1) + wanted)
    return Second(draft.weights, draft.bias, round(float(chances[order[int(f1.argmax())]]), 4))
