"""Knowing when not to know: is this a message like those that were learnt, and is the answer to be trusted?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifiers.ngrams import Floats

NEIGHBOURS = 5
IN_SCOPE_LOST = 0.05  # the share of good rows that the gate may turn away
_DECAY = 1e-3


@dataclass(frozen=True)
class Gate:
    """A logistic regression over four signs; below `limit` a message is out of scope."""

    weights: tuple[float, ...]
    bias: float
    limit: float

    def trust(self, shares: Floats, near: Floats) -> Floats:
        """How far each answer is to be trusted, 0 to 1; see `signs`."""
        logits = signs(shares, near) @ np.array(self.weights) + self.bias
        result: Floats = 1.0 / (1.0 + np.exp(-logits))
        return result


def signs(shares: Floats, near: Floats) -> Floats:
    """The four signs, (rows, 4): log-odds of the best class, nearness of known rows, margin, entropy.

    `shares` are probabilities (rows, classes), `near` the mean cosine of the five nearest learnt messages.
    """
    ranked = np.sort(shares, axis=1)
    best, second = ranked[:, -1], ranked[:, -2]
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1) / np.log(shares.shape[1])
    odds = np.log(np.maximum(best, 1e-6) / np.maximum(1.0 - best, 1e-6))
    return np.column_stack((np.clip(odds, -6, 6), 4.0 * near, best - second, entropy))


def fit_gate(shares: Floats, near: Floats, good: Floats) -> Gate:
    """Learn to tell good rows (in scope and read right, 1.0) from the others (0.0) on rows that nothing had seen."""
    from classifiers.linear import fit  # noqa: PLC0415 - training only

    data = signs(shares, near)
    counts = np.array([(good == 0).sum(), (good == 1).sum()])
    if not counts.all():
        return Gate((0.0,) * data.shape[1], 0.0, 0.0)
    weights, bias = fit(
        data, np.column_stack((1 - good, good)), decay=_DECAY, weight=1.0 / counts[good.astype(int)], iterations=500
    )
    gate = Gate(tuple((weights[:, 1] - weights[:, 0]).tolist()), float(bias[1] - bias[0]), 0.0)
    trusted = np.sort(gate.trust(shares, near)[good == 1])
    return Gate(gate.weights, gate.bias, float(trusted[int(IN_SCOPE_LOST * len(trusted))]))
