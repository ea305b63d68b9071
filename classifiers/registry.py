"""The door of this room: load a model, read a message."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from classifiers.clean import capped, visible
from classifiers.entities import collect, find_mentions, masked
from classifiers.errors import DataError
from classifiers.fold import fold
from classifiers.model import CARD, Model, category_shares, language_of, load_model, urgency_shares
from classifiers.ngrams import message_features
from classifiers.summary import one_line
from classifiers.urgency import Alarm, Words, decide, is_hazard, read_words
from models.reading import TIE_ORDER, Category, Entities, Reading, Registers, Urgency

SHIPPED = Path(__file__).parent / "artefacts" / "chargehand-ngrams@1"
_TIE = 0.02
_ENTITY_WEIGHT = 0.15


@dataclass(frozen=True)
class Classifier:
    """A model that answers with the seven categories. Immutable, so any number of threads may share one.

    `review_threshold` (0 to 1) replaces the model's own thresholds, one for each category.
    """

    model: Model
    review_threshold: float | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def version(self) -> str:
        """The model's version."""
        return self.model.version

    def read(self, text: str, registers: Registers) -> Reading:
        """Understand one message. Any string is answered; of very long ones the head and the tail are read."""
        kept, shortened = capped(text)
        shown = visible(kept)
        mentions = find_mentions(shown, registers)
        prepared = masked(shown, mentions)
        folded = fold(prepared)
        if not folded:
            return self._nothing(shown, collect(shown, mentions, registers))
        words = read_words(folded)
        features = message_features(prepared)
        scores = _by_category(category_shares(self.model, features))
        head = urgency_shares(self.model, features)
        if is_hazard(words, head.get("safety", 0.0), self.model.hazard_limits):
            scores = _raised(scores, Category.FAULT, self.model.hazard_precision)
        category = _first(scores)
        urgency = decide(words, head, category, self.model.hazard_limits)
        return Reading(
            category=category,
            second_category=_second(scores, category, self.model.second_from),
            confidence=scores[category],
            needs_review=shortened or self._doubtful(scores[category], category, urgency, words, head),
            urgency=urgency,
            language=language_of(self.model, prepared),
            summary=one_line(shown, lambda clause: self._telling(clause, category, registers)),
            entities=collect(shown, mentions, registers),
            scores=scores,
            model=self.model.label,
        )

    def _nothing(self, shown: str, entities: Entities) -> Reading:
        """The reading of a text without a word in it."""
        even = 1.0 / len(Category)
        return Reading(
            category=Category.OTHER,
            confidence=even,
            needs_review=True,
            urgency=Urgency.LOW,
            language="und",
            summary=one_line(shown, lambda _clause: 0.0),
            entities=entities,
            scores=dict.fromkeys(Category, even),
            model=self.model.label,
        )

    def _doubtful(
        self, confidence: float, category: Category, urgency: Urgency, words: Words, head: dict[str, float]
    ) -> bool:
        limit = self.review_threshold
        if limit is None:
            limit = self.model.thresholds.get(category.value, 1.0)
        near_danger = words.alarm is Alarm.CHECK and head.get("safety", 0.0) >= self.model.hazard_limits.doubt
        return confidence < limit or (near_danger and urgency is not Urgency.SAFETY)

    def _telling(self, clause: str, category: Category, registers: Registers) -> float:
        mentions = find_mentions(clause, registers)
        share = category_shares(self.model, message_features(masked(clause, mentions)))
        return share.get(category.value, 0.0) + _ENTITY_WEIGHT * min(len(mentions), 3)


def _by_category(shares: dict[str, float]) -> dict[Category, float]:
    return {category: shares.get(category.value, 0.0) for category in Category}


def _raised(scores: dict[Category, float], category: Category, least: float) -> dict[Category, float]:
    """Scores with one category at `least` or more; the others share what is left as before."""
    now = scores[category]
    if now >= least:
        return scores
    left = (1.0 - least) / max(1.0 - now, 1e-9)
    return {one: least if one is category else share * left for one, share in scores.items()}


def _first(scores: dict[Category, float]) -> Category:
    """The most probable category; among near ties the first in the vocabulary's order."""
    best = max(scores.values())
    return next(category for category in TIE_ORDER if scores[category] >= best - _TIE)


def _second(scores: dict[Category, float], first: Category, least: float) -> Category | None:
    others = [one for one in TIE_ORDER if one is not first and one is not Category.OTHER]
    best = max(others, key=lambda one: scores[one])
    return best if scores[best] >= least else None


def load(model_dir: Path | None = None, *, review_threshold: float | None = None) -> Classifier:
    """The shipped classifier, or that of a folder. DataError if it cannot serve: missing, damaged, other labels."""
    folder = model_dir or SHIPPED
    model = load_model(folder)
    strange = sorted(set(model.category.names) - {category.value for category in Category})
    if strange:
        raise DataError(folder / CARD, f"answers other labels than the seven categories: {', '.join(strange[:5])}")
    if review_threshold is not None and not 0.0 <= review_threshold <= 1.0:
        raise ValueError("review_threshold must lie between 0 and 1")
    return Classifier(model, review_threshold)
