"""Train a model from labelled messages: deterministic, without torch, calibrated on rows it did not learn from."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from classifiers.card import write_card
from classifiers.dataset import OWN_DATA, Row, bucket, read_files, read_rows
from classifiers.encoder import Encoder, load_encoder
from classifiers.errors import DataError
from classifiers.evaluate import Report
from classifiers.fold import fold
from classifiers.fusion import fit_fusion
from classifiers.gate import Gate, fit_gate
from classifiers.limits import hazard_limits, rules
from classifiers.model import DANGER, HARMLESS, Model, Question, Speech
from classifiers.model_files import SHIPPED, SHIPPED_ENCODER, load_model, save
from classifiers.neighbours import MOST, Bank, make_bank, nearness_of
from classifiers.ngrams import Floats, Ints
from classifiers.report import render_report
from classifiers.speech import learn_speech
from classifiers.urgency import Limits, read_words
from classifiers.views import (
    FOLDS,
    Advance,
    Material,
    Views,
    both_views,
    category_targets,
    danger_targets,
    features_at,
    label_targets,
    material,
    nearness_unseen,
)
from models.reading import Urgency

LEAST_TO_HOLD_OUT = 50
STEPS = 7


@dataclass(frozen=True)
class Trained:
    """What training made: where the model lies, how many rows taught it, figures on held-out rows, and files."""

    model: str
    folder: str
    trained_rows: int
    labels: tuple[str, ...]
    files: dict[str, str]
    held_out: Report | None

    def as_json(self) -> dict[str, Any]:
        """Plain values for json.dumps; `files` maps file names to their SHA-256."""
        return asdict(self)


@dataclass(frozen=True)
class _Plan:
    """What a run has: rows to learn, the project's own, the shipped model, an encoder, rows out of scope."""

    rows: Sequence[Row]
    own: Sequence[Row]
    base: Model | None
    encoder: Encoder | None
    strange: Sequence[Row]
    shown: frozenset[str] | None = None


def _speech(plan: _Plan) -> Speech:
    """Learnt from the rows and the project's own where the rows tell their language, else the shipped model's."""
    if plan.base and not any(row.language for row in plan.rows):
        return plan.base.speech
    return learn_speech([*plan.rows, *plan.own])


# The questions ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Learnt:
    """A question, and the probabilities that unseen rows got by view A alone and by both views."""

    question: Question
    alone: Floats
    together: Floats | None


def _learnt(views: Views, truth: Ints, groups: Sequence[str]) -> _Learnt:
    alone = fit_fusion(views.unseen[:1], truth, groups)
    together = fit_fusion(views.unseen, truth, groups) if views.sense else None
    sense = views.sense.head if views.sense else None
    return _Learnt(
        Question(views.idf, views.words.head, sense, alone, together),
        alone.probabilities(views.unseen[:1], groups),
        together.probabilities(views.unseen, groups) if together else None,
    )


def _category(stuff: Material, encoder: Encoder | None) -> _Learnt:
    names = sorted({row.category for row in stuff.rows})
    targets = category_targets(stuff.rows, names)
    views = both_views(stuff, encoder, "category", names, targets, balanced=True)
    return _learnt(views, targets.argmax(1), stuff.groups)


@dataclass(frozen=True)
class _Urgency:
    question: Question
    danger: Question
    alone: tuple[Limits, float]
    together: tuple[Limits, float]


def _urgency(stuff: Material, encoder: Encoder | None) -> _Urgency:
    names = [level.value for level in Urgency]
    targets = label_targets(stuff.rows, names, lambda row: row.urgency)
    views = both_views(stuff, encoder, "urgency", names, targets, balanced=False)
    learnt = _learnt(views, targets.argmax(1), stuff.groups)
    wanted = danger_targets(stuff.rows)
    danger = _learnt(
        both_views(stuff, encoder, "danger", (DANGER, HARMLESS), wanted, balanced=False), wanted.argmax(1), stuff.groups
    )
    words = [read_words(fold(text)) for text in stuff.prepared]
    alone = hazard_limits(words, danger.alone[:, 0], wanted[:, 0])
    together = alone if danger.together is None else hazard_limits(words, danger.together[:, 0], wanted[:, 0])
    return _Urgency(learnt.question, danger.question, alone, together)


