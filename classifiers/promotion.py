"""Whether a candidate may take the place of what serves: paired, on the same rows, or not at all.

One rule for versions that were trained here and for brains of others (brains/check.py). Why it is so:
docs/adr/0024-promotion.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from classifiers.calibration import coverage_at, expected_calibration_error
from classifiers.dataset import FROZEN, Row, read_rows
from classifiers.evaluate import Answer, answers
from classifiers.model import Model
from classifiers.model_files import artefact
from classifiers.ngrams import Floats, Ints
from models.reading import Urgency

RESAMPLES = 1000
SEED = 24
NO_WORSE = -0.002
SLICE_ROWS = 50
SLICE_LOSS = 0.02
ALERTS = 0.01
MOST_ECE = 0.05
PRECISION = 0.95
_ROUNDING = 1e-9


@cache
def frozen_rows() -> tuple[Row, ...]:
    """The rows that measure every version."""
    return tuple(read_rows(FROZEN))


@dataclass(frozen=True)
class Reason:
    """One thing that was looked at. `code` is the last part of a phrase `model.reason.…`; shares are from 0 to 1."""

    code: str
    good: bool
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate may serve, by which rule (`better`, or `surer`: no worse, and better calibrated with
    wider coverage), and every reason with its figures. `difference` is that of macro-F1, with its 95 % interval.
    `against` is the very model of ours that it was judged against (model_files.artefact), where it was one of ours.
    """

    serving: str
    candidate: str
    passed: bool
    rule: str | None
    frozen_rows: int
    newest_rows: int
    difference: float
    low: float
    high: float
    reasons: tuple[Reason, ...]
    against: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return asdict(self)


@dataclass(frozen=True)
class Answered:
    """What the model of this label answered to the rows, in their order."""

    label: str
    answers: Sequence[Answer]


@dataclass(frozen=True)
class _Side:
    """Answers to the pooled rows as arrays (rows,); `said` are places in a list of names, `correct` is 0.0 or 1.0."""

    said: Ints
    confidence: Floats
    correct: Floats
    answers: Sequence[Answer]


def judge(serving: Model, candidate: Model, frozen: Sequence[Row], newest: Sequence[Row]) -> Verdict:
    """Let two models answer the same rows. `newest` are labelled messages of the newest month that taught neither."""
    other = sorted(set(candidate.category.names) ^ set(serving.category.names))
    if other:
        refused = Reason("other_labels", False, {"labels": ", ".join(other[:8])})
        return replace(_refused(serving.label, candidate.label, frozen, newest, refused), against=artefact(serving))
    texts = [row.text for row in (*frozen, *newest)]
    old, new = (Answered(model.label, answers(model, texts)) for model in (serving, candidate))
    return replace(compare(old, new, frozen, newest), against=artefact(serving))


def compare(serving: Answered, candidate: Answered, frozen: Sequence[Row], newest: Sequence[Row] = ()) -> Verdict:
    """Judge answers to the rows of `frozen` and `newest`, in this order, that neither side has learnt from.

    Raises ValueError where there are not as many answers as rows.
    """
    rows = [*frozen, *newest]
    if not rows:
        return _refused(serving.label, candidate.label, frozen, newest, Reason("no_rows", False))
    said = {one.label for side in (serving, candidate) for one in side.answers}
    names = sorted(said | {row.category for row in rows})
    truth = np.array([names.index(row.category) for row in rows])
    old, new = (_side(side.answers, names, truth) for side in (serving, candidate))
    difference, low, high = paired_difference(truth, old.said, new.said, len(names))
    rule, reasons = _rule(difference, low, high, old, new)
    reasons += [_calibration(old, new), *_hazards(frozen, old, new), *_slices(rows, len(frozen), old, new)]
    passed = rule is not None and all(reason.good for reason in reasons)
    return Verdict(
        serving.label, candidate.label, passed, rule, len(frozen), len(newest), difference, low, high, tuple(reasons)
    )  # fmt: skip


def _refused(serving: str, candidate: str, frozen: Sequence[Row], newest: Sequence[Row], reason: Reason) -> Verdict:
    """A verdict without a comparison."""
    return Verdict(serving, candidate, False, None, len(frozen), len(newest), 0.0, 0.0, 0.0, (reason,))


def _side(given: Sequence[Answer], names: Sequence[str], truth: Ints) -> _Side:
    if len(given) != len(truth):
        raise ValueError(f"{len(given)} answers to {len(truth)} rows")
    said = np.array([names.index(one.label) for one in given])
    confidence = np.array([one.confidence for one in given], dtype=np.float64)
    return _Side(said, confidence, (said == truth).astype(np.float64), given)


