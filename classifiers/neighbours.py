"""A bank of labelled messages as small vectors: what is near in meaning, for the gate and for people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.gate import NEIGHBOURS

MOST = 4000
_SCALE = 127.0
_BLOCK = 512


@dataclass(frozen=True)
class Bank:
    """Vectors (rows, size) as int8, and the text and label of each row; an empty text is one that may not be shown."""

    vectors: npt.NDArray[np.int8]
    texts: tuple[str, ...]
    labels: tuple[str, ...]

    def similar(self, vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Cosine of one vector of length one with each row."""
        products = self.vectors.astype(np.float32) @ vector if len(self.vectors) else np.zeros(1, dtype=np.float32)
        result: npt.NDArray[np.float32] = products / np.float32(_SCALE)
        return result

    def nearest(self, vector: npt.NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """Places and cosines of the nearest rows that may be shown, nearest first."""
        cosines = self.similar(vector)[: len(self.vectors)]
        shown = [int(place) for place in np.argsort(-cosines, kind="stable") if self.texts[place]]
        return [(place, float(min(cosines[place], 1.0))) for place in shown[:count]]


def make_bank(vectors: npt.NDArray[np.float32], texts: tuple[str, ...], labels: tuple[str, ...]) -> Bank:
    """Keep vectors of length one as int8."""
    return Bank(np.round(vectors * _SCALE).astype(np.int8), texts, labels)


def nearness(cosines: npt.NDArray[np.float32]) -> float:
    """Mean cosine of the five nearest rows."""
    count = min(NEIGHBOURS, len(cosines))
    return float(np.partition(cosines, len(cosines) - count)[-count:].mean())


def nearness_of(vectors: npt.NDArray[np.float32], known: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Mean cosine of each row of `vectors` with its five nearest among `known`."""
    out = np.zeros(len(vectors))
    count = min(NEIGHBOURS, len(known))
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ known.T
        out[start : start + _BLOCK] = np.partition(cosines, cosines.shape[1] - count, axis=1)[:, -count:].mean(axis=1)
    return out
