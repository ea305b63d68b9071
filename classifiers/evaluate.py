"""How good a model is on labelled messages: by class, by language, calibration, coverage, hazards, the unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.calibration import coverage_at, expected_calibration_error, wilson_lower
from classifiers.dataset import Row, read_rows
from classifiers.encoder import encoder_text
from classifiers.errors import DataError
from classifiers.figures import Bin, Said, calibration, confusion, coverage
from classifiers.fusion import group_of
from classifiers.gloss import gloss
from classifiers.model import Model, language_of, prepare
from classifiers.model_files import SHIPPED, load_model
from classifiers.neighbours import nearness
from classifiers.ngrams import message_features
from classifiers.registry import Classifier
from models.reading import Category, Registers, Urgency

TWO_SIDED_95 = 1.96
SERVING = frozenset(category.value for category in Category)


@dataclass(frozen=True)
class ClassFigures:
    """One class: shares from 0 to 1, and how many rows truly belong to it."""

    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True)
class LanguageFigures:
    """One language of the data: category accuracy and macro-F1 over the classes that occur in it."""

    accuracy: float
    macro_f1: float
    rows: int


@dataclass(frozen=True)
class HazardFigures:
    """Messages of danger: how many there are, the share found with its 95 % interval, and alarms on the others.

    `alert_rate` is over all other rows, `ordinary_alert_rate` without the traps, `trap_alert_rate` over these alone.
    """

    rows: int
    recall: float
    recall_interval: tuple[float, float]
    alert_rate: float
    ordinary_alert_rate: float
    trap_alert_rate: float | None
    precision: float


@dataclass(frozen=True)
class UnknownFigures:
    """Rows out of scope: how many, the share turned away, and the share of in-scope rows turned away with them."""

    rows: int
    recall: float
    in_scope_rejected: float


@dataclass(frozen=True)
class SecondFigures:
    """The second topic: rows that have one, and how often it was named and rightly."""

    rows: int
    precision: float
    recall: float


@dataclass(frozen=True)
class Report:
    """Figures of one model on one file; every share is from 0 to 1.

    `ece` is over 15 equal bins of confidence; `coverage_at_95` the largest share of messages that could be
    answered without a human at 95 % precision; `answered` and `answered_precision` what the model's own
    thresholds do. What the data has no column for is None.
    """

    model: str
    data: str
    rows: int
    accuracy: float
    macro_f1: float
    ece: float
    coverage_at_95: float
    answered: float | None
    answered_precision: float | None
    by_class: dict[str, ClassFigures]
    by_language: dict[str, LanguageFigures] = field(default_factory=dict)
    urgency_accuracy: float | None = None
    hazards: HazardFigures | None = None
    language_accuracy: float | None = None
    language_by: dict[str, float] = field(default_factory=dict)
    second: SecondFigures | None = None
    out_of_scope: UnknownFigures | None = None
    confusion: dict[str, dict[str, int]] = field(default_factory=dict)
    calibration: tuple[Bin, ...] = ()
    coverage: tuple[tuple[float, float], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """What the model says of one row; urgency, language and review only where it serves the seven categories.

    `known` is false where the gate takes the row for out of scope, None where the model has no gate.
    """

    label: str
    confidence: float
    review: bool | None = None
    urgency: str | None = None
    language: str | None = None
    second: str | None = None
    known: bool | None = None


def _serves(model: Model) -> bool:
    return set(model.category.names) <= SERVING


def _known(model: Model, trust: float | None) -> bool | None:
    return None if trust is None or model.gate is None else trust >= model.gate.limit


def answers(model: Model, texts: Sequence[str], *, gate: bool = False) -> list[Answer]:
    """The model's answers in order, by the same path as in service where it answers the seven categories.

    With `gate` they also tell what the gate thinks of each text.
    """
    if not _serves(model):
        return _plain_answers(model, texts)
    classifier, registers = Classifier(model), Registers()
    out: list[Answer] = []
    for text in texts:
        one = classifier.read(text, registers)
        second = one.second_category.value if one.second_category else None
        known = classifier.knows(text, registers) if gate else None
        out.append(
            Answer(one.category.value, one.confidence, one.needs_review, one.urgency.value, one.language, second, known)
        )
    return out


def _plain_answers(model: Model, texts: Sequence[str]) -> list[Answer]:
    """Answers of a model with labels of its own: category and gate alone."""
    prepared = [prepare(text) for text in texts]
    languages = [language_of(model.speech, text) for text in prepared]
    glossed = [gloss(text, language) for text, language in zip(prepared, languages, strict=True)]
    vectors = model.encoder.embed([encoder_text(text) for text in glossed]) if model.encoder else None
    out: list[Answer] = []
    for at, text in enumerate(prepared):
        meaning = None if vectors is None else vectors[at]
        features = message_features(text, glossed[at])
        shares = model.category.shares(features, meaning, group_of(text, languages[at]))
        best = max(shares, key=lambda name: shares[name])
        trust = None
        if model.gate is not None and model.bank is not None and meaning is not None:
            near = np.array([nearness(model.bank.similar(meaning))])
            trust = float(model.gate.trust(np.array([list(shares.values())]), near)[0])
        out.append(Answer(best, shares[best], known=_known(model, trust)))
    return out


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _class_figures(truth: Sequence[str], said: Sequence[str], name: str) -> ClassFigures:
    right = sum(a == b == name for a, b in zip(truth, said, strict=True))
    total, given = truth.count(name), said.count(name)
    return ClassFigures(_ratio(right, given), _ratio(right, total), _ratio(2 * right, total + given), total)


def macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """Mean F1 over the classes that occur in `truth`."""
    names = sorted(set(truth))
    return _ratio(sum(_class_figures(truth, said, name).f1 for name in names), len(names))


def _by_language(rows: Sequence[Row], said: Sequence[str]) -> dict[str, LanguageFigures]:
    out: dict[str, LanguageFigures] = {}
    for language in sorted({row.language for row in rows if row.language}):
        chosen = [index for index, row in enumerate(rows) if row.language == language]
        truth, given = [rows[i].category for i in chosen], [said[i] for i in chosen]
        right = sum(a == b for a, b in zip(truth, given, strict=True))
        out[language] = LanguageFigures(_ratio(right, len(chosen)), macro_f1(truth, given), len(chosen))
    return out


def _urgency(rows: Sequence[Row], given: Sequence[Answer]) -> float | None:
    pairs = [(row.urgency, one.urgency) for row, one in zip(rows, given, strict=True) if row.urgency and one.urgency]
    return _ratio(sum(a == b for a, b in pairs), len(pairs)) if pairs else None


def _hazards(rows: Sequence[Row], given: Sequence[Answer]) -> HazardFigures | None:
    safety = Urgency.SAFETY.value
    pairs = [
        (row.urgency == safety, one.urgency == safety, row.trap)
        for row, one in zip(rows, given, strict=True)
        if row.urgency and one.urgency
    ]
    if not pairs:
        return None
    true, found = sum(a for a, _, _ in pairs), sum(a and b for a, b, _ in pairs)
    raised = sum(b for _, b, _ in pairs)
    ordinary = [b for a, b, trap in pairs if not a and not trap]
    traps = [b for a, b, trap in pairs if not a and trap]
    missed = true - found
    return HazardFigures(
        rows=true,
        recall=_ratio(found, true),
        recall_interval=(
            wilson_lower(found, true, TWO_SIDED_95),
            1.0 - wilson_lower(missed, true, TWO_SIDED_95) if true else 0.0,
        ),
        alert_rate=_ratio(raised - found, len(pairs) - true),
        ordinary_alert_rate=_ratio(sum(ordinary), len(ordinary)),
        trap_alert_rate=_ratio(sum(traps), len(traps)) if traps else None,
        precision=_ratio(found, raised),
    )


def _languages(rows: Sequence[Row], given: Sequence[Answer]) -> dict[str, list[bool]]:
    by: dict[str, list[bool]] = {}
    for row, answer in zip(rows, given, strict=True):
        if row.language and answer.language:
            by.setdefault(row.language, []).append(row.language == answer.language)
    return by


def _seconds(rows: Sequence[Row], given: Sequence[Answer]) -> SecondFigures | None:
    wanted = [row.second_category for row in rows]
    if not any(wanted):
        return None
    right = sum(a is not None and a == one.second for a, one in zip(wanted, given, strict=True))
    named = sum(one.second is not None for one in given)
    return SecondFigures(sum(map(bool, wanted)), _ratio(right, named), _ratio(right, sum(map(bool, wanted))))


def _unknown(known: Sequence[Answer], strange: Sequence[Answer]) -> UnknownFigures | None:
    if not strange:
        return None
    return UnknownFigures(
        len(strange),
        _ratio(sum(one.known is False for one in strange), len(strange)),
        _ratio(sum(one.known is False for one in known), len(known)),
    )


def report(model: Model, rows: Sequence[Row], data: str, *, out_of_scope: str | None = None) -> Report:
    """Figures of a model on these rows; `data` says what they are. Rows labelled `out_of_scope` test only the gate."""
    strange = [row for row in rows if row.category == out_of_scope]
    rows = [row for row in rows if row.category != out_of_scope]
    given = answers(model, [row.text for row in rows], gate=bool(strange))
    return report_of(
        model.label, rows, given, data, strange=answers(model, [row.text for row in strange], gate=True)
    )  # fmt: skip


def report_of(
    label: str, rows: Sequence[Row], given: Sequence[Answer], data: str, *, strange: Sequence[Answer] = ()
) -> Report:
    """Figures of answers that were given to these rows."""
    truth, said = [row.category for row in rows], [answer.label for answer in given]
    correct = np.array([a == b for a, b in zip(truth, said, strict=True)], dtype=np.float64)
    confidence = np.array([answer.confidence for answer in given], dtype=np.float64)
    kept = np.array([answer.review is False for answer in given])
    reviews = any(answer.review is not None for answer in given)
    languages = _languages(rows, given)
    named = [hit for hits in languages.values() for hit in hits]
    pairs = [Said(row.category, one.label, one.confidence) for row, one in zip(rows, given, strict=True)]
    return Report(
        model=label,
        data=data,
        rows=len(rows),
        accuracy=float(correct.mean()),
        macro_f1=macro_f1(truth, said),
        ece=expected_calibration_error(confidence, correct),
        coverage_at_95=coverage_at(confidence, correct, 0.95),
        answered=float(kept.mean()) if reviews else None,
        answered_precision=float(correct[kept].mean()) if reviews and kept.any() else None,
        by_class={name: _class_figures(truth, said, name) for name in sorted(set(truth) | set(said))},
        by_language=_by_language(rows, said),
        urgency_accuracy=_urgency(rows, given),
        hazards=_hazards(rows, given),
        language_accuracy=_ratio(sum(named), len(named)) if named else None,
        language_by={language: _ratio(sum(hits), len(hits)) for language, hits in sorted(languages.items())},
        second=_seconds(rows, given) if reviews else None,
        out_of_scope=_unknown(given, strange),
        confusion=confusion(pairs),
        calibration=calibration(pairs),
        coverage=coverage(pairs),
    )


def evaluate_file(
    data: Path,
    model_dir: Path | None = None,
    *,
    out_of_scope: str | None = None,
    with_encoder: bool = True,
) -> Report:
    """Figures of a model folder (the shipped one by default) on a CSV or JSONL file. Raises DataError.

    Without the encoder view A answers alone.
    """
    rows = read_rows(data)
    if all(row.category == out_of_scope for row in rows):
        raise DataError(data, f"holds no rows but those labelled '{out_of_scope}'")
    model = load_model(model_dir or SHIPPED, with_encoder=with_encoder)
    return report(model, rows, data.name, out_of_scope=out_of_scope)