def _words_only(question: Question) -> Question:
    return Question(question.idf, question.words, None, question.alone, None)


def _urgency_of(plan: _Plan, stuff: Material, speech: Speech) -> _Urgency:
    """Learnt from the rows and the project's own where the rows tell it, else the shipped model's."""
    base = plan.base
    if base is None or any(row.urgency for row in plan.rows):
        rows = [row for row in (*plan.rows, *plan.own) if row.urgency]
        if tuple(rows) != stuff.rows:
            stuff = material(rows, plan.encoder, speech, lambda _step: None)
        return _urgency(stuff, plan.encoder)
    same = plan.encoder is not None and base.encoder is not None and plan.encoder.sha256 == base.encoder.sha256
    alone = (base.alone.hazard_limits, base.alone.hazard_precision)
    together = (base.rules.hazard_limits, base.rules.hazard_precision) if same else alone
    if same:
        return _Urgency(base.urgency, base.danger, alone, together)
    return _Urgency(_words_only(base.urgency), _words_only(base.danger), alone, together)


# The gate and the bank ----------------------------------------------------------------------------------------------
def _strange(plan: _Plan, question: Question, speech: Speech, stuff: Material) -> tuple[Floats, Floats]:
    """Probabilities and nearness of rows that belong to none of the classes, as the finished heads see them."""
    if not plan.strange or stuff.vectors is None:
        return np.zeros((0, len(question.names))), np.zeros(0)
    other = material(plan.strange, plan.encoder, speech, lambda _step: None)
    assert other.vectors is not None
    shares = [
        list(question.shares(features_at(other, at), other.vectors[at], group).values())
        for at, group in enumerate(other.groups)
    ]
    return np.array(shares), nearness_of(other.vectors, stuff.vectors)


def _gate(plan: _Plan, stuff: Material, learnt: _Learnt, speech: Speech) -> Gate | None:
    """Good rows are those read right; bad ones are misread, or out of scope."""
    if plan.encoder is None or learnt.together is None:
        return None
    names = learnt.question.names
    truth = np.array([names.index(row.category) for row in stuff.rows])
    good = (learnt.together.argmax(axis=1) == truth).astype(np.float64)
    shares, near = _strange(plan, learnt.question, speech, stuff)
    return fit_gate(
        np.concatenate((learnt.together, shares)),
        np.concatenate((nearness_unseen(stuff, plan.encoder), near)),
        np.concatenate((good, np.zeros(len(near)))),
    )


def _bank(stuff: Material, shown: frozenset[str] | None) -> Bank | None:
    """Up to 4,000 rows, chosen by a hash of their text; of those that may not be shown the vector alone."""
    if stuff.vectors is None:
        return None
    order = sorted(range(len(stuff.rows)), key=lambda at: bucket(stuff.rows[at].text, "bank", 1 << 40))
    chosen = sorted(order[:MOST])
    rows = [stuff.rows[at] for at in chosen]
    texts = tuple(row.text if shown is None or row.text in shown else "" for row in rows)
    return make_bank(stuff.vectors[chosen], texts, tuple(row.category for row in rows))


