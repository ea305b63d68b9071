"""Text as numbers: hashed n-grams of the folded text, and the concepts it speaks of."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from classifiers.fold import fold
from classifiers.lexicon import concepts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BUCKETS = 1 << 16
LANGUAGE_BUCKETS = 1 << 14
MAX_WORDS = 600
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


def word_buckets(word: str) -> tuple[int, ...]:
    """The buckets of one folded word: its character n-grams and the word itself."""
    return (*_word_buckets(word[:MAX_WORD_CHARS], 2, 5, BUCKETS), _named("w", word[:MAX_WORD_CHARS], BUCKETS))


def message_features(masked: str, glossed: str = "") -> dict[int, float]:
    """Bucket to weight for the message heads: words, word pairs, characters 2 to 5, concepts and their pairs.

    `masked` has its entities replaced by masks; `glossed` is the same in rough English, whose words and pairs count
    as if they had been written. Counts are dampened by 1 + log.
    """
    folded = fold(masked)
    words = _words(folded)
    counts: Counter[int] = Counter()
    for word in words:
        counts.update(_word_buckets(word, 2, 5, BUCKETS))
    counts.update(_named("w", word, BUCKETS) for word in words)
    counts.update(_named("p", f"{a} {b}", BUCKETS) for a, b in pairwise(words))
    if glossed and glossed != masked:
        english = _words(fold(glossed))
        counts.update(_named("w", word, BUCKETS) for word in english)
        counts.update(_named("p", f"{a} {b}", BUCKETS) for a, b in pairwise(english))
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
