"""How good a model is on labelled messages: by class, by language, calibration, coverage, hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.calibration import coverage_at, expected_calibration_error
from classifiers.dataset import Row, read_rows
from classifiers.model import Model, category_shares, load_model, prepare
from classifiers.ngrams import message_features
from classifiers.registry import SHIPPED, Classifier
from models.reading import Category, Registers, Urgency


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
    """Messages of danger: how many there are, the share found, and alarms on the others."""

    rows: int
    recall: float
    alert_rate: float
    precision: float


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

    def as_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """What the model says of one row; urgency, language and review only where it serves the seven categories."""

    label: str
    confidence: float
    review: bool | None = None
    urgency: str | None = None
    language: str | None = None


def _serves(model: Model) -> bool:
    return set(model.category.names) <= {category.value for category in Category}


def answers(model: Model, texts: Sequence[str]) -> list[Answer]:
    """The model's answers in order, by the same path as in service where it answers the seven categories."""
    if _serves(model):
        classifier, registers = Classifier(model), Registers()
        readings = [classifier.read(text, registers) for text in texts]
        return [
            Answer(one.category.value, one.confidence, one.needs_review, one.urgency.value, one.language)
            for one in readings
        ]
    out: list[Answer] = []
    for text in texts:
        shares = category_shares(model, message_features(prepare(text)))
        best = max(shares, key=lambda name: shares[name])
        out.append(Answer(best, shares[best]))
    return out


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _class_figures(truth: Sequence[str], said: Sequence[str], name: str) -> ClassFigures:
    right = sum(a == b == name for a, b in zip(truth, said, strict=True))
    total, given = truth.count(name), said.count(name)
    return ClassFigures(_ratio(right, given), _ratio(right, total), _ratio(2 * right, total + given), total)


def _macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    names = sorted(set(truth))
    return _ratio(sum(_class_figures(truth, said, name).f1 for name in names), len(names))


def _by_language(rows: Sequence[Row], said: Sequence[str]) -> dict[str, LanguageFigures]:
    out: dict[str, LanguageFigures] = {}
    for language in sorted({row.language for row in rows if row.language}):
        chosen = [index for index, row in enumerate(rows) if row.language == language]
        truth, given = [rows[i].category for i in chosen], [said[i] for i in chosen]
        right = sum(a == b for a, b in zip(truth, given, strict=True))
        out[language] = LanguageFigures(_ratio(right, len(chosen)), _macro_f1(truth, given), len(chosen))
    return out


def _hazards(rows: Sequence[Row], given: Sequence[Answer]) -> tuple[float, HazardFigures] | None:
    pairs = [
        (row.urgency, answer.urgency) for row, answer in zip(rows, given, strict=True) if row.urgency and answer.urgency
    ]
    if not pairs:
        return None
    safety = Urgency.SAFETY.value
    found = sum(a == b == safety for a, b in pairs)
    true, raised = sum(a == safety for a, _ in pairs), sum(b == safety for _, b in pairs)
    return _ratio(sum(a == b for a, b in pairs), len(pairs)), HazardFigures(
        rows=true,
        recall=_ratio(found, true),
        alert_rate=_ratio(raised - found, len(pairs) - true),
        precision=_ratio(found, raised),
    )


def _languages(rows: Sequence[Row], given: Sequence[Answer]) -> dict[str, float]:
    by: dict[str, list[bool]] = {}
    for row, answer in zip(rows, given, strict=True):
        if row.language and answer.language:
            by.setdefault(row.language, []).append(row.language == answer.language)
    return {language: sum(hits) / len(hits) for language, hits in sorted(by.items())}


def report(model: Model, rows: Sequence[Row], data: str) -> Report:
    """Figures of a model on these rows; `data` says what they are."""
    given = answers(model, [row.text for row in rows])
    truth, said = [row.category for row in rows], [answer.label for answer in given]
    correct = np.array([a == b for a, b in zip(truth, said, strict=True)], dtype=np.float64)
    confidence = np.array([answer.confidence for answer in given], dtype=np.float64)
    kept = np.array([answer.review is False for answer in given])
    reviews = any(answer.review is not None for answer in given)
    hazards, languages = _hazards(rows, given), _languages(rows, given)
    spoken = [row for row in rows if row.language]
    return Report(
        model=model.label,
        data=data,
        rows=len(rows),
        accuracy=float(correct.mean()),
        macro_f1=_macro_f1(truth, said),
        ece=expected_calibration_error(confidence, correct),
        coverage_at_95=coverage_at(confidence, correct, 0.95),
        answered=float(kept.mean()) if reviews else None,
        answered_precision=float(correct[kept].mean()) if reviews and kept.any() else None,
        by_class={name: _class_figures(truth, said, name) for name in sorted(set(truth) | set(said))},
        by_language=_by_language(rows, said),
        urgency_accuracy=hazards[0] if hazards else None,
        hazards=hazards[1] if hazards else None,
        language_accuracy=sum(
            row.language == answer.language for row, answer in zip(rows, given, strict=True) if row.language
        )
        / len(spoken)
        if languages
        else None,
        language_by=languages,
    )


def evaluate_file(data: Path, model_dir: Path | None = None, *, held_out_only: bool = False) -> Report:
    """Figures of a model folder (the shipped one by default) on a CSV or JSONL file. Raises DataError.

    `held_out_only` keeps the rows that training on the same file leaves out.
    """
    rows = read_rows(data)
    chosen = [row for row in rows if row.held_out] if held_out_only else rows
    return report(load_model(model_dir or SHIPPED), chosen or rows, data.name)


def _percent(value: float | None) -> str:
    return "   -  " if value is None else f"{100 * value:5.1f} %"


def render_report(figures: Report) -> str:
    """The figures as text for a terminal."""
    lines = [
        f"{figures.model} on {figures.data}: {figures.rows} rows",
        f"  accuracy {_percent(figures.accuracy)}   macro-F1 {_percent(figures.macro_f1)}"
        f"   ECE {_percent(figures.ece)}",
        f"  coverage at 95 % precision {_percent(figures.coverage_at_95)}",
    ]
    if figures.answered is not None:
        lines.append(
            f"  answered without review {_percent(figures.answered)},"
            f" of these right {_percent(figures.answered_precision)}"
        )
    lines += ["", "  class            precision  recall   F1       rows"]
    lines += [
        f"  {name:16.16} {_percent(one.precision)}   {_percent(one.recall)}  {_percent(one.f1)}  {one.rows:5d}"
        for name, one in figures.by_class.items()
    ]
    if figures.by_language:
        lines += ["", "  language         accuracy   macro-F1  named right  rows"]
        lines += [
            f"  {name:16.16} {_percent(one.accuracy)}   {_percent(one.macro_f1)}"
            f"   {_percent(figures.language_by.get(name))}  {one.rows:6d}"
            for name, one in figures.by_language.items()
        ]
    if figures.hazards is not None:
        lines += [
            "",
            f"  urgency right {_percent(figures.urgency_accuracy)}; of {figures.hazards.rows} hazards found"
            f" {_percent(figures.hazards.recall)}; alarms on other messages {_percent(figures.hazards.alert_rate)}",
        ]
    return "\n".join(lines)
