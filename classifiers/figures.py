"""Figures that are drawn: who is taken for whom, whether confidence means what it says, what could go unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from classifiers.calibration import coverage_at, expected_calibration_error
from classifiers.dataset import Row
from classifiers.evaluate import answers, report
from classifiers.model import Model

BINS = 10
POINTS = 40
PRECISION = 0.95


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence lies from `low` to `high`: how many, their mean confidence, the share that is right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Said:
    """What one message truly is, and what was said of it how surely."""

    truth: str
    said: str
    confidence: float


def confusion(given: Sequence[Said]) -> dict[str, dict[str, int]]:
    """How often each true category (outer) was taken for each (inner); both have every category that occurs."""
    names = sorted({one.truth for one in given} | {one.said for one in given})
    out = {truth: dict.fromkeys(names, 0) for truth in names}
    for one in given:
        out[one.truth][one.said] += 1
    return out


def calibration(given: Sequence[Said], bins: int = BINS) -> tuple[Bin, ...]:
    """Equal-width bins of confidence that hold something, lowest first."""
    held: dict[int, list[Said]] = {}
    for one in given:
        held.setdefault(min(int(max(one.confidence, 0.0) * bins), bins - 1), []).append(one)
    return tuple(
        Bin(
            low=place / bins,
            high=(place + 1) / bins,
            rows=len(some),
            confidence=sum(one.confidence for one in some) / len(some),
            accuracy=sum(one.truth == one.said for one in some) / len(some),
        )
        for place, some in sorted(held.items())
    )


def coverage(given: Sequence[Said], points: int = POINTS) -> tuple[tuple[float, float], ...]:
    """(share of messages kept, share of those that is right), most confident first, at about `points` places."""
    if not given:
        return ()
    ordered = sorted(given, key=lambda one: -one.confidence)
    kept = np.cumsum([one.truth == one.said for one in ordered]) / np.arange(1, len(ordered) + 1)
    places = sorted({max(1, round(len(ordered) * step / points)) for step in range(1, points + 1)})
    return tuple((place / len(ordered), float(kept[place - 1])) for place in places)


def measured(given: Sequence[Said]) -> dict[str, Any]:
    """Plain values for a page or json.dumps, in the shapes of a report's `confusion`, `calibration`, `coverage`."""
    confidence = np.array([one.confidence for one in given], dtype=np.float64)
    correct = np.array([one.truth == one.said for one in given], dtype=np.float64)
    return {
        "rows": len(given),
        "accuracy": float(correct.mean()) if given else 0.0,
        "ece": expected_calibration_error(confidence, correct),
        "coverage_at_95": coverage_at(confidence, correct, PRECISION),
        "confusion": confusion(given),
        "calibration": [asdict(one) for one in calibration(given)],
        "coverage": [list(point) for point in coverage(given)],
    }


def of_model(model: Model, rows: Sequence[Row], data: str) -> dict[str, Any]:
    """A model's report on these rows as plain values, with what is drawn."""
    told = report(model, rows, data).as_json()
    if "confusion" in told:
        return told
    given = answers(model, [row.text for row in rows])
    pairs = [Said(row.category, one.label, one.confidence) for row, one in zip(rows, given, strict=True)]
    return {**measured(pairs), **told}
