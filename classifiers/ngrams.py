"""Text as numbers: hashed n-grams of the folded text, and the concepts it speaks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from classifiers.fold import fold
from classifiers.lexicon import concepts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BUCKETS = 1 << 16
LANGUAGE_BUCKETS = 1 << 14
MAX_WORDS = 200
MAX_WORD_CHARS = 24
CONCEPT_WEIGHT = 3.0


@lru_cache(maxsize=8192)
def _word_buckets(word: str, shortest: int, longest: int, buckets: int) -> tuple[int, ...]:
    """Buckets of one word's character n-grams, with its edges marked by spaces."""
    padded = f" {word} ".encode("utf-32-le", "surrogatepass")
    length = len(word) + 2
    out: list[int] = []
    for size in range(shortest, min(longest, length) + 1):
        for start in range(length - size + 1):
            out.append(crc32(padded[4 * start : 4 * (start + size)]) % buckets)
    return tuple(out)


def _words(folded: str) -> list[str]:
    return [word[:MAX_WORD_CHARS] for word in folded.split()[:MAX_WORDS]]


def _named(kind: str, name: str, buckets: int) -> int:
    return crc32(f"{kind}\x00{name}".encode("utf-8", "surrogatepass")) % buckets


def message_features(masked: str) -> dict[int, float]:
    """Bucket to weight for the message heads: words, word pairs, characters 2 to 5, concepts and their pairs.

    `masked` has its entities replaced by masks. Counts are dampened by 1 + log.
    """
    folded = fold(masked)
    words = _words(folded)
    counts: Counter[int] = Counter()
    for word in words:
        counts.update(_word_buckets(word, 2, 5, BUCKETS))
    counts.update(_named("w", word, BUCKETS) for word in words)
    counts.update(_named("p", f"{a} {b}", BUCKETS) for a, b in pairwise(words))
    features = {key: 1.0 + float(np.log(count)) if count > 1 else 1.0 for key, count in counts.items()}
    found = sorted(concepts().meanings(" ".join(words)))
    for index, meaning in enumerate(found):
        features[_named("c", meaning, BUCKETS)] = CONCEPT_WEIGHT
        for other in found[index + 1 :]:
            features[_named("cc", f"{meaning} {other}", BUCKETS)] = CONCEPT_WEIGHT / 2
    if "?" in masked or "¿" in masked:
        features[_named("c", "?", BUCKETS)] = CONCEPT_WEIGHT / 2
    features[_named("n", str(min(len(words), 12) // 3), BUCKETS)] = 1.0
    return features


def language_features(latin: str) -> dict[int, float]:
    """Bucket to weight for the language head: words and characters 1 to 4 of lower-case Latin text.

    Only the first words count: a language shows early.
    """
    counts: Counter[int] = Counter()
    words = [word[:MAX_WORD_CHARS] for word in latin.split()[:60]]
    for word in words:
        counts.update(_word_buckets(word, 1, 4, LANGUAGE_BUCKETS))
        counts[_named("w", word, LANGUAGE_BUCKETS)] += 2
    return {key: 1.0 + float(np.log(count)) if count > 1 else 1.0 for key, count in counts.items()}


@dataclass(frozen=True)
class Sparse:
    """Rows of features: row r holds columns[starts[r]:starts[r + 1]] with the values beside them."""

    starts: Ints
    columns: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.starts) - 1

    def rows(self, chosen: Sequence[int] | Ints) -> Sparse:
        """These rows alone, in this order."""
        pieces = [slice(self.starts[row], self.starts[row + 1]) for row in chosen]
        lengths = [piece.stop - piece.start for piece in pieces]
        return Sparse(
            np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))),
            np.concatenate([self.columns[piece] for piece in pieces]),
            np.concatenate([self.values[piece] for piece in pieces]),
        )


def sparse(features: Sequence[dict[int, float]]) -> Sparse:
    """Stack feature maps; a row without features gets one zero, so that no row is empty."""
    filled = [row or {0: 0.0} for row in features]

    def flat(parts: Iterator[Any], kind: type[Any]) -> npt.NDArray[Any]:
        return np.fromiter(parts, dtype=kind)

    lengths = flat((len(row) for row in filled), np.int64)
    return Sparse(
        np.concatenate(([0], np.cumsum(lengths))),
        flat((key for row in filled for key in sorted(row)), np.int64),
        flat((row[key] for row in filled for key in sorted(row)), np.float64),
    )


def inverse_document_frequency(data: Sparse, buckets: int) -> Floats:
    """log((1 + rows) / (1 + rows that have it)) + 1 for every bucket; 0 for buckets never seen."""
    seen = np.bincount(data.columns[data.values != 0.0], minlength=buckets).astype(np.float64)
    weights: Floats = np.log((1.0 + len(data)) / (1.0 + seen)) + 1.0
    weights[seen == 0] = 0.0
    return weights


def weigh(data: Sparse, weights: Floats) -> Sparse:
    """Values times their buckets' weights, each row then of length one."""
    values = data.values * weights[data.columns]
    squares = np.add.reduceat(values * values, data.starts[:-1])
    norms = np.sqrt(np.maximum(squares, 1e-12))
    return Sparse(data.starts, data.columns, values / np.repeat(norms, np.diff(data.starts)))
