"""Train a model from labelled messages: deterministic, numpy only, calibrated on rows it did not learn from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.calibration import alarm_threshold, review_threshold, temperature, wilson_lower
from classifiers.card import write_card
from classifiers.dataset import OWN_DATA, Row, bucket, read_files, read_rows
from classifiers.errors import DataError
from classifiers.evaluate import Report, render_report, report
from classifiers.fold import fold
from classifiers.language import latin_words, script_language
from classifiers.linear import fit, scores, softmax
from classifiers.model import Head, Model, load_model, prepare, save
from classifiers.ngrams import (
    BUCKETS,
    LANGUAGE_BUCKETS,
    Floats,
    Ints,
    Sparse,
    inverse_document_frequency,
    language_features,
    message_features,
    sparse,
    weigh,
)
from classifiers.registry import SHIPPED
from classifiers.urgency import Alarm, Limits, Words, read_words
from models.reading import Urgency

FOLDS = 5
DECAY = 5e-5
LANGUAGE_DECAY = 1e-5
SECOND_SHARE = 0.3  # what a second category takes of a row's target
SECOND_FROM = 0.25
PRECISION = {"info": 0.90, "other": 0.90}  # the lower bound that a threshold must reach; 0.95 for all else
HIGHEST_THRESHOLD = 0.9  # above this a category would hardly ever be answered without a human
LEAST_TO_HOLD_OUT = 50
LEAST_LANGUAGE_ROWS = 15
ALONE_FALSE_SHARE, CHECKED_FALSE_SHARE = 0.003, 0.05


@dataclass(frozen=True)
class Trained:
    """What training made: where the model lies, how many rows taught it, figures on held-out rows, and files."""

    model: str
    folder: str
    trained_rows: int
    labels: tuple[str, ...]
    files: dict[str, str]
    held_out: Report | None

    def as_json(self) -> dict[str, Any]:
        """Plain values for json.dumps; `files` maps file names to their SHA-256."""
        return asdict(self)


@dataclass(frozen=True)
class _Learnt:
    """A head and the logits that it would have given each row had it not seen the row's family."""

    head: Head
    unseen: Floats


def _folds(rows: Sequence[Row]) -> Ints:
    return np.array([bucket(row.family, "oof", FOLDS) for row in rows])


def _targets(rows: Sequence[Row], names: Sequence[str], label: Callable[[Row], str | None]) -> Floats:
    place = {name: index for index, name in enumerate(names)}
    out = np.zeros((len(rows), len(names)))
    for index, row in enumerate(rows):
        out[index, place[label(row) or ""]] = 1.0
    return out


def _shared(rows: Sequence[Row], names: Sequence[str], targets: Floats) -> Floats:
    """Targets in which a row's second category has its share."""
    place = {name: index for index, name in enumerate(names)}
    out = targets.copy()
    for index, row in enumerate(rows):
        second = place.get(row.second_category or "")
        if second is not None and out[index, second] == 0.0:
            out[index] *= 1.0 - SECOND_SHARE
            out[index, second] = SECOND_SHARE
    return out


def _balance(truth: Ints, classes: int) -> Floats:
    """Row weights that give every class the same say."""
    counts = np.bincount(truth, minlength=classes)
    weights: Floats = 1.0 / counts[truth]
    return weights


def _learn(
    data: Sparse, targets: Floats, names: Sequence[str], part: Ints, *, idf: Floats, decay: float, balanced: bool
) -> _Learnt:
    """Fit a head on all rows, and once for each fold on the others; the temperature is that of unseen rows."""
    weighted = weigh(data, idf)
    truth = targets.argmax(axis=1)
    weight = _balance(truth, len(names)) if balanced else np.ones(len(truth))
    unseen = np.zeros_like(targets)
    for one in range(FOLDS):
        inside, outside = np.flatnonzero(part == one), np.flatnonzero(part != one)
        if len(inside) and len(outside):
            learnt, bias = fit(weighted.rows(outside), targets[outside], len(idf), decay=decay, weight=weight[outside])
            unseen[inside] = scores(weighted.rows(inside), learnt, bias)
    learnt, bias = fit(weighted, targets, len(idf), decay=decay, weight=weight)
    heat = temperature(unseen, truth)
    head = Head(tuple(names), learnt.astype(np.float32), bias.astype(np.float32), heat)
    return _Learnt(head, unseen / heat)


