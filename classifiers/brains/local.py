"""A transformers model of one's own in place of our view of the category; everything else stays ours.

The brain says what a message is about. Urgency, danger, entities, language, summary and what else wants a human come
from our own model, and a danger is `fault` and `safety` whatever the brain says.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from classifiers.brains.private import readable
from classifiers.brains.weights import NEEDS
from classifiers.calibration import softmax
from classifiers.errors import DataError
from classifiers.ngrams import Floats
from classifiers.registry import Classifier
from models.reading import TIE_ORDER, Category, Reading, Registers, Urgency

log = logging.getLogger(__name__)

MOST_TOKENS = 256
_NEVER = -30.0
"""The logarithm of the share of a category that a brain does not know."""
_NAMES = {category.value: category for category in Category}


class Brain(Protocol):
    """Text in, one logit for each category out, in the order of Category."""

    def logits(self, texts: Sequence[str]) -> Floats:
        """Rows in the order of the texts."""
        ...


@dataclass(frozen=True)
class Calibration:
    """What makes a brain's numbers mean something. `thresholds`: below its category's a message wants a human."""

    temperature: float
    thresholds: dict[str, float]


class Transformer:
    """A sequence classifier in a folder, on the CPU. Safe to share among threads: reading changes nothing in it."""

    def __init__(self, folder: Path, labels: Mapping[str, str] | None = None) -> None:
        """`labels` maps the model's own labels to categories. DataError where it cannot be read or is not mapped."""
        try:
            import torch  # noqa: PLC0415 - no part of a default installation
            from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415
            from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415
        except ImportError as error:
            raise DataError(folder, NEEDS) from error
        disable_progress_bar()
        given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(folder), **given)
            self._model = AutoModelForSequenceClassification.from_pretrained(
                str(folder), use_safetensors=True, **given
            )  # fmt: skip
        except Exception as error:  # each kind of damage has its own
            why = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise DataError(folder, f"is no sequence classifier that transformers can read: {why}") from error
        self._torch = torch
        self._model.eval()
        config = self._model.config
        self._places = _places(folder, dict(config.id2label), labels)
        self._longest = min(MOST_TOKENS, int(getattr(config, "max_position_embeddings", 0) or MOST_TOKENS))

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logarithms of each category's share; labels of one category are added up."""
        batch = self._tokenizer(
            list(texts), truncation=True, max_length=self._longest, padding=True, return_tensors="pt"
        )  # fmt: skip
        with self._torch.inference_mode():
            raw = self._model(**batch).logits.double().numpy()
        shares = softmax(raw) @ self._places
        return np.where(shares > 0.0, np.log(np.maximum(shares, np.exp(_NEVER))), _NEVER)


def _places(folder: Path, id2label: Mapping[int, str], labels: Mapping[str, str] | None) -> Floats:
    """A matrix of the model's labels by categories, with a one where a label means a category."""
    out = np.zeros((len(id2label), len(Category)))
    order = list(Category)
    for index, name in id2label.items():
        meant = _NAMES.get((labels or {}).get(name, name).lower())
        if meant is None:
            raise DataError(
                folder, f"its label {name!r} is none of {', '.join(_NAMES)}; give a mapping with --labels FILE.json"
            )
        out[int(index), order.index(meant)] = 1.0
    return out


def read_labels(path: Path) -> dict[str, str]:
    """A mapping of a model's labels to categories, as JSON. Raises DataError."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(path, "is no JSON that can be read") from error
    if not isinstance(given, dict) or not all(value in _NAMES for value in given.values()):
        raise DataError(path, f"must map each label of the model to one of {', '.join(_NAMES)}")
    return {str(name): str(value) for name, value in given.items()}


@dataclass(frozen=True)
class BrainReader:
    """Reads as `own` does, with the category by `brain`. Immutable, for any number of threads.

    `review_threshold` (0 to 1) replaces the brain's thresholds, one for each category.
    """

    own: Classifier
    brain: Brain
    calibration: Calibration
    label: str
    review_threshold: float | None = None

    def limits(self) -> dict[str, float]:
        """From which probability on a message needs no human, by category."""
        if self.review_threshold is not None:
            return dict.fromkeys(_NAMES, self.review_threshold)
        return {name: self.calibration.thresholds.get(name, 1.0) for name in _NAMES}

    def read(self, text: str, registers: Registers) -> Reading:
        """Understand one message. Any string is answered; where the brain fails, our own reading stands."""
        base = self.own.read(text, registers)
        if base.urgency is Urgency.SAFETY or len(set(base.scores.values())) == 1:
            return replace(base, model=self.label)  # danger is decided here, and a text without words says nothing
        try:
            logits = self.brain.logits([readable(text, registers)])
        except Exception:
            log.exception("the brain failed, our own reading stands", extra={"model": self.label})
            return base
        return self._joined(base, logits, text, registers)

    def _joined(self, base: Reading, logits: Floats, text: str, registers: Registers) -> Reading:
        shares = softmax(logits / self.calibration.temperature)[0]
        scores = dict(zip(Category, shares.tolist(), strict=True))
        category = max(TIE_ORDER, key=lambda one: scores[one])
        return replace(
            base, category=category, second_category=self._second(scores, category, text), confidence=scores[category],
            scores=scores, model=self.label,
            needs_review=scores[category] < self.limits()[category.value] or self._doubted(base, text, registers),
        )  # fmt: skip

    def _second(self, scores: Mapping[Category, float], first: Category, text: str) -> Category | None:
        others = [one for one in TIE_ORDER if one not in (first, Category.OTHER)]
        best = max(others, key=lambda one: scores[one])
        return best if self.own.rules.second.holds({one.value: share for one, share in scores.items()}, text) else None

    def _doubted(self, base: Reading, text: str, registers: Registers) -> bool:
        """Whether our own model wants a human for another reason than that it is not sure of the category."""
        return base.needs_review and replace(self.own, review_threshold=0.0).read(text, registers).needs_review


def label_of(name: str, files: Mapping[str, str], own: Classifier) -> str:
    """`name@files+own`, short enough to stand with each message."""
    weights = "".join(digest for file, digest in sorted(files.items()) if file.endswith(".safetensors"))
    return f"{Path(name).name[:30]}@{weights[:8]}+{own.model.label}"[:80]
