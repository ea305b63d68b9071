"""Why a message was read as it was: near labelled messages and telling words, for the person who decides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classifiers.entities import MASKS
from classifiers.fold import fold
from classifiers.model import Question
from classifiers.neighbours import Bank
from classifiers.ngrams import word_buckets
from models.reading import Category, Neighbour, Phrase

NEIGHBOURS = 3
PHRASES = 5
_LEAST_WEIGHT = 0.03
_MASKS = frozenset(MASKS.values())


def neighbours(bank: Bank | None, vector: npt.NDArray[np.float32] | None) -> tuple[Neighbour, ...]:
    """The nearest labelled messages, each text once; none where the encoder is away."""
    if bank is None or vector is None:
        return ()
    return tuple(
        Neighbour(bank.texts[place], Category(bank.labels[place]), round(cosine, 4))
        for place, cosine in bank.nearest(vector, NEIGHBOURS)
    )


def phrases(question: Question, prepared: str, features: dict[int, float], category: Category) -> tuple[Phrase, ...]:
    """The words whose n-grams spoke for a category beyond the others, with their shares of that, strongest first."""
    if category.value not in question.names:
        return ()
    place = question.names.index(category.value)
    weights = question.words.weights
    found: dict[str, float] = {}
    for word in prepared.split():
        shown = word.strip(".,;:!?¿¡()\"'")
        if shown in _MASKS:
            continue
        for folded in fold(word).split():
            gain = 0.0
            for bucket in word_buckets(folded):
                row = weights[bucket]
                gain += features.get(bucket, 0.0) * float(question.idf[bucket]) * float(row[place] - row.mean())
            found[shown] = max(found.get(shown, 0.0), gain)
    total = sum(gain for gain in found.values() if gain > 0) or 1.0
    ranked = sorted(((word, gain / total) for word, gain in found.items()), key=lambda one: -one[1])
    return tuple(Phrase(word, category, round(gain, 4)) for word, gain in ranked[:PHRASES] if gain >= _LEAST_WEIGHT)