def _thresholds(learnt: _Learnt, truth: Ints) -> dict[str, float]:
    shares = softmax(learnt.unseen)
    said, confidence = shares.argmax(axis=1), shares.max(axis=1)
    out: dict[str, float] = {}
    for index, name in enumerate(learnt.head.names):
        chosen = said == index
        correct = (truth[chosen] == index).astype(np.float64)
        wanted = review_threshold(confidence[chosen], correct, PRECISION.get(name, 0.95))
        out[name] = round(min(wanted, HIGHEST_THRESHOLD), 4)
    return out


def _hazard_limits(words: Sequence[Words], safety: Floats, danger: Floats) -> tuple[Limits, float]:
    """Limits of the head, and how often an alarm under them was right (lower bound)."""
    silent = np.array([one.alarm is Alarm.NONE for one in words])
    doubtful = np.array([one.alarm is Alarm.CHECK for one in words])
    limits = Limits(
        alone=round(alarm_threshold(safety[silent], danger[silent], ALONE_FALSE_SHARE), 4),
        checked=round(alarm_threshold(safety[doubtful], danger[doubtful], CHECKED_FALSE_SHARE), 4),
        doubt=0.1,
    )
    raised = ~silent & ~doubtful | (silent & (safety >= limits.alone)) | (doubtful & (safety >= limits.checked))
    return limits, round(wilson_lower(float(danger[raised].sum()), int(raised.sum())), 4)


