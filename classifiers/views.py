"""Training's material: rows as both views see them, and what each view says of rows that it has not learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from classifiers.dataset import Row, bucket
from classifiers.encoder import Encoder, encoder_text
from classifiers.fusion import group_of
from classifiers.gloss import gloss
from classifiers.linear import Matrix, fit_unseen, inverse_document_frequency, sparse, weigh
from classifiers.model import DANGER, HARMLESS, Head, Speech, Weights, language_of, prepare
from classifiers.neighbours import nearness_of
from classifiers.ngrams import BUCKETS, Floats, Ints, message_features
from models.reading import Urgency

FOLDS = 5
SECOND_SHARE = 0.3  # what a second category takes of a row's target
DECAY_WORDS = 3e-5
DECAY_SENSE = 0.05  # shared by the rows: the more there are, the less
DECAY_TUNED = 3e-2  # how strongly a tuned head is kept: what it learnt from is what it is shown again
Advance = Callable[[str], None]


@dataclass(frozen=True)
class Material:
    """Rows, prepared once: text as the heads see it, script group, n-grams, encoder text and vector, fold."""

    rows: tuple[Row, ...]
    prepared: tuple[str, ...]
    groups: tuple[str, ...]
    features: csr_matrix
    shown: tuple[str, ...]
    vectors: npt.NDArray[np.float32] | None
    folds: Ints


def material(rows: Sequence[Row], encoder: Encoder | None, speech: Speech, advance: Advance) -> Material:
    """Prepare rows for training."""
    advance("words")
    prepared = tuple(prepare(row.text) for row in rows)
    languages = [language_of(speech, text) for text in prepared]
    groups = tuple(group_of(text, language) for text, language in zip(prepared, languages, strict=True))
    glossed = [gloss(text, language) for text, language in zip(prepared, languages, strict=True)]
    features = sparse([message_features(*pair) for pair in zip(prepared, glossed, strict=True)], BUCKETS)
    advance("meaning")
    shown = tuple(encoder_text(text) for text in glossed)
    vectors = None if encoder is None else encoder.embed(shown)
    folds = np.array([bucket(name, "oof", FOLDS) for name in joined(rows, shown)])
    return Material(tuple(rows), prepared, groups, features, shown, vectors, folds)


def joined(rows: Sequence[Row], texts: Sequence[str]) -> list[str]:
    """Each row's family; one name for families that share a text, so that no fold knows what another is asked."""
    _, numbers = np.unique([row.family for row in rows], return_inverse=True)
    _, shared = np.unique(texts, return_inverse=True)
    families = int(numbers.max()) + 1
    edges = csr_matrix(
        (np.ones(len(rows)), (numbers, families + shared)), shape=(families + int(shared.max()) + 1,) * 2
    )
    _, groups = connected_components(edges, directed=False)
    names: dict[int, str] = {}
    for row, group in zip(rows, groups[numbers], strict=True):
        names[int(group)] = min(names.get(int(group), row.family), row.family)
    return [names[int(group)] for group in groups[numbers]]


def label_targets(rows: Sequence[Row], names: Sequence[str], label: Callable[[Row], str | None]) -> Floats:
    """One-hot targets (rows, classes); a row without the label, or with one not in `names`, has zeros."""
    place = {name: index for index, name in enumerate(names)}
    out = np.zeros((len(rows), len(names)))
    for index, row in enumerate(rows):
        where = place.get(label(row) or "")
        if where is not None:
            out[index, where] = 1.0
    return out


def category_targets(rows: Sequence[Row], names: Sequence[str]) -> Floats:
    """Targets in which a row's second category has its share."""
    out = label_targets(rows, names, lambda row: row.category)
    second = label_targets(rows, names, lambda row: row.second_category)
    both = (second.sum(axis=1) > 0) & (out.argmax(axis=1) != second.argmax(axis=1)) & (out.sum(axis=1) > 0)
    out[both] = (1.0 - SECOND_SHARE) * out[both] + SECOND_SHARE * second[both]
    return out


def danger_targets(rows: Sequence[Row]) -> Floats:
    """Targets (rows, 2) for danger and harmless; zeros for a row that tells no urgency."""
    return label_targets(rows, (DANGER, HARMLESS), lambda row: row.urgency and _danger(row.urgency))


def _danger(urgency: str) -> str:
    return DANGER if urgency == Urgency.SAFETY.value else HARMLESS


def balance(truth: Ints, classes: int) -> Floats:
    """Row weights that give every class the same say."""
    counts = np.maximum(np.bincount(truth, minlength=classes), 1)
    weights: Floats = 1.0 / counts[truth]
    return weights


@dataclass(frozen=True)
class View:
    """A head, and the logits that it would have given each row had it not seen the row's family."""

    head: Head
    unseen: Floats


def learn(
    data: Matrix, targets: Floats, names: Sequence[str], folds: Ints, *, decay: float, weight: Floats,
    prior: tuple[Floats, Floats] | None = None,
) -> View:  # fmt: skip
    """Fit a head on all rows, and once for each fold on the others."""
    weights, bias, unseen = fit_unseen(data, targets, folds, decay=decay, weight=weight, prior=prior)
    return View(Head(tuple(names), weights.astype(np.float32), bias.astype(np.float32)), unseen)


@dataclass(frozen=True)
class Views:
    """Both views of one question."""

    idf: Weights
    words: View
    sense: View | None

    @property
    def unseen(self) -> list[Floats]:
        """The logits of unseen rows by each view."""
        return [self.words.unseen] if self.sense is None else [self.words.unseen, self.sense.unseen]


def both_views(
    stuff: Material, encoder: Encoder | None, question: str, names: Sequence[str], targets: Floats, *, balanced: bool
) -> Views:
    """Learn a question by both views. Rows that the encoder was tuned on keep the logits of a twin that was not."""
    idf = inverse_document_frequency(stuff.features)
    truth = targets.argmax(axis=1)
    weight = balance(truth, len(names)) if balanced else np.ones(len(truth))
    words = learn(weigh(stuff.features, idf), targets, names, stuff.folds, decay=DECAY_WORDS, weight=weight)
    sense = None
    if encoder is not None and stuff.vectors is not None:
        twins = encoder.unseen()
        prior = twins.prior(question, names) if twins else None
        vectors = stuff.vectors.astype(np.float64)
        decay = DECAY_SENSE / len(stuff.rows) if prior is None else DECAY_TUNED
        sense = learn(vectors, targets, names, stuff.folds, decay=decay, weight=weight, prior=prior)
        if twins is not None:
            honest, known = twins.of(question, names, stuff.shown)
            sense.unseen[known] = honest[known]
    return Views(idf.astype(np.float32), words, sense)


def nearness_unseen(stuff: Material, encoder: Encoder) -> Floats:
    """Mean cosine of each row with its five nearest rows of other folds, by encoders that had not seen it."""
    assert stuff.vectors is not None
    out = np.zeros(len(stuff.rows))
    for one in np.unique(stuff.folds):
        inside, outside = np.flatnonzero(stuff.folds == one), np.flatnonzero(stuff.folds != one)
        if len(outside):
            out[inside] = nearness_of(stuff.vectors[inside], stuff.vectors[outside])
    twins = encoder.unseen()
    if twins is not None:
        near, known = twins.near_of(stuff.shown)
        out[known] = near[known]
    return out


def features_at(stuff: Material, place: int) -> dict[int, float]:
    """One row's n-grams as serving has them."""
    row = stuff.features[place]
    return dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