# Better? ----------------------------------------------------------------------------------------------------------


def paired_difference(truth: Ints, old: Ints, new: Ints, classes: int) -> tuple[float, float, float]:
    """Macro-F1 of `new` less that of `old`, and the 95 % interval over resamples of rows, the same rows for both."""
    pick = np.random.default_rng(SEED)
    found = np.empty(RESAMPLES)
    for turn in range(RESAMPLES):
        rows = pick.integers(0, len(truth), len(truth))
        found[turn] = _macro_f1(truth[rows], new[rows], classes) - _macro_f1(truth[rows], old[rows], classes)
    low, high = np.percentile(found, [2.5, 97.5])
    return _macro_f1(truth, new, classes) - _macro_f1(truth, old, classes), float(low), float(high)


def _macro_f1(truth: Ints, said: Ints, classes: int) -> float:
    """Over the classes that occur in the truth."""
    table = np.bincount(truth * classes + said, minlength=classes * classes).reshape(classes, classes)
    present = table.sum(axis=1) > 0
    total = table.sum(axis=1) + table.sum(axis=0)
    return float((2 * np.diag(table)[present] / total[present]).mean())


def _rule(difference: float, low: float, high: float, old: _Side, new: _Side) -> tuple[str | None, list[Reason]]:
    facts: dict[str, Any] = {"difference": difference, "low": low, "high": high}
    if low > 0:
        return "better", [Reason("better", True, facts)]
    errors = [_ece(side) for side in (old, new)]
    shares = [coverage_at(side.confidence, side.correct, PRECISION) for side in (old, new)]
    facts |= {"ece_was": errors[0], "ece": errors[1], "coverage_was": shares[0], "coverage": shares[1]}
    if low >= NO_WORSE and errors[1] < errors[0] and shares[1] > shares[0]:
        return "surer", [Reason("surer", True, facts)]
    return None, [Reason("not_better", False, facts)]


# No worse? --------------------------------------------------------------------------------------------------------


def _calibration(old: _Side, new: _Side) -> Reason:
    """Confidence that means what it says: the thresholds for a human and every share on a page rest on it."""
    was, now = _ece(old), _ece(new)
    return Reason("calibration", now <= max(MOST_ECE, was) + _ROUNDING, {"rows": len(new.said), "was": was, "now": now})


def _ece(side: _Side) -> float:
    return expected_calibration_error(side.confidence, side.correct)


def _hazards(frozen: Sequence[Row], old: _Side, new: _Side) -> list[Reason]:
    """Dangers found, and alarms where there is none, on the frozen rows that tell their urgency, if there are any."""
    timed = [index for index, row in enumerate(frozen) if row.urgency]
    danger = [index for index in timed if frozen[index].urgency == Urgency.SAFETY]
    calm = [index for index in timed if frozen[index].urgency != Urgency.SAFETY]
    out = []
    if danger:
        was, now = (_alarms(side, danger) for side in (old, new))
        out.append(Reason("hazards", now >= was, {"rows": len(danger), "was": was, "now": now}))
    if calm:
        was, now = (_alarms(side, calm) for side in (old, new))
        out.append(Reason("alerts", now <= max(ALERTS, was), {"rows": len(calm), "was": was, "now": now}))
    return out


def _alarms(side: _Side, places: Sequence[int]) -> float:
    return sum(side.answers[index].urgency == Urgency.SAFETY for index in places) / len(places)


def _slices(rows: Sequence[Row], frozen: int, old: _Side, new: _Side) -> list[Reason]:
    """Accuracy in every language, every category and the newest month, where there are rows enough to tell."""
    out = []
    for kind, name, places in _parts(rows, frozen):
        if len(places) < SLICE_ROWS:
            continue
        was, now = float(old.correct[places].mean()), float(new.correct[places].mean())
        facts = {"kind": kind, "slice": name, "rows": len(places), "was": was, "now": now}
        out.append(Reason("slice", was - now <= SLICE_LOSS + _ROUNDING, facts))
    return out


def _parts(rows: Sequence[Row], frozen: int) -> Iterator[tuple[str, str, list[int]]]:
    """Each slice: its kind, its name, and the places of its rows."""
    for language in sorted({row.language for row in rows if row.language}):
        yield "language", language, [index for index, row in enumerate(rows) if row.language == language]
    for category in sorted({row.category for row in rows}):
        yield "category", category, [index for index, row in enumerate(rows) if row.category == category]
    yield "newest", "newest", list(range(frozen, len(rows)))