def _language_rows(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """(Latin words, language, family): Latin text as it is, Sinhala and Tamil script romanised."""
    out: list[tuple[str, str, str]] = []
    for row in rows:
        if row.language:
            words = latin_words(prepare(row.text))
            by_script = script_language(row.text)
            if by_script is None:
                out.append((words, row.language, row.family))
            elif by_script in ("si", "ta") and row.language == by_script:
                out.append((words, f"{by_script}-Latn", row.family))
    counts = Counter(language for _, language, _ in out)
    return [one for one in out if one[0] and counts[one[1]] >= LEAST_LANGUAGE_ROWS]


def _language_head(rows: Sequence[Row]) -> tuple[Head, npt.NDArray[Any]]:
    chosen = _language_rows(rows)
    names = sorted({language for _, language, _ in chosen})
    place = {name: index for index, name in enumerate(names)}
    data = sparse([language_features(words) for words, _, _ in chosen])
    idf = inverse_document_frequency(data, LANGUAGE_BUCKETS)
    targets = np.eye(len(names))[[place[language] for _, language, _ in chosen]]
    part = np.array([bucket(family, "oof", FOLDS) for _, _, family in chosen])
    return _learn(data, targets, names, part, idf=idf, decay=LANGUAGE_DECAY, balanced=True).head, idf


def _split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Training and held-out rows; what only held-out rows would name is trained on, and so is a small file."""
    if len(rows) < LEAST_TO_HOLD_OUT:
        return list(rows), []
    known = {row.category for row in rows if not row.held_out}
    out = [row for row in rows if row.held_out and row.category in known]
    kept = set(map(id, out))
    return [row for row in rows if id(row) not in kept], out


@dataclass(frozen=True)
class _Category:
    idf: npt.NDArray[Any]
    head: Head
    thresholds: dict[str, float]


@dataclass(frozen=True)
class _Urgency:
    idf: npt.NDArray[Any]
    head: Head
    limits: Limits
    precision: float


def _category(rows: Sequence[Row]) -> _Category:
    data = sparse([message_features(prepare(row.text)) for row in rows])
    idf = inverse_document_frequency(data, BUCKETS)
    names = sorted({row.category for row in rows})
    first = _targets(rows, names, lambda row: row.category)
    targets = _shared(rows, names, first)
    learnt = _learn(data, targets, names, _folds(rows), idf=idf, decay=DECAY, balanced=True)
    return _Category(idf, learnt.head, _thresholds(learnt, first.argmax(axis=1)))


def _urgency(rows: Sequence[Row]) -> _Urgency:
    prepared = [prepare(row.text) for row in rows]
    data = sparse([message_features(text) for text in prepared])
    idf = inverse_document_frequency(data, BUCKETS)
    names = [level.value for level in Urgency]
    targets = _targets(rows, names, lambda row: row.urgency)
    learnt = _learn(data, targets, names, _folds(rows), idf=idf, decay=DECAY, balanced=False)
    safety = names.index(Urgency.SAFETY.value)
    words = [read_words(fold(text)) for text in prepared]
    return _Urgency(idf, learnt.head, *_hazard_limits(words, softmax(learnt.unseen)[:, safety], targets[:, safety]))


def _model(rows: Sequence[Row], own: Sequence[Row], base: Model | None, about: dict[str, Any], label: str) -> Model:
    """A model of the rows' categories.

    Urgency and language are learnt from the rows and the project's own, where the rows tell them; else they are
    those of `base`.
    """
    timed = any(row.urgency for row in rows)
    spoken = any(row.language for row in rows)
    category = _category(rows)
    urgency = (
        _Urgency(base.urgency_idf, base.urgency, base.hazard_limits, base.hazard_precision)
        if base and not timed
        else _urgency([row for row in (*rows, *own) if row.urgency])
    )
    language, language_idf = (
        (base.language, base.language_idf) if base and not spoken else _language_head([*rows, *own])
    )
    name, _, version = label.partition("@")
    return Model(
        name=name,
        version=version or "1",
        idf=category.idf.astype(np.float32),
        category=category.head,
        urgency_idf=urgency.idf.astype(np.float32),
        urgency=urgency.head,
        language_idf=language_idf.astype(np.float32),
        language=language,
        thresholds=category.thresholds,
        second_from=SECOND_FROM,
        hazard_limits=urgency.limits,
        hazard_precision=urgency.precision,
        card=about,
    )


def train_files(data_files: Sequence[Path], out: Path) -> Trained:
    """Train on CSV or JSONL files and write the model to the folder `out` (`name@version`, or a name).

    One family in five is left out of training and measured. Any set of two labels or more will do; a model whose
    labels are the seven categories can serve. Raises DataError for data that cannot be used.
    """
    rows = read_files(data_files)
    if len({row.category for row in rows}) < 2:
        raise DataError(data_files[0], "needs at least two different categories")
    if out.exists() and not out.is_dir():
        raise DataError(out, "is not a folder")
    learn, held_out = _split(rows)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in data_files}
    shipped = OWN_DATA.resolve() in {path.resolve() for path in data_files}
    own = [] if shipped else [row for row in read_rows(OWN_DATA) if not row.held_out]
    base = None if shipped else load_model(SHIPPED)
    about: dict[str, Any] = {
        "training": {"rows": len(learn), "held_out_rows": len(held_out), "decay": DECAY, "folds": FOLDS},
        "data": files,
    }
    draft = _model(learn, own, base, about, out.name)
    save(draft, out)
    figures = write_card(out, held_out or None, report)
    return Trained(draft.label, str(out), len(learn), draft.category.names, files, figures)


def render_trained(trained: Trained) -> str:
    """What training made, as text for a terminal."""
    head = f"{trained.model}: {trained.trained_rows} rows, {len(trained.labels)} labels, written to {trained.folder}"
    if trained.held_out is None:
        return f"{head}\n  too few rows to hold any out; no figures"
    return f"{head}\n{render_report(trained.held_out)}"
