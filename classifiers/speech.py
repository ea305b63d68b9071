"""Training which language a text is in, from rows that tell theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from classifiers.calibration import temperature
from classifiers.dataset import Row, bucket
from classifiers.language import latin_words, script_language
from classifiers.linear import fit_unseen, inverse_document_frequency, sparse, weigh
from classifiers.model import Head, Speech, prepare
from classifiers.ngrams import LANGUAGE_BUCKETS, language_features

DECAY = 1e-5
LEAST_ROWS = 15
FOLDS = 3


def _rows(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """(Latin words, language, family): Latin text as it is, Sinhala and Tamil script romanised."""
    out: list[tuple[str, str, str]] = []
    for row in rows:
        if row.language:
            words = latin_words(prepare(row.text))
            by_script = script_language(row.text)
            if by_script is None:
                out.append((words, row.language, row.family))
            elif by_script in ("si", "ta") and row.language == by_script:
                out.append((words, f"{by_script}-Latn", row.family))
    counts = Counter(language for _, language, _ in out)
    return [one for one in out if one[0] and one[1] != "und" and counts[one[1]] >= LEAST_ROWS]


def learn_speech(rows: Sequence[Row]) -> Speech:
    """The head over letters, its heat fitted on rows whose family it had not seen."""
    chosen = _rows(rows)
    names = sorted({language for _, language, _ in chosen})
    data = sparse([language_features(words) for words, _, _ in chosen], LANGUAGE_BUCKETS)
    idf = inverse_document_frequency(data)
    truth = np.array([names.index(language) for _, language, _ in chosen])
    folds = np.array([bucket(family, "oof", FOLDS) for _, _, family in chosen])
    counts = np.bincount(truth, minlength=len(names))
    weights, bias, unseen = fit_unseen(
        weigh(data, idf), np.eye(len(names))[truth], folds, decay=DECAY, weight=1.0 / counts[truth]
    )
    head = Head(tuple(names), weights.astype(np.float32), bias.astype(np.float32))
    return Speech(idf.astype(np.float32), head, temperature(unseen, truth))
