"""What a trained model is, as plain arrays, and how it scores one text. How it is kept: model_files.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.calibration import softmax
from classifiers.clean import capped, visible
from classifiers.encoder import Encoder
from classifiers.entities import find_mentions, masked
from classifiers.fusion import Fusion
from classifiers.gate import Gate
from classifiers.language import latin_words, script_language
from classifiers.neighbours import Bank
from classifiers.ngrams import language_features
from classifiers.second import Second
from classifiers.urgency import Limits
from models.reading import Registers

DANGER, HARMLESS = "danger", "harmless"
Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """A linear softmax: names of the classes, weights (columns, classes), bias (classes)."""

    names: tuple[str, ...]
    weights: Weights
    bias: Weights

    def logits(self, vector: Vector) -> npt.NDArray[np.float64]:
        """Logits (1, classes) of one text."""
        return (vector.values @ self.weights[vector.columns] + self.bias)[None, :].astype(np.float64)


@dataclass(frozen=True)
class Question:
    """What one head of each view says together, and what view A says alone where the encoder is away.

    `words` is the head of view A; `sense` that of view B, None where the model was trained without an encoder.
    """

    idf: Weights
    words: Head
    sense: Head | None
    alone: Fusion
    together: Fusion | None

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return self.words.names

    def shares(self, features: dict[int, float], meaning: Weights | None, group: str) -> dict[str, float]:
        """Calibrated probability of each class; `meaning` is the encoder's vector of the text, if there is one."""
        logits = [self.words.logits(weighed(features, self.idf))]
        fusion = self.alone
        if meaning is not None and self.sense is not None and self.together is not None:
            logits.append((meaning @ self.sense.weights + self.sense.bias)[None, :].astype(np.float64))
            fusion = self.together
        shares = fusion.probabilities(logits, [group])[0]
        return dict(zip(self.names, shares.tolist(), strict=True))


@dataclass(frozen=True)
class Speech:
    """Which language a Latin text is in: a head over letters, its logits divided by `heat`."""

    idf: Weights
    head: Head
    heat: float


@dataclass(frozen=True)
class Rules:
    """What follows from probabilities: limits that were chosen on unseen rows, for both views or for view A alone."""

    thresholds: dict[str, float]
    second: Second
    hazard_limits: Limits
    hazard_precision: float


@dataclass(frozen=True)
class Model:
    """Two views, and what is asked of them. `card` is everything that was written beside the arrays."""

    name: str
    version: str
    category: Question
    urgency: Question
    danger: Question
    speech: Speech
    alone: Rules
    together: Rules | None
    gate: Gate | None
    bank: Bank | None
    encoder: Encoder | None
    card: dict[str, Any]

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def questions(self) -> dict[str, Question]:
        """The questions by name."""
        return {"category": self.category, "urgency": self.urgency, "danger": self.danger}

    @property
    def rules(self) -> Rules:
        """The limits for what this model can use now."""
        return self.together if self.encoder is not None and self.together is not None else self.alone


@dataclass(frozen=True)
class Vector:
    """One text's features, weighted and of length one."""

    columns: npt.NDArray[np.int64]
    values: Weights


def weighed(features: dict[int, float], idf: Weights) -> Vector:
    """Weigh features by idf and bring them to length one."""
    columns = np.fromiter(features, dtype=np.int64, count=len(features))
    values = np.fromiter(features.values(), dtype=np.float32, count=len(features)) * idf[columns]
    norm = float(np.sqrt(values @ values))
    return Vector(columns, values / np.float32(norm or 1.0))


def prepare(text: str, registers: Registers | None = None) -> str:
    """The text as the heads see it: bounded, cleaned, its entities masked."""
    shown = visible(capped(text)[0])
    return masked(shown, find_mentions(shown, registers or Registers()))


LEAST_LANGUAGE = 0.4


def language_of(speech: Speech, prepared: str) -> str:
    """`en`, `si`, `si-Latn`, `ta`, `ta-Latn`, `es`, another code, or `und`."""
    by_script = script_language(prepared)
    if by_script is not None:
        return by_script
    features = weighed(language_features(latin_words(prepared)), speech.idf)
    if not len(features.columns):
        return "und"
    shares = softmax(speech.head.logits(features) / speech.heat)[0]
    best = int(shares.argmax())
    return speech.head.names[best] if shares[best] >= LEAST_LANGUAGE else "und"
