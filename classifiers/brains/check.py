"""A brain serves after it was calibrated and passed what a version of ours must pass (promotion.py), and only with
exactly the files that passed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.brains.local import Brain, BrainReader, Calibration, Transformer, label_of
from classifiers.brains.private import readable
from classifiers.brains.weights import fingerprint, named, resolve, slug
from classifiers.calibration import softmax, temperature
from classifiers.dataset import Row
from classifiers.errors import DataError
from classifiers.evaluate import Answer
from classifiers.limits import thresholds
from classifiers.model_files import artefact
from classifiers.ngrams import Floats, Ints
from classifiers.promotion import Answered, Verdict, compare
from classifiers.registry import Classifier
from models.reading import Category, Reading, Registers

FORMAT = 2
FILE = "calibration.json"
FEWEST = 30
"""Rows to calibrate on, and as many others to judge by."""
_BATCH = 16
_ORDER = list(Category)


@dataclass(frozen=True)
class Checked:
    """What a check found, as it is kept: which files, how they are calibrated, and whether they passed.

    `own` is the very model of ours beside which it was judged (model_files.artefact).
    Of `rows` as many as the verdict names judged both; `right` and `own_right` of these were read rightly.
    """

    name: str
    files: dict[str, str]
    labels: dict[str, str]
    calibration: Calibration
    own: str
    rows: int
    right: int
    own_right: int
    verdict: Verdict


class NotPassedError(DataError):
    """A brain that was checked and is not good enough. `verdict` is the one that was kept, as plain values."""

    def __init__(self, path: Path, name: str, again: str, verdict: dict[str, Any]) -> None:
        super().__init__(path, f"{name} did not pass; mend it, then {again}")
        self.name = name
        self.again = again
        self.verdict = verdict


def run(
    name: str, rows: Sequence[Row], own: Classifier, place: Path, *, labels: dict[str, str] | None = None
) -> Checked:
    """Calibrate a model on four families of five, judge it by the fifth, and keep what was found under `place`.

    Raises DataError where the model cannot be read or the rows are too few.
    """
    usable = [row for row in rows if row.category in set(Category)]
    learn, judged = [row for row in usable if not row.held_out], [row for row in usable if row.held_out]
    if min(len(learn), len(judged)) < FEWEST:
        raise DataError(
            place, f"{len(learn)} rows to calibrate on and {len(judged)} to judge by; each must be {FEWEST} or more"
        )
    name = named(name)
    folder = resolve(name, fetch=True)
    brain, files = Transformer(folder, labels), fingerprint(folder)
    calibration = calibrate(brain, learn)
    reader = BrainReader(own, brain, calibration, label_of(name, files, own))
    ours, theirs = _answered(own.model.label, own.read, judged), _answered(reader.label, reader.read, judged)
    checked = Checked(
        name, files, labels or {}, calibration, artefact(own.model), len(usable),
        _right(theirs, judged), _right(ours, judged), compare(ours, theirs, judged),
    )  # fmt: skip
    write(checked, place)
    return checked


def calibrate(brain: Brain, rows: Sequence[Row]) -> Calibration:
    """One temperature, and for each category the confidence from which it needs no human, by the rule of limits.py."""
    texts = [readable(row.text, Registers()) for row in rows]
    parts = [brain.logits(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
    logits: Floats = np.concatenate(parts)
    truth: Ints = np.array([_ORDER.index(Category(row.category)) for row in rows])
    heat = temperature(logits, truth)
    return Calibration(round(heat, 6), thresholds([one.value for one in _ORDER], softmax(logits / heat), truth))


def _answered(label: str, read: Callable[[str, Registers], Reading], rows: Sequence[Row]) -> Answered:
    registers = Registers()
    readings = [read(row.text, registers) for row in rows]
    return Answered(label, [
        Answer(one.category.value, one.confidence, one.needs_review, one.urgency.value, one.language)
        for one in readings
    ])  # fmt: skip


def _right(given: Answered, rows: Sequence[Row]) -> int:
    return sum(one.label == row.category for one, row in zip(given.answers, rows, strict=True))


def write(checked: Checked, place: Path) -> Path:
    """Keep it in the model's own folder under `place`."""
    path = place_of(checked.name, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, **asdict(checked)}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def place_of(name: str, place: Path) -> Path:
    """Where the calibration of a model is kept."""
    return place / slug(name) / FILE


def load_checked(name: str, own: Classifier, place: Path, *, review_threshold: float | None = None) -> BrainReader:
    """A brain that passed, ready to serve.

    Raises DataError, which names the command to run, for any other; NotPassedError for one that failed its check.
    """
    name = named(name)
    path = place_of(name, place)
    again = f"run: chargehand brain check {name} --data FILE"
    kept = _read(path, again)
    folder = resolve(name)
    files = fingerprint(folder)
    if kept["files"] != files:
        raise DataError(path, f"{name} has other files than those that were checked; {again}")
    if not kept["verdict"]["passed"]:
        raise NotPassedError(path, name, again, kept["verdict"])
    ours = artefact(own.model)
    if kept["own"] != ours:
        raise DataError(path, f"{name} was checked beside {kept['own']}, now {ours} serves; {again}")
    calibration, label = Calibration(**kept["calibration"]), label_of(name, files, own)
    return BrainReader(own, Transformer(folder, kept["labels"]), calibration, label, review_threshold)


def _read(path: Path, again: str) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT or not {"files", "labels", "calibration", "own", "verdict"} <= set(kept):
            raise ValueError
    except FileNotFoundError as error:
        raise DataError(path, f"this model was not checked yet; {again}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(path, f"cannot be read; {again}") from error
    found: dict[str, Any] = kept
    return found
