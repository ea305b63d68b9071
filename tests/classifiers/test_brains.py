"""Another brain behind the same shape, by a brain that says what a test wants; and which one may serve."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.brain import serving
from bot.settings import from_mapping
from classifiers.brains import check
from classifiers.brains.local import BrainReader, Calibration
from classifiers.brains.weights import fingerprint
from classifiers.dataset import Row
from classifiers.errors import DataError
from classifiers.evaluate import Answer
from classifiers.model_files import SHIPPED, artefact, load_model, save
from classifiers.ngrams import Floats
from classifiers.promotion import Answered, compare
from classifiers.registry import load
from models.reading import Category, Registers, Urgency

OWN = load()
ORDER = list(Category)
KNOWN = Registers(chargers={"100234": "Galle"})


class Says:
    """A brain that is always of one opinion, and keeps what it was shown."""

    def __init__(self, category: Category, *, by: float = 6.0) -> None:
        self.category, self.by = category, by
        self.shown: list[str] = []

    def logits(self, texts: Sequence[str]) -> Floats:
        self.shown += texts
        return np.array([[self.by * (one is self.category) for one in ORDER]] * len(texts), dtype=np.float64)


class Fails:
    """A brain that breaks."""

    def logits(self, texts: Sequence[str]) -> Floats:
        raise RuntimeError("out of memory")


def reader(brain: Any, **more: Any) -> BrainReader:
    thresholds = dict.fromkeys((category.value for category in ORDER), 0.9)
    return BrainReader(OWN, brain, Calibration(1.0, thresholds), "brain@1", **more)


def test_the_category_is_the_brains_and_everything_else_is_ours() -> None:
    text = "is charger 100234 free, call me at 077 123 4567"
    ours, theirs = OWN.read(text, KNOWN), reader(Says(Category.COMPLAINT)).read(text, KNOWN)
    assert (theirs.category, theirs.model, theirs.needs_review) == (Category.COMPLAINT, "brain@1", False)
    assert theirs.confidence == pytest.approx(theirs.scores[Category.COMPLAINT])
    assert sum(theirs.scores.values()) == pytest.approx(1.0)
    for name in ("urgency", "language", "summary", "entities"):
        assert getattr(theirs, name) == getattr(ours, name), name


@pytest.mark.parametrize("text", ["smoke is coming out of the charger", "I got an electric shock from the cable"])
@pytest.mark.parametrize("category", [Category.OTHER, Category.BILLING])
def test_a_danger_is_a_fault_whatever_the_brain_says(text: str, category: Category) -> None:
    reading = reader(Says(category)).read(text, KNOWN)
    assert (reading.category, reading.urgency) == (Category.FAULT, Urgency.SAFETY)


def test_it_is_shown_no_personal_data() -> None:
    brain = Says(Category.INFO)
    reader(brain).read("my name is Nimal, is charger 100234 free, call me at 077 123 4567, nimal@x.example", KNOWN)
    assert brain.shown == ["my name is [name], is charger [charger] free, call me at [phone] , [email]"]


def test_below_its_threshold_a_human_looks_and_an_operator_may_set_another() -> None:
    text, unsure = "where can I charge", Says(Category.INFO, by=2.0)
    assert reader(unsure).read(text, KNOWN).needs_review
    assert not reader(unsure, review_threshold=0.3).read(text, KNOWN).needs_review
    assert reader(Says(Category.INFO), review_threshold=1.0).read(text, KNOWN).needs_review


def test_what_our_own_model_wants_a_human_for_beside_doubt_still_goes_to_one() -> None:
    long = "where can I charge my car? " * 400
    assert OWN.read(long, KNOWN).needs_review
    assert reader(Says(Category.INFO)).read(long, KNOWN).needs_review


def test_where_the_brain_breaks_or_there_are_no_words_our_own_reading_stands() -> None:
    text = "where can I charge"
    assert reader(Fails()).read(text, KNOWN) == OWN.read(text, KNOWN)
    empty = reader(Says(Category.INSTALL)).read("…", KNOWN)
    assert (empty.category, empty.needs_review) == (Category.OTHER, True)


class Doubts(Says):
    """A brain of one opinion that is less sure of a question."""

    def logits(self, texts: Sequence[str]) -> Floats:
        sure: Floats = np.array([[0.4 if "?" in text else 1.0] for text in texts])
        return super().logits(texts) * sure


@pytest.mark.parametrize(("right", "human"), [(99, False), (92, True)])
def test_a_human_is_asked_by_the_rule_of_our_own_model(right: int, human: bool) -> None:
    sure = [Row("where can I charge", "info", f"s{number}") for number in range(100)]
    unsure = [Row("where can I charge?", "info" if number < right else "fault", f"u{number}") for number in range(100)]
    brain = Doubts(Category.INFO)
    calibration = check.calibrate(brain, [*sure, *unsure])
    assert calibration.thresholds["info"] <= 0.97
    assert calibration.thresholds["rfid"] == 0.97
    reading = BrainReader(OWN, brain, calibration, "brain@1").read(unsure[0].text, KNOWN)
    assert (reading.category, reading.needs_review) == (Category.INFO, human)


# Who may serve, where transformers is not even installed ------------------------------------------------------------


def test_a_brain_that_was_never_checked_is_refused_with_the_command_to_run(tmp_path: Path) -> None:
    chosen = from_mapping({"CHARGEHAND_DATA_DIR": str(tmp_path), "CHARGEHAND_CLASSIFIER_BRAIN": "some/model"})
    with pytest.raises(DataError, match="not checked yet; run: chargehand brain check some/model --data FILE"):
        serving(chosen)


def test_a_calibration_that_somebody_broke_is_refused(tmp_path: Path) -> None:
    chosen = from_mapping({"CHARGEHAND_DATA_DIR": str(tmp_path), "CHARGEHAND_CLASSIFIER_BRAIN": "some/model"})
    path = check.place_of("some/model", chosen.brains_dir)
    path.parent.mkdir(parents=True)
    for text in ("{", "[]", "null", json.dumps({"format": 99}), json.dumps({"format": 2})):
        path.write_text(text)
        with pytest.raises(DataError, match="cannot be read; run: chargehand brain check"):
            serving(chosen)


def test_a_brain_that_failed_does_not_serve_and_each_reason_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    rows = [
        Row(f"m{number}", "fault" if number % 2 else "info", f"f{number}", None, None, "en") for number in range(60)
    ]
    right = Answered(OWN.model.label, [Answer(row.category, 1.0) for row in rows])
    wrong = Answered("ours@1", [Answer("info", 0.9) for _ in rows])
    calibration = Calibration(1.0, {})
    failed = check.Checked(
        str(folder), fingerprint(folder), {}, calibration, OWN.model.label, 300, 30, 60, compare(right, wrong, rows)
    )  # fmt: skip
    chosen = from_mapping({"CHARGEHAND_DATA_DIR": str(tmp_path), "CHARGEHAND_CLASSIFIER_BRAIN": str(folder)})
    path = check.write(failed, chosen.brains_dir)
    with pytest.raises(DataError) as refused:
        serving(chosen)
    said = str(refused.value)
    assert said.startswith(f"{path}: {folder} did not pass: Not surely better: macro-F1 -66.7 points (95 % between -")
    assert said.endswith(
        "; Calibration error: 40 % after 0 % (60 messages); English: 50 % right after 100 % (60 messages); "
        f"mend it, then run: chargehand brain check {folder} --data FILE"
    )


def test_a_verdict_does_not_outlive_our_model_that_it_was_made_beside(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    rows = [Row(f"m{number}", "fault" if number % 2 else "info", f"f{number}") for number in range(60)]
    right = Answered("ours@1", [Answer(row.category, 1.0) for row in rows])
    verdict = compare(Answered(OWN.model.label, [Answer("info", 0.9) for _ in rows]), right, rows)
    assert verdict.passed
    chosen = from_mapping({"CHARGEHAND_DATA_DIR": str(tmp_path), "CHARGEHAND_CLASSIFIER_BRAIN": str(folder)})
    for earlier in (OWN.model.label, artefact(load_model(SHIPPED, with_encoder=False))):
        kept = check.Checked(
            str(folder), fingerprint(folder), {}, Calibration(1.0, {}), earlier, 300, 60, 30, verdict
        )  # fmt: skip
        check.write(kept, chosen.brains_dir)
        with pytest.raises(DataError) as refused:
            serving(chosen)
        assert f"was checked beside {earlier}, now {artefact(OWN.model)} serves; run: chargehand" in str(refused.value)


def test_the_same_files_are_the_same_artefact_and_other_arrays_another(tmp_path: Path) -> None:
    model = OWN.model
    assert re.fullmatch(rf"{model.label}\+[0-9a-f]{{8}}", artefact(model))
    assert artefact(load_model(SHIPPED)) == artefact(model)
    other = replace(model, speech=replace(model.speech, heat=model.speech.heat + 0.1))
    save(other, tmp_path / "other")
    assert load_model(tmp_path / "other").label == model.label
    assert artefact(load_model(tmp_path / "other")) not in (artefact(model), artefact(replace(model, encoder=None)))


def test_two_names_never_share_a_folder() -> None:
    names = ["a/b", "a-b", "a--b", "/tmp/a/b", "../a/b", "a b", "", "ඒ"]
    places = {check.place_of(name, Path("x")) for name in names}
    assert len(places) == len(names)
    assert all(place.parent.parent == Path("x") for place in places)
