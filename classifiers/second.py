"""Whether a message carries two topics: the runner-up is named where its share, and the length of the text, say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.dataset import Row
from classifiers.ngrams import Floats

_DECAY = 1e-4
_PRECISION_COUNTS = 0.25  # beta² of F: a wrong topic named disturbs people more than one that is not named
_MARKS = frozenset(".,;!?")


@dataclass(frozen=True)
class Second:
    """A logistic regression over the three best shares, the text's length and which two categories come first.

    `pairs` has the say of "best+runner-up"; from `limit` on there are two topics.
    """

    weights: tuple[float, ...]
    pairs: Mapping[str, float]
    bias: float
    limit: float

    def holds(self, shares: Mapping[str, float], text: str) -> bool:
        """Whether a text with these shares of the categories has two topics."""
        signs = _signs(sorted(shares.values(), reverse=True), text)
        logit = float(np.dot(self.weights, signs)) + self.pairs.get("+".join(_best_two(shares)), 0.0) + self.bias
        return float(1.0 / (1.0 + np.exp(-logit))) >= self.limit


def _best_two(shares: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(shares, key=lambda name: -shares[name])[:2])


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
    """Learn from unseen rows; the limit is best in F with precision first. Never where no row has two topics."""
    from classifiers.linear import fit  # noqa: PLC0415 - scipy, training only

    best = [_best_two(dict(zip(names, row, strict=True))) for row in shares.tolist()]
    right = np.array([{row.category, row.second_category} == set(two) for row, two in zip(rows, best, strict=True)])
    if not right.any() or right.all():
        return Second((0.0,) * 6, {}, 0.0, 1.0)
    signs = np.array([_signs(sorted(row, reverse=True), one.text) for row, one in zip(shares, rows, strict=True)])
    pairs = sorted(set(best))
    place = {two: index for index, two in enumerate(pairs)}
    data = np.hstack((signs, np.eye(len(pairs))[[place[two] for two in best]]))
    learnt, bias = fit(data, np.column_stack((~right, right)).astype(np.float64), decay=_DECAY, iterations=500)
    weights, base = learnt[:, 1] - learnt[:, 0], float(bias[1] - bias[0])
    wanted = sum(row.second_category is not None for row in rows)
    limit = _limit(1.0 / (1.0 + np.exp(-(data @ weights + base))), right, wanted)
    told = dict(zip(map("+".join, pairs), weights[signs.shape[1] :].round(4).tolist(), strict=True))
    return Second(tuple(weights[: signs.shape[1]].tolist()), told, base, limit)


def _limit(chances: Floats, right: npt.NDArray[np.bool_], wanted: int) -> float:
    """The chance from which naming is best in F, of `wanted` rows that have two topics."""
    order = np.argsort(-chances)
    hits = np.cumsum(right[order])
    named = np.arange(1, len(order) + 1)
    score = (1 + _PRECISION_COUNTS) * hits / (named + _PRECISION_COUNTS * wanted)
    return round(float(chances[order[int(score.argmax())]]), 4)