# The whole ----------------------------------------------------------------------------------------------------------
def _split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Training and held-out rows; what only held-out rows would name is trained on, and so is a small file."""
    if len(rows) < LEAST_TO_HOLD_OUT:
        return list(rows), []
    known = {row.category for row in rows if not row.held_out}
    out = [row for row in rows if row.held_out and row.category in known]
    kept = set(map(id, out))
    return [row for row in rows if id(row) not in kept], out


def _model(plan: _Plan, about: dict[str, Any], label: str, advance: Advance) -> Model:
    advance("languages")
    speech = _speech(plan)
    stuff = material(plan.rows, plan.encoder, speech, advance)
    advance("categories")
    category = _category(stuff, plan.encoder)
    advance("urgencies")
    urgency = _urgency_of(plan, stuff, speech)
    advance("limits")
    names = category.question.names
    name, _, version = label.partition("@")
    return Model(
        name=name,
        version=version or "1",
        category=category.question,
        urgency=urgency.question,
        danger=urgency.danger,
        speech=speech,
        alone=rules(plan.rows, names, category.alone, urgency.alone),
        together=None if category.together is None else rules(plan.rows, names, category.together, urgency.together),
        gate=_gate(plan, stuff, category, speech),
        bank=_bank(stuff, plan.shown),
        encoder=plan.encoder,
        card=about,
    )


def _apart(rows: Sequence[Row], measured: Sequence[Row]) -> list[Row]:
    """Rows that are not among those that measure, by text and by family."""
    families = {row.family for row in measured}
    return [row for row in _unmeasured(rows, measured) if row.family not in families]


def _unmeasured(rows: Sequence[Row], measured: Sequence[Row]) -> list[Row]:
    """Rows whose text does not measure: what is asked in the test was not told before it."""
    texts = {row.text for row in measured}
    return [row for row in rows if row.text not in texts]


def _shipped_encoder() -> Encoder | None:
    """The encoder that is shipped; None where onnxruntime is not installed: then view A learns alone."""
    try:
        return load_encoder(SHIPPED_ENCODER)
    except ImportError:
        return None


def train_files(
    data_files: Sequence[Path],
    out: Path,
    *,
    test: Path | None = None,
    tests: Sequence[Row] | None = None,
    keep_examples: bool = False,
    encoder: Path | None = None,
    out_of_scope: str | None = None,
    quiet: bool = True,
) -> Trained:
    """Train on CSV or JSONL files and write the model to the folder `out` (`name@version`, or a name).

    Measured on the file `test` or the rows `tests`, whose texts do not teach; without them one family in five is left
    out and measured. Texts of files other than the project's own teach, but are kept as examples only with
    `keep_examples`. Any set of two labels or more will do; a model whose labels are the seven categories can serve.
    `encoder` is a folder made by classifiers/workshop, the shipped one by default. Rows labelled `out_of_scope` teach
    only the gate. Raises DataError for data that cannot be used.
    """
    everything = read_files(data_files)
    strange = [row for row in everything if row.category == out_of_scope]
    rows = [row for row in everything if row.category != out_of_scope]
    if out.exists() and not out.is_dir():
        raise DataError(out, "is not a folder")
    tests = read_rows(test) if test else tests
    rows, held_out = (_unmeasured(rows, tests), tests) if tests is not None else _split(rows)
    if len({row.category for row in rows}) < 2:
        raise DataError(data_files[0], "needs at least two different categories")
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in data_files}
    shipped = OWN_DATA.resolve() in {path.resolve() for path in data_files}
    plan = _Plan(
        rows,
        [] if shipped else _apart(read_rows(OWN_DATA), held_out),
        None if shipped else load_model(SHIPPED),
        load_encoder(encoder) if encoder else _shipped_encoder(),
        strange,
        None if keep_examples else frozenset(row.text for row in read_rows(OWN_DATA)),
    )
    about: dict[str, Any] = {
        "training": {"rows": len(rows), "held_out_rows": len(held_out), "folds": FOLDS},
        "data": files,
    }
    with tqdm(total=STEPS, disable=quiet, file=sys.stderr, bar_format="{desc:12} {bar} {n_fmt}/{total_fmt}") as bar:

        def advance(step: str) -> None:
            bar.update()
            bar.set_description(step)

        draft = _model(plan, about, out.name, advance)
        advance("figures")
        save(draft, out)
        figures = write_card(out, held_out or None, test.name if test else "held-out messages", out_of_scope)
    return Trained(draft.label, str(out), len(rows), draft.category.names, files, figures)


def render_trained(trained: Trained) -> str:
    """What training made, as text for a terminal."""
    head = f"{trained.model}: {trained.trained_rows} rows, {len(trained.labels)} labels, written to {trained.folder}"
    if trained.held_out is None:
        return f"{head}\n  too few rows to hold any out; no figures"
    return f"{head}\n{render_report(trained.held_out)}"
