"""The door of this room: load a model, read a message, say why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.clean import capped, visible
from classifiers.encoder import encoder_text, whole
from classifiers.entities import Mention, collect, find_mentions, masked
from classifiers.errors import DataError
from classifiers.evidence import neighbours, phrases
from classifiers.fold import fold
from classifiers.fusion import group_of
from classifiers.gloss import gloss
from classifiers.model import DANGER, Model, Rules, language_of
from classifiers.model_files import CARD, SHIPPED, load_model
from classifiers.neighbours import nearness
from classifiers.ngrams import message_features
from classifiers.summary import one_line
from classifiers.urgency import Words, is_doubtful, is_hazard, level, read_words
from models.reading import TIE_ORDER, Category, Entities, Evidence, Reading, Registers, Urgency

_TIE = 0.02
_ENTITY_WEIGHT = 0.15


@dataclass(frozen=True)
class _Text:
    """One message on its way through: cleaned, masked, folded, and what each view made of it; each once."""

    model: Model
    registers: Registers
    shown: str
    shortened: bool

    @cached_property
    def mentions(self) -> list[Mention]:
        return find_mentions(self.shown, self.registers)

    @cached_property
    def entities(self) -> Entities:
        return collect(self.shown, self.mentions, self.registers)

    @cached_property
    def prepared(self) -> str:
        return masked(self.shown, self.mentions)

    @cached_property
    def folded(self) -> str:
        return fold(self.prepared)

    @cached_property
    def words(self) -> Words:
        return read_words(self.folded)

    @cached_property
    def language(self) -> str:
        return language_of(self.model.speech, self.prepared)

    @cached_property
    def group(self) -> str:
        return group_of(self.prepared, self.language)

    @cached_property
    def glossed(self) -> str:
        return gloss(self.prepared, self.language)

    @cached_property
    def features(self) -> dict[int, float]:
        return message_features(self.prepared, self.glossed)

    @cached_property
    def parts(self) -> npt.NDArray[np.float32] | None:
        encoder = self.model.encoder
        return None if encoder is None else encoder.embed_parts([encoder_text(self.glossed)])[0]

    @cached_property
    def meaning(self) -> npt.NDArray[np.float32] | None:
        return None if self.parts is None else whole(self.parts)

    @cached_property
    def category_shares(self) -> dict[str, float]:
        return self.model.category.shares(self.features, self.meaning, self.group)

    @cached_property
    def urgency_shares(self) -> dict[str, float]:
        return self.model.urgency.shares(self.features, self.meaning, self.group)

    @cached_property
    def danger(self) -> float:
        """Of the part that speaks most of it: a long story may tell it late."""
        parts = [None] if self.parts is None else self.parts
        return max(self.model.danger.shares(self.features, part, self.group)[DANGER] for part in parts)

    @cached_property
    def hazard(self) -> bool:
        return is_hazard(self.words, self.danger, self.model.rules.hazard_limits)

    def urgency(self, category: Category) -> Urgency:
        return Urgency.SAFETY if self.hazard else level(self.words, self.urgency_shares, category)


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

    @property
    def rules(self) -> Rules:
        """The limits in force."""
        return self.model.rules

    def read(self, text: str, registers: Registers) -> Reading:
        """Understand one message. Any string is answered; of very long ones the head and the tail are read."""
        seen = self._seen(text, registers)
        if not seen.folded:
            return self._nothing(seen)
        scores = self._scores(seen)
        category = _category(seen, scores)
        urgency = seen.urgency(category)
        return Reading(
            category=category,
            second_category=self._other_topic(seen, scores, category),
            confidence=scores[category],
            needs_review=bool(self._reason(seen, scores)),
            urgency=urgency,
            language=seen.language,
            summary=one_line(seen.shown, lambda clause: self._telling(clause, category, registers)),
            entities=seen.entities,
            scores=scores,
            model=self.model.label,
        )

    def explain(self, text: str, registers: Registers) -> Evidence:
        """Why this message is read as it is, and why a person must look, if one must."""
        seen = self._seen(text, registers)
        if not seen.folded:
            return Evidence((), (), (), "no_words", self.model.label)
        scores = self._scores(seen)
        category = _category(seen, scores)
        return Evidence(
            guesses=tuple(_two_best(scores, category)),
            neighbours=neighbours(self.model.bank, seen.meaning),
            phrases=phrases(self.model.category, seen.prepared, seen.features, category),
            reason=self._reason(seen, scores),
            model=self.model.label,
        )

    def _seen(self, text: str, registers: Registers) -> _Text:
        kept, shortened = capped(text)
        return _Text(self.model, registers, visible(kept), shortened)

    def _scores(self, seen: _Text) -> dict[Category, float]:
        scores = {category: seen.category_shares.get(category.value, 0.0) for category in Category}
        return _raised(scores, Category.FAULT, self.rules.hazard_precision) if seen.hazard else scores

    def _nothing(self, seen: _Text) -> Reading:
        """The reading of a text without a word in it."""
        even = 1.0 / len(Category)
        return Reading(
            category=Category.OTHER,
            confidence=even,
            needs_review=True,
            urgency=Urgency.LOW,
            language="und",
            summary=one_line(seen.shown, lambda _clause: 0.0),
            entities=seen.entities,
            scores=dict.fromkeys(Category, even),
            model=self.model.label,
        )

    def _trust(self, seen: _Text) -> float | None:
        gate, bank = self.model.gate, self.model.bank
        if gate is None or bank is None or seen.meaning is None or not len(bank.vectors):
            return None
        shares = np.array([list(seen.category_shares.values())])
        return float(gate.trust(shares, np.array([nearness(bank.similar(seen.meaning))]))[0])

    def _reason(self, seen: _Text, scores: dict[Category, float]) -> str:
        """Why a person must look, as a code; empty where nobody must."""
        if seen.shortened:
            return "shortened"
        category = _category(seen, scores)
        if not seen.hazard and is_doubtful(seen.words, seen.danger, self.rules.hazard_limits):
            return "near_danger"
        limit = self.review_threshold
        if limit is None:
            limit = self.rules.thresholds.get(category.value, 1.0)
        if scores[category] < limit:
            return "low_confidence"
        if seen.hazard or self.review_threshold is not None or self.model.gate is None:
            return ""
        trusted = self._trust(seen)
        return "out_of_scope" if trusted is not None and trusted < self.model.gate.limit else ""

    def knows(self, text: str, registers: Registers) -> bool | None:
        """Whether a message is of the kind that was learnt, as the gate sees it; None for a model without one."""
        trusted = self._trust(self._seen(text, registers))
        return None if trusted is None or self.model.gate is None else trusted >= self.model.gate.limit

    def _other_topic(self, seen: _Text, scores: dict[Category, float], first: Category) -> Category | None:
        second = _second(scores, first)
        known = second.value in self.model.category.names
        two = self.rules.second.holds(seen.category_shares, seen.shown)
        return second if known and two else None

    def _telling(self, clause: str, category: Category, registers: Registers) -> float:
        part = _Text(self.model, registers, clause, shortened=False)
        share = self.model.category.shares(part.features, None, "latin").get(category.value, 0.0)
        return share + _ENTITY_WEIGHT * min(len(part.mentions), 3)


def _raised(scores: dict[Category, float], category: Category, least: float) -> dict[Category, float]:
    """Scores with one category at `least` or more; the others share what is left as before."""
    now = scores[category]
    if now >= least:
        return scores
    left = (1.0 - least) / max(1.0 - now, 1e-9)
    return {one: least if one is category else share * left for one, share in scores.items()}


def _category(seen: _Text, scores: dict[Category, float]) -> Category:
    """A danger is always a fault, whatever else the message is about."""
    return Category.FAULT if seen.hazard else _first(scores)


def _first(scores: dict[Category, float]) -> Category:
    """The most probable category; among near ties the first in the vocabulary's order."""
    best = max(scores.values())
    return next(category for category in TIE_ORDER if scores[category] >= best - _TIE)


def _two_best(scores: dict[Category, float], first: Category) -> Iterator[tuple[Category, float]]:
    yield first, scores[first]
    yield max(((one, share) for one, share in scores.items() if one is not first), key=lambda pair: pair[1])


def _second(scores: dict[Category, float], first: Category) -> Category:
    others = [one for one in TIE_ORDER if one is not first and one is not Category.OTHER]
    return max(others, key=lambda one: scores[one])


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
