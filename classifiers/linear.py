"""Linear softmax, trained by L-BFGS on sparse or dense rows, the same on every run. Training only: scipy is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags

from classifiers.calibration import log_softmax
from classifiers.ngrams import Floats, Ints

Matrix: TypeAlias = csr_matrix | Floats


def sparse(features: Sequence[dict[int, float]], buckets: int) -> csr_matrix:
    """Stack feature maps as rows of a (rows, buckets) matrix."""
    starts = np.concatenate(([0], np.cumsum([len(row) for row in features], dtype=np.int64)))
    columns = np.fromiter((key for row in features for key in row), dtype=np.int32, count=int(starts[-1]))
    values = np.fromiter((one for row in features for one in row.values()), dtype=np.float64, count=int(starts[-1]))
    return csr_matrix((values, columns, starts), shape=(len(features), buckets))


def inverse_document_frequency(data: csr_matrix) -> Floats:
    """log((1 + rows) / (1 + rows that have it)) + 1 for every bucket; 0 for buckets never seen."""
    seen = np.bincount(data.indices[data.data != 0.0], minlength=data.shape[1]).astype(np.float64)
    weights: Floats = np.log((1.0 + data.shape[0]) / (1.0 + seen)) + 1.0
    weights[seen == 0] = 0.0
    return weights


def weigh(data: csr_matrix, weights: Floats) -> csr_matrix:
    """Values times their buckets' weights, each row then of length one."""
    out = data @ diags(weights, format="csr")
    lengths = np.sqrt(np.maximum(np.asarray(out.multiply(out).sum(axis=1)).ravel(), 1e-12))
    return csr_matrix(diags(1.0 / lengths, format="csr") @ out)


def fit(
    data: Matrix,
    targets: Floats,
    *,
    decay: float,
    weight: Floats | None = None,
    prior: tuple[Floats, Floats] | None = None,
    iterations: int = 100,
) -> tuple[Floats, Floats]:
    """Weights (columns, classes) and bias (classes) that minimise cross-entropy plus decay / 2 * |weights - prior|².

    `targets` are probabilities (rows, classes); `weight` is the weight of each row, 1 by default; the prior is zero
    by default.
    """
    used = np.unique(data.indices) if isinstance(data, csr_matrix) else np.arange(data.shape[1])
    inner = data[:, used] if isinstance(data, csr_matrix) else data
    width, classes = len(used), targets.shape[1]
    towards = np.zeros((width, classes)) if prior is None else prior[0][used]
    bias = np.zeros(classes) if prior is None else prior[1]
    row_weight = np.ones(len(targets)) if weight is None else weight
    row_weight = row_weight / row_weight.sum()
    turned = inner.T.tocsr() if isinstance(inner, csr_matrix) else inner.T

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights, bias = flat[: width * classes].reshape(width, classes), flat[width * classes :]
        logs = log_softmax(inner @ weights + bias)
        apart = weights - towards
        value = -float((row_weight[:, None] * targets * logs).sum()) + decay / 2 * float((apart * apart).sum())
        errors = row_weight[:, None] * (np.exp(logs) - targets)
        slope = turned @ errors + decay * apart
        return value, np.concatenate((slope.ravel(), errors.sum(axis=0)))

    start = np.concatenate((towards.ravel(), bias))
    solved = minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "maxcor": 8, "ftol": 1e-6}
    ).x
    weights = np.zeros((data.shape[1], classes))
    weights[used] = solved[: width * classes].reshape(width, classes)
    return weights, solved[width * classes :]


def fit_unseen(
    data: Matrix, targets: Floats, folds: Ints, *, decay: float, weight: Floats,
    prior: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Weights and bias from all rows, and the logits that each row gets from a fit on the other folds."""
    unseen = np.zeros_like(targets)
    for one in np.unique(folds):
        inside, outside = np.flatnonzero(folds == one), np.flatnonzero(folds != one)
        if len(inside) and len(outside):
            weights, bias = fit(data[outside], targets[outside], decay=decay, weight=weight[outside], prior=prior)
            unseen[inside] = data[inside] @ weights + bias
    return (*fit(data, targets, decay=decay, weight=weight, prior=prior), unseen)
