"""A trained model as plain arrays: how it is kept on disk and how it scores one text."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.clean import capped, visible
from classifiers.entities import find_mentions, masked
from classifiers.errors import DataError
from classifiers.language import latin_words, script_language
from classifiers.linear import softmax
from classifiers.ngrams import BUCKETS, LANGUAGE_BUCKETS, language_features
from classifiers.urgency import Limits
from models.reading import Registers

FORMAT = 1
ARRAYS, CARD = "model.npz", "model.json"
Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """A linear softmax: names of the classes, weights (buckets, classes) already times idf, bias, temperature."""

    names: tuple[str, ...]
    weights: Weights
    bias: Weights
    temperature: float

    def probabilities(self, columns: npt.NDArray[np.int64], values: Weights) -> dict[str, float]:
        """Probability of each class for one text; `values` have length one."""
        logits = (values @ self.weights[columns] + self.bias) / self.temperature
        return dict(zip(self.names, softmax(logits[None, :].astype(np.float64))[0].tolist(), strict=True))


@dataclass(frozen=True)
class Model:
    """Three heads over hashed n-grams. `card` is everything that was written beside the arrays."""

    name: str
    version: str
    idf: Weights
    category: Head
    urgency_idf: Weights
    urgency: Head
    language_idf: Weights
    language: Head
    thresholds: dict[str, float]
    second_from: float
    hazard_limits: Limits
    hazard_precision: float
    card: dict[str, Any]

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Vector:
    """One text's features, weighted and of length one."""

    columns: npt.NDArray[np.int64]
    values: Weights


def vector(features: dict[int, float], idf: Weights) -> Vector:
    """Weigh features by idf and bring them to length one."""
    columns = np.fromiter(features, dtype=np.int64, count=len(features))
    values = np.fromiter(features.values(), dtype=np.float32, count=len(features)) * idf[columns]
    norm = float(np.sqrt(values @ values))
    return Vector(columns, values / np.float32(norm or 1.0))


def prepare(text: str, registers: Registers | None = None) -> str:
    """The text as the heads see it: bounded, cleaned, its entities masked."""
    shown = visible(capped(text)[0])
    return masked(shown, find_mentions(shown, registers or Registers()))


def category_shares(model: Model, features: dict[int, float]) -> dict[str, float]:
    """Probability of each label, from the features of a prepared text."""
    weighed = vector(features, model.idf)
    return model.category.probabilities(weighed.columns, weighed.values)


def urgency_shares(model: Model, features: dict[int, float]) -> dict[str, float]:
    """Probability of each urgency, from the features of a prepared text."""
    weighed = vector(features, model.urgency_idf)
    return model.urgency.probabilities(weighed.columns, weighed.values)


LEAST_LANGUAGE = 0.4


def language_of(model: Model, prepared: str) -> str:
    """`en`, `si`, `si-Latn`, `ta`, `ta-Latn`, `es`, another code, or `und`."""
    by_script = script_language(prepared)
    if by_script is not None:
        return by_script
    features = vector(language_features(latin_words(prepared)), model.language_idf)
    if not len(features.columns):
        return "und"
    shares = model.language.probabilities(features.columns, features.values)
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= LEAST_LANGUAGE else "und"


def _pack(weights: Weights) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float16]]:
    used = np.flatnonzero(np.any(weights != 0, axis=1))
    return used.astype(np.int32), weights[used].astype(np.float16)


def _unpack(rows: int, used: npt.NDArray[np.int32], packed: npt.NDArray[np.float16]) -> Weights:
    weights = np.zeros((rows, packed.shape[1]), dtype=np.float32)
    weights[used] = packed
    return weights


def save(model: Model, folder: Path) -> None:
    """Write the arrays (half precision, used buckets only) and the card."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for key, head in (("category", model.category), ("urgency", model.urgency), ("language", model.language)):
        arrays[f"{key}_used"], arrays[f"{key}_weights"] = _pack(head.weights)
        arrays[f"{key}_bias"] = head.bias.astype(np.float32)
    arrays["idf"] = model.idf.astype(np.float16)
    arrays["urgency_idf"] = model.urgency_idf.astype(np.float16)
    arrays["language_idf"] = model.language_idf.astype(np.float16)
    np.savez_compressed(folder / ARRAYS, **arrays)  # type: ignore[arg-type]
    card = {
        "format": FORMAT,
        "name": model.name,
        "version": model.version,
        "arrays_sha256": hashlib.sha256((folder / ARRAYS).read_bytes()).hexdigest(),
        "heads": {
            key: {"names": list(head.names), "temperature": head.temperature}
            for key, head in (("category", model.category), ("urgency", model.urgency), ("language", model.language))
        },
        "thresholds": model.thresholds,
        "second_from": model.second_from,
        "hazard_limits": vars(model.hazard_limits),
        "hazard_precision": model.hazard_precision,
        **model.card,
    }
    (folder / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(path, f"no model here: {error.strerror}") from error
    except ValueError as error:
        raise DataError(path, "not a model card") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise DataError(path, f"not a model of format {FORMAT}; train it again")
    return card


def load_model(folder: Path) -> Model:
    """Read a model folder. DataError where it is missing, damaged, or of another format."""
    card = _read_card(folder)
    path = folder / ARRAYS
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != card["arrays_sha256"]:
            raise DataError(path, "does not match its card; train it again or restore it")
        with np.load(path) as arrays:
            heads = {
                key: Head(
                    tuple(about["names"]),
                    _unpack(rows, arrays[f"{key}_used"], arrays[f"{key}_weights"]),
                    arrays[f"{key}_bias"],
                    float(about["temperature"]),
                )
                for key, rows in (("category", BUCKETS), ("urgency", BUCKETS), ("language", LANGUAGE_BUCKETS))
                for about in (card["heads"][key],)
            }
            return Model(
                name=str(card["name"]),
                version=str(card["version"]),
                idf=arrays["idf"].astype(np.float32),
                urgency_idf=arrays["urgency_idf"].astype(np.float32),
                language_idf=arrays["language_idf"].astype(np.float32),
                thresholds={str(key): float(value) for key, value in card["thresholds"].items()},
                second_from=float(card["second_from"]),
                hazard_limits=Limits(**card["hazard_limits"]),
                hazard_precision=float(card["hazard_precision"]),
                card={key: card[key] for key in ("training", "data", "figures") if key in card},
                **heads,
            )
    except OSError as error:
        raise DataError(path, error.strerror or "cannot be read") from error
    except (KeyError, TypeError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(path, f"damaged model: {error}") from error
