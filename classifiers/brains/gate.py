"""Whether another brain may serve in place of the one that does: no worse where it matters, on the same messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from classifiers.calibration import expected_calibration_error
from classifiers.dataset import Row
from classifiers.evaluate import Answer
from models.reading import Urgency

MOST_ECE = 0.05
LANGUAGE_SLACK = 0.02
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Figures:
    """What the gate looks at; shares from 0 to 1. `hazard_recall` is None where the rows hold no danger."""

    accuracy: float
    macro_f1: float
    ece: float
    hazard_recall: float | None
    by_language: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """`reasons` say what was worse; there are none where it passed."""

    passed: bool
    reasons: tuple[str, ...]
    serving: Figures
    candidate: Figures


def gate(serving: Sequence[Answer], candidate: Sequence[Answer], rows: Sequence[Row]) -> Verdict:
    """Compare the answers of both to the same rows. None of them may have taught or calibrated either."""
    was, now = figures(serving, rows), figures(candidate, rows)
    reasons = tuple(_worse(was, now))
    return Verdict(not reasons, reasons, was, now)


def _worse(was: Figures, now: Figures) -> list[str]:
    found: list[str] = []
    if now.macro_f1 < was.macro_f1 - _ROUNDING:
        found.append(f"macro-F1 {now.macro_f1:.3f} is lower than {was.macro_f1:.3f}")
    if was.hazard_recall is not None and (now.hazard_recall or 0.0) < was.hazard_recall - _ROUNDING:
        found.append(f"it finds {now.hazard_recall or 0.0:.3f} of the dangers, not {was.hazard_recall:.3f}")
    if now.ece > MOST_ECE + _ROUNDING:
        found.append(f"its confidence is off by {now.ece:.3f} (ECE), more than {MOST_ECE}")
    for language, share in was.by_language.items():
        if now.by_language[language] < share - LANGUAGE_SLACK - _ROUNDING:
            found.append(f"{language}: accuracy {now.by_language[language]:.3f}, not {share:.3f}")
    return found


def figures(answers: Sequence[Answer], rows: Sequence[Row]) -> Figures:
    """Figures of answers to labelled rows. Raises ValueError where they are not as many, or none."""
    if not rows:
        raise ValueError("no rows")
    pairs = list(zip(answers, rows, strict=True))
    right = np.array([answer.label == row.category for answer, row in pairs], dtype=np.float64)
    confidence = np.array([answer.confidence for answer, _ in pairs], dtype=np.float64)
    hazards = [answer.urgency == Urgency.SAFETY for answer, row in pairs if row.urgency == Urgency.SAFETY]
    languages: dict[str, list[bool]] = {}
    for answer, row in pairs:
        if row.language:
            languages.setdefault(row.language, []).append(answer.label == row.category)
    return Figures(
        accuracy=float(right.mean()),
        macro_f1=_macro_f1(pairs),
        ece=expected_calibration_error(confidence, right),
        hazard_recall=sum(hazards) / len(hazards) if hazards else None,
        by_language={name: sum(hits) / len(hits) for name, hits in sorted(languages.items())},
    )


def _macro_f1(pairs: Sequence[tuple[Answer, Row]]) -> float:
    shares: list[float] = []
    for name in sorted({row.category for _, row in pairs}):
        said = sum(answer.label == name for answer, _ in pairs)
        true = sum(row.category == name for _, row in pairs)
        both = sum(answer.label == row.category == name for answer, row in pairs)
        shares.append(2 * both / (said + true))
    return sum(shares) / len(shares)
