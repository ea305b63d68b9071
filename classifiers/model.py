"""A trained model as plain arrays: how it is kept on disk and how it scores one text."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.calibration import softmax
from classifiers.clean import capped, visible
from classifiers.encoder import Encoder, load_encoder
from classifiers.entities import find_mentions, masked
from classifiers.errors import DataError
from classifiers.fusion import Fusion, Scales
from classifiers.gate import Gate
from classifiers.language import latin_words, script_language
from classifiers.neighbours import Bank
from classifiers.ngrams import BUCKETS, LANGUAGE_BUCKETS, language_features
from classifiers.second import Second
from classifiers.urgency import Limits
from models.reading import Registers

log = logging.getLogger(__name__)

FORMAT = 2
ARRAYS, CARD = "model.npz", "model.json"
DANGER, HARMLESS = "danger", "harmless"
ARTEFACTS = Path(__file__).parent / "artefacts"
SHIPPED = ARTEFACTS / "chargehand@2"
SHIPPED_ENCODER = ARTEFACTS / "encoder"
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


# On disk ------------------------------------------------------------------------------------------------------------
def _pack(weights: Weights) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float16]]:
    used = np.flatnonzero(np.any(weights != 0, axis=1))
    return used.astype(np.int32), weights[used].astype(np.float16)


def _unpack(rows: int, used: npt.NDArray[np.int32], packed: npt.NDArray[np.float16]) -> Weights:
    weights = np.zeros((rows, packed.shape[1]), dtype=np.float32)
    weights[used] = packed
    return weights


def _head_arrays(key: str, head: Head) -> dict[str, npt.NDArray[Any]]:
    used, packed = _pack(head.weights)
    return {f"{key}_used": used, f"{key}_weights": packed, f"{key}_bias": head.bias.astype(np.float32)}


def _head(arrays: Mapping[str, npt.NDArray[Any]], key: str, names: list[str], rows: int) -> Head:
    weights = _unpack(rows, arrays[f"{key}_used"], arrays[f"{key}_weights"])
    return Head(tuple(names), weights, arrays[f"{key}_bias"].astype(np.float32))


def _question_arrays(key: str, question: Question) -> dict[str, npt.NDArray[Any]]:
    out = {f"{key}_idf": question.idf.astype(np.float16), **_head_arrays(f"{key}_words", question.words)}
    if question.sense is not None:
        out |= _head_arrays(f"{key}_sense", question.sense)
    return out


def _fusion_json(fusion: Fusion | None) -> dict[str, Any] | None:
    return None if fusion is None else {group: vars(scales) for group, scales in fusion.groups.items()}


def _fusion(about: dict[str, Any] | None) -> Fusion | None:
    if about is None:
        return None
    return Fusion({group: Scales(tuple(one["views"]), tuple(one["bias"])) for group, one in about.items()})


def _question(arrays: Mapping[str, npt.NDArray[Any]], key: str, about: dict[str, Any], size: int) -> Question:
    alone = _fusion(about["alone"])
    assert alone is not None
    return Question(
        arrays[f"{key}_idf"].astype(np.float32),
        _head(arrays, f"{key}_words", about["names"], BUCKETS),
        _head(arrays, f"{key}_sense", about["names"], size) if f"{key}_sense_bias" in arrays else None,
        alone,
        _fusion(about["together"]),
    )


def _rules_json(rules: Rules | None) -> dict[str, Any] | None:
    return (
        None
        if rules is None
        else {**vars(rules), "second": vars(rules.second), "hazard_limits": vars(rules.hazard_limits)}
    )


def _rules(about: dict[str, Any] | None) -> Rules | None:
    if about is None:
        return None
    return Rules(
        {str(key): float(value) for key, value in about["thresholds"].items()},
        Second(**{**about["second"], "weights": tuple(about["second"]["weights"])}),
        Limits(**about["hazard_limits"]),
        float(about["hazard_precision"]),
    )


def _bank_arrays(bank: Bank | None) -> dict[str, npt.NDArray[Any]]:
    if bank is None:
        return {}
    lines = json.dumps([bank.texts, bank.labels], ensure_ascii=False).encode("utf-8", "replace")
    return {"bank": bank.vectors, "bank_lines": np.frombuffer(lines, dtype=np.uint8)}


def _bank(arrays: Mapping[str, npt.NDArray[Any]]) -> Bank | None:
    if "bank" not in arrays:
        return None
    texts, labels = json.loads(arrays["bank_lines"].tobytes())
    return Bank(arrays["bank"], tuple(texts), tuple(labels))


def _encoder_json(encoder: Encoder | None) -> dict[str, Any] | None:
    if encoder is None:
        return None
    shipped = encoder.folder.resolve() == SHIPPED_ENCODER.resolve()
    return {
        "folder": "shipped" if shipped else str(encoder.folder.resolve()),
        "sha256": encoder.sha256,
        "size": encoder.size,
    }


def _encoder(about: dict[str, Any] | None) -> Encoder | None:
    """The encoder that the model was trained with; None where it or onnxruntime is away: then view A serves alone."""
    if about is None:
        return None
    folder = SHIPPED_ENCODER if about["folder"] == "shipped" else Path(about["folder"])
    try:
        encoder = load_encoder(folder)
    except (DataError, ImportError) as error:
        log.warning("the encoder is away, words alone decide: %s", error)
        return None
    if encoder.sha256 != about["sha256"]:
        log.warning("the model was trained with another encoder than %s, words alone decide", folder)
        return None
    return encoder


def save(model: Model, folder: Path) -> None:
    """Write the arrays (half precision, used columns only) and the card."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[Any]] = {
        **_question_arrays("category", model.category),
        **_question_arrays("urgency", model.urgency),
        **_question_arrays("danger", model.danger),
        **_head_arrays("language", model.speech.head),
        "language_idf": model.speech.idf.astype(np.float16),
        **_bank_arrays(model.bank),
    }
    np.savez_compressed(folder / ARRAYS, **arrays)  # type: ignore[arg-type]
    card = {
        "format": FORMAT,
        "name": model.name,
        "version": model.version,
        "arrays_sha256": hashlib.sha256((folder / ARRAYS).read_bytes()).hexdigest(),
        "encoder": _encoder_json(model.encoder),
        "questions": {
            key: {
                "names": list(question.names),
                "alone": _fusion_json(question.alone),
                "together": _fusion_json(question.together),
            }
            for key, question in model.questions.items()
        },
        "language": {"names": list(model.speech.head.names), "heat": model.speech.heat},
        "rules": {"alone": _rules_json(model.alone), "together": _rules_json(model.together)},
        "gate": None if model.gate is None else vars(model.gate),
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


def _from(card: dict[str, Any], arrays: Mapping[str, npt.NDArray[Any]], encoder: Encoder | None) -> Model:
    size = int(card["encoder"]["size"]) if card["encoder"] else 0
    alone = _rules(card["rules"]["alone"])
    assert alone is not None
    return Model(
        name=str(card["name"]),
        version=str(card["version"]),
        category=_question(arrays, "category", card["questions"]["category"], size),
        urgency=_question(arrays, "urgency", card["questions"]["urgency"], size),
        danger=_question(arrays, "danger", card["questions"]["danger"], size),
        speech=Speech(
            arrays["language_idf"].astype(np.float32),
            _head(arrays, "language", card["language"]["names"], LANGUAGE_BUCKETS),
            float(card["language"]["heat"]),
        ),
        alone=alone,
        together=_rules(card["rules"]["together"]),
        gate=Gate(**{**card["gate"], "weights": tuple(card["gate"]["weights"])}) if card["gate"] else None,
        bank=_bank(arrays),
        encoder=encoder,
        card={key: card[key] for key in ("training", "data", "figures") if key in card},
    )


def load_model(folder: Path, *, with_encoder: bool = True) -> Model:
    """Read a model folder. DataError where it is missing, damaged, or of another format.

    Where its encoder is away (or `with_encoder` is false) the model has none, and view A serves alone.
    """
    card = _read_card(folder)
    path = folder / ARRAYS
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != card["arrays_sha256"]:
            raise DataError(path, "does not match its card; train it again or restore it")
        encoder = _encoder(card["encoder"]) if with_encoder else None
        with np.load(path) as arrays:
            return _from(card, arrays, encoder)
    except OSError as error:
        raise DataError(path, error.strerror or "cannot be read") from error
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(path, f"damaged model: {error}") from error
