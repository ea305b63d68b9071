"""How a model is kept on disk: a folder with its arrays (half precision, used columns only) and a JSON card."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.encoder import Encoder, load_encoder
from classifiers.errors import DataError
from classifiers.fusion import Fusion, Scales
from classifiers.gate import Gate
from classifiers.json_card import read_json_card
from classifiers.model import Head, Model, Question, Rules, Speech, Weights
from classifiers.neighbours import Bank
from classifiers.ngrams import BUCKETS, LANGUAGE_BUCKETS
from classifiers.second import Second
from classifiers.urgency import Limits

log = logging.getLogger(__name__)

FORMAT = 2
ARRAYS, CARD = "model.npz", "model.json"
ARTEFACTS = Path(__file__).parent / "artefacts"
SHIPPED = ARTEFACTS / "chargehand@2"
SHIPPED_ENCODER = ARTEFACTS / "encoder"


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


def lost_its_encoder(model: Model) -> bool:
    """Whether a model that learnt beside an encoder is without it though this installation can run one.

    View A alone does worse than the shipped model, which has its encoder then.
    """
    if model.encoder is not None or model.together is None:
        return False
    try:
        load_encoder(SHIPPED_ENCODER)
    except (DataError, ImportError):
        return False
    return True


def _arrays(model: Model) -> dict[str, npt.NDArray[Any]]:
    return {
        **_question_arrays("category", model.category),
        **_question_arrays("urgency", model.urgency),
        **_question_arrays("danger", model.danger),
        **_head_arrays("language", model.speech.head),
        "language_idf": model.speech.idf.astype(np.float16),
        **_bank_arrays(model.bank),
    }


def _numbers(model: Model) -> dict[str, Any]:
    """What the card says that decides how the model reads."""
    return {
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
    }


def artefact(model: Model) -> str:
    """`name@version+1a2b3c4d`: this very model, with the encoder that it has here.

    The shipped model has one label in every release, so a verdict that names the label alone would outlive it.
    """
    total = hashlib.sha256(json.dumps(_numbers(model), sort_keys=True).encode())
    for name, array in sorted(_arrays(model).items()):
        total.update(name.encode())
        total.update(array.tobytes())
    return f"{model.label}+{total.hexdigest()[:8]}"


def save(model: Model, folder: Path) -> None:
    """Write the arrays (half precision, used columns only) and the card."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / ARRAYS, **_arrays(model))  # type: ignore[arg-type]
    card = {
        "format": FORMAT,
        "name": model.name,
        "version": model.version,
        "arrays_sha256": hashlib.sha256((folder / ARRAYS).read_bytes()).hexdigest(),
        **_numbers(model),
        **model.card,
    }
    (folder / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


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
    card = read_json_card(folder / CARD, "model", FORMAT, "train it again")
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
