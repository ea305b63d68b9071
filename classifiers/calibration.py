"""From scores to probabilities that mean what they say, and the thresholds that follow."""

from __future__ import annotations

import numpy as np

from classifiers.ngrams import Floats, Ints

ONE_SIDED_90 = 1.2816
BINS = 15


def log_softmax(logits: Floats) -> Floats:
    """Natural logarithms of the probabilities, row by row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def softmax(logits: Floats) -> Floats:
    """Probabilities, row by row."""
    result: Floats = np.exp(log_softmax(logits))
    return result


def temperature(logits: Floats, truth: Ints) -> float:
    """The divisor of the logits that gives the held-out labels the highest likelihood (golden-section search)."""

    def loss(log_t: float) -> float:
        logs = log_softmax(logits / np.exp(log_t))
        return -float(logs[np.arange(len(truth)), truth].mean())

    low, high, ratio = -3.0, 3.0, (5**0.5 - 1) / 2
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def expected_calibration_error(confidence: Floats, correct: Floats, bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their sizes; 0 to 1."""
    if not len(confidence):
        return 0.0
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)
    gap = np.bincount(place, confidence - correct, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def coverage_at(confidence: Floats, correct: Floats, precision: float) -> float:
    """The largest share of messages that can be kept, most confident first, with this share of them right."""
    if not len(confidence):
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    kept = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(kept >= precision)
    return float((good[-1] + 1) / len(order)) if len(good) else 0.0


def wilson_lower(right: float, total: float, z: float = ONE_SIDED_90) -> float:
    """Lower bound of a share (one-sided 90 % by default) after `right` of `total`; 0 for no observations."""
    if total <= 0:
        return 0.0
    share, spread = right / total, z * z / total
    centre = share + spread / 2
    return float((centre - z * np.sqrt(share * (1 - share) / total + spread / (4 * total))) / (1 + spread))


def review_threshold(confidence: Floats, correct: Floats, precision: float) -> float:
    """The lowest confidence above which the lower bound of precision reaches `precision`; 1.0 where none does.

    `confidence` and `correct` are those of messages that were given one class.
    """
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence, right = confidence[order], np.cumsum(correct[order])
    for index in range(len(order) - 1, -1, -1):
        last_of_ties = index + 1 == len(order) or sorted_confidence[index + 1] < sorted_confidence[index]
        if last_of_ties and wilson_lower(float(right[index]), index + 1) >= precision:
            return float(sorted_confidence[index])
    return 1.0
