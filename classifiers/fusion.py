"""Two views made one: fitted scales and biases, by group of scripts, turn their logits into honest probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.calibration import log_softmax, softmax
from classifiers.language import script_language
from classifiers.ngrams import Floats, Ints

SHARED = "all"
ROMANISED = frozenset({"si-Latn", "ta-Latn", "hi"})
LEAST_IN_GROUP = 200
_PULL = 0.02  # how strongly a bias is drawn to zero, and a group's scales to the shared ones


def group_of(text: str, language: str) -> str:
    """`native` for Sinhala, Tamil and other scripts, `romanised` for these in Latin letters, else `latin`."""
    if script_language(text) not in (None, "und"):
        return "native"
    return "romanised" if language in ROMANISED else "latin"


@dataclass(frozen=True)
class Scales:
    """What each view's logits are multiplied by, and what is added for each class."""

    views: tuple[float, ...]
    bias: tuple[float, ...]

    def fuse(self, logits: Sequence[Floats]) -> Floats:
        """Calibrated logits (rows, classes) from those of each view."""
        total = sum(scale * one for scale, one in zip(self.views, logits, strict=True))
        result: Floats = np.asarray(total) + np.asarray(self.bias)
        return result


@dataclass(frozen=True)
class Fusion:
    """Scales for each group of scripts; `all` serves where a group has too few rows of its own."""

    groups: Mapping[str, Scales]

    def probabilities(self, logits: Sequence[Floats], groups: Sequence[str]) -> Floats:
        """Probabilities (rows, classes) of rows of these groups."""
        out = np.empty_like(logits[0])
        for group in set(groups):
            rows = np.array([one == group for one in groups])
            scales = self.groups.get(group) or self.groups[SHARED]
            out[rows] = softmax(scales.fuse([one[rows] for one in logits]))
        return out


def fit_scales(logits: Sequence[Floats], truth: Ints, start: Scales | None = None) -> Scales:
    """Scales and biases of the greatest likelihood on rows that the views had not seen."""
    from scipy.optimize import minimize  # noqa: PLC0415 - training only

    views, classes, rows = len(logits), logits[0].shape[1], len(truth)
    stack = np.stack(logits)
    spread = [1.0 / max(float(one.std()), 1e-6) for one in logits]
    first = np.array([*(np.log(start.views) if start else np.log(spread)), *(start.bias if start else [0.0] * classes)])
    wanted = np.eye(classes)[truth]

    def loss(flat: Floats) -> tuple[float, Floats]:
        scales, bias = np.exp(flat[:views]), flat[views:]
        logs = log_softmax(np.tensordot(scales, stack, axes=1) + bias)
        errors = (np.exp(logs) - wanted) / rows
        apart = flat - first if start else np.concatenate((np.zeros(views), bias))
        slope = np.concatenate(([float((errors * one).sum()) for one in scales[:, None, None] * stack], errors.sum(0)))
        value = -float((wanted * logs).sum()) / rows + _PULL / 2 * float(apart @ apart)
        return value, slope + _PULL * apart

    solved = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return Scales(tuple(np.exp(solved[:views]).tolist()), tuple(solved[views:].tolist()))


def fit_fusion(logits: Sequence[Floats], truth: Ints, groups: Sequence[str]) -> Fusion:
    """Shared scales, and own ones for each group of 200 rows or more."""
    shared = fit_scales(logits, truth)
    out = {SHARED: shared}
    for group in sorted(set(groups)):
        rows = np.array([one == group for one in groups])
        if LEAST_IN_GROUP <= rows.sum() < len(truth):
            out[group] = fit_scales([one[rows] for one in logits], truth[rows], shared)
    return Fusion(out)
