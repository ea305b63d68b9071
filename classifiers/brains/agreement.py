"""How much an endpoint's word is worth: one number, fitted on labelled messages, for this endpoint and this model.

Our own probabilities and the endpoint's choice are joined as logits: the chosen category gains `scale`. The scale is
that which gives the labels the highest likelihood, so that what comes out is again a probability; an endpoint that
knows no better than chance gets 0, and then its agreement changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.calibration import log_softmax
from classifiers.errors import DataError
from classifiers.fold import fold
from classifiers.model import prepare
from classifiers.ngrams import Floats, Ints
from classifiers.registry import Classifier
from classifiers.urgency import Alarm, read_words
from models.reading import Category

FORMAT = 1
FEWEST_ROWS = 30
HIGHEST_SCALE = 8.0
_LEAST = 1e-6


@dataclass(frozen=True)
class Asked:
    """A labelled message that the endpoint was asked about: our scores, its choice, the truth."""

    scores: Mapping[Category, float]
    said: Category
    truth: Category


@dataclass(frozen=True)
class Agreement:
    """The fitted scale. It holds for one endpoint (`url`, `model`) and one model of ours (`local`), no other.

    `limits` are the probabilities from which our model answers without a human, by category. `answered` of the `rows`
    would have left the queue of the undecided, `answered_right` of these rightly.
    """

    url: str
    model: str
    local: str
    scale: float
    limits: dict[str, float]
    rows: int
    answered: int
    answered_right: int

    def fits(self, url: str, model: str, local: str) -> bool:
        """Whether it was fitted for exactly these."""
        return (self.url, self.model, self.local) == (url, model, local)

    def sure(self, scores: Mapping[str, float], said: Category, review_threshold: float | None = None) -> float | None:
        """The joint probability of our best guess, where the endpoint agrees with it and it needs no human; else None.

        `review_threshold` is an operator's setting, which replaces the model's own limits.
        """
        given = {category: float(scores.get(category.value, 0.0)) for category in Category}
        best = max(given, key=lambda one: given[one])
        joint = joined(given, said, self.scale)[best]
        limit = self.limits.get(best.value, 1.0) if review_threshold is None else review_threshold
        return joint if said is best and joint >= limit > given[best] else None


def joined(scores: Mapping[Category, float], said: Category, scale: float) -> dict[Category, float]:
    """Probabilities of both together."""
    logits = np.log([max(scores.get(one, 0.0), _LEAST) for one in Category])
    logits[list(Category).index(said)] += scale
    shares = np.exp(log_softmax(logits[None, :]))[0]
    return dict(zip(Category, shares.tolist(), strict=True))


def speaks_of_danger(text: str) -> bool:
    """Whether any word of danger stands in a text, doubtful or not: a human looks at those, whoever agrees."""
    return read_words(fold(prepare(text))).alarm is not Alarm.NONE


def limits_of(classifier: Classifier) -> dict[str, float]:
    """From which probability on a classifier answers without a human, by category."""
    if classifier.review_threshold is not None:
        return {category.value: classifier.review_threshold for category in Category}
    return {category.value: float(classifier.rules.thresholds.get(category.value, 1.0)) for category in Category}


def fit(asked: Sequence[Asked], *, url: str, model: str, local: str, limits: Mapping[str, float]) -> Agreement:
    """Fit the scale. Raises ValueError where there is too little to fit it on."""
    if len(asked) < FEWEST_ROWS:
        raise ValueError(f"{len(asked)} opinions are too few: {FEWEST_ROWS} messages or more that want a human")
    scale = _scale(asked)
    start = Agreement(url, model, local, scale, dict(limits), len(asked), 0, 0)
    passed = [one for one in asked if start.sure({c.value: p for c, p in one.scores.items()}, one.said) is not None]
    right = sum(one.said is one.truth for one in passed)
    return Agreement(**{**asdict(start), "answered": len(passed), "answered_right": right})


def _scale(asked: Sequence[Asked]) -> float:
    """The scale of highest likelihood between 0 and HIGHEST_SCALE (golden-section search)."""
    order = list(Category)
    logits: Floats = np.log([[max(one.scores.get(c, 0.0), _LEAST) for c in order] for one in asked])
    said: Floats = np.array([[float(one.said is c) for c in order] for one in asked])
    truth: Ints = np.array([order.index(one.truth) for one in asked])

    def loss(scale: float) -> float:
        return -float(log_softmax(logits + scale * said)[np.arange(len(truth)), truth].mean())

    low, high, ratio = 0.0, HIGHEST_SCALE, (5**0.5 - 1) / 2
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) <= loss(right):
            high = right
        else:
            low = left
    return round((low + high) / 2, 4)


def write(agreement: Agreement, path: Path) -> None:
    """Keep it beside the data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, **asdict(agreement)}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Agreement | None:
    """The agreement that was kept; None where there is none. Raises DataError where it cannot be read."""
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(path, "cannot be read; fit it again with chargehand brain fit-endpoint") from error
    try:
        if given.pop("format") != FORMAT:
            raise ValueError
        return Agreement(**given)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(path, "is of another format; fit it again with chargehand brain fit-endpoint") from error
