"""Linear softmax in numpy: trained by L-BFGS on sparse rows, the same on every run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from classifiers.ngrams import Floats, Ints, Sparse

MEMORY = 8
CHUNK = 400_000


def log_softmax(logits: Floats) -> Floats:
    """Natural logarithms of the probabilities, row by row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def softmax(logits: Floats) -> Floats:
    """Probabilities, row by row."""
    result: Floats = np.exp(log_softmax(logits))
    return result


def scores(data: Sparse, weights: Floats, bias: Floats) -> Floats:
    """Logits of shape (rows, classes); weights are (buckets, classes)."""
    out = np.empty((len(data), weights.shape[1]))
    row = 0
    while row < len(data):
        until = int(np.searchsorted(data.starts, data.starts[row] + CHUNK, side="right")) - 1
        until = min(max(until, row + 1), len(data))
        piece = slice(data.starts[row], data.starts[until])
        products = data.values[piece, None] * weights[data.columns[piece]]
        out[row:until] = np.add.reduceat(products, data.starts[row:until] - data.starts[row], axis=0)
        row = until
    return out + bias


@dataclass(frozen=True)
class _Columns:
    """The same matrix read by column, for the gradient."""

    order: Ints
    rows: Ints
    starts: Ints
    names: Ints


def _by_column(data: Sparse) -> _Columns:
    rows = np.repeat(np.arange(len(data)), np.diff(data.starts))
    order = np.argsort(data.columns, kind="stable")
    names, starts = np.unique(data.columns[order], return_index=True)
    return _Columns(order, rows[order], starts.astype(np.int64), names)


def _column_sums(data: Sparse, view: _Columns, errors: Floats) -> Floats:
    """Transposed data times errors: (columns present, classes)."""
    out = np.empty((len(view.names), errors.shape[1]))
    values = data.values[view.order]
    edges = np.append(view.starts, len(values))
    at = 0
    while at < len(view.names):
        until = int(np.searchsorted(edges, edges[at] + CHUNK, side="right")) - 1
        until = min(max(until, at + 1), len(view.names))
        piece = slice(edges[at], edges[until])
        products = values[piece, None] * errors[view.rows[piece]]
        out[at:until] = np.add.reduceat(products, edges[at:until] - edges[at], axis=0)
        at = until
    return out


def _lbfgs(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, iterations: int) -> Floats:
    """Minimise by limited-memory BFGS with a backtracking step."""
    point, (value, gradient) = start, loss(start)
    history: deque[tuple[Floats, Floats, float]] = deque(maxlen=MEMORY)
    for _ in range(iterations):
        direction = _direction(gradient, history)
        slope = float(direction @ gradient)
        step = 1.0
        while True:
            moved = point + step * direction
            new_value, new_gradient = loss(moved)
            if new_value <= value + 1e-4 * step * slope:
                break
            step *= 0.5
            if step < 1e-6:
                return point
        change, turn = moved - point, new_gradient - gradient
        curvature = float(change @ turn)
        if curvature > 1e-12:
            history.append((change, turn, 1.0 / curvature))
        settled = value - new_value < 1e-5 * max(abs(value), 1e-3)
        point, value, gradient = moved, new_value, new_gradient
        if settled:
            break
    return point


def _direction(gradient: Floats, history: deque[tuple[Floats, Floats, float]]) -> Floats:
    direction = -gradient
    used: list[float] = []
    for change, turn, rho in reversed(history):
        factor = rho * float(change @ direction)
        used.append(factor)
        direction = direction - factor * turn
    if history:
        change, turn, rho = history[-1]
        direction = direction / (rho * float(turn @ turn))
    for (change, turn, rho), factor in zip(history, reversed(used), strict=True):
        direction = direction + (factor - rho * float(turn @ direction)) * change
    return direction


def fit(
    data: Sparse, targets: Floats, buckets: int, *, decay: float, weight: Floats | None = None, iterations: int = 60
) -> tuple[Floats, Floats]:
    """Weights (buckets, classes) and bias (classes) that minimise cross-entropy plus decay / 2 * |weights|².

    `targets` are probabilities (rows, classes); `weight` is the weight of each row, 1 by default.
    """
    view, classes = _by_column(data), targets.shape[1]
    width = len(view.names)
    local = Sparse(data.starts, np.searchsorted(view.names, data.columns).astype(np.int64), data.values)
    row_weight = np.ones(len(data)) if weight is None else weight
    row_weight = row_weight / row_weight.sum()

    def loss(flat: Floats) -> tuple[float, Floats]:
        inner, bias = flat[: width * classes].reshape(width, classes), flat[width * classes :]
        logs = log_softmax(scores(local, inner, bias))
        value = -float((row_weight[:, None] * targets * logs).sum()) + decay / 2 * float((inner * inner).sum())
        errors = row_weight[:, None] * (np.exp(logs) - targets)
        slope = _column_sums(local, view, errors) + decay * inner
        return value, np.concatenate((slope.ravel(), errors.sum(axis=0)))

    solved = _lbfgs(loss, np.zeros(width * classes + classes), iterations)
    weights = np.zeros((buckets, classes))
    weights[view.names] = solved[: width * classes].reshape(width, classes)
    return weights, solved[width * classes :]
