"""Training and evaluation on data of one's own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from classifiers.calibration import (
    coverage_at,
    expected_calibration_error,
    review_threshold,
    temperature,
    wilson_lower,
)
from classifiers.dataset import FROZEN, OWN_DATA, Row, read_rows
from classifiers.errors import DataError
from classifiers.evaluate import answers, evaluate_file
from classifiers.evaluate_entities import evaluate_entities
from classifiers.lesson import Lesson, learn
from classifiers.model_files import ARTEFACTS, SHIPPED, load_model
from classifiers.registry import load
from classifiers.report import render_report
from classifiers.train import render_trained, train_files
from classifiers.views import joined
from models.reading import Category, Registers, Urgency
from tests.lessons import few_rows

ANIMALS = {
    "cat": ["the cat purrs on the sofa", "kittens chase string", "a cat wants milk", "meow says my kitten"],
    "dog": ["the dog barks at the post", "puppies love walks", "a dog chews bones", "woof says my puppy"],
    "bird": ["the bird sings at dawn", "chicks leave the nest", "a parrot talks", "tweet says my canary"],
}


def write_csv(path: Path, repeat: int = 6) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "category"])
        for label, lines in ANIMALS.items():
            for n in range(repeat):
                writer.writerows([f"{line} {'and again ' * n}", label] for line in lines)
    return path


def test_any_label_set_can_be_trained_and_evaluated(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "animals.csv")
    trained = train_files([data], tmp_path / "animals@3")
    assert trained.model == "animals@3"
    assert trained.labels == ("bird", "cat", "dog")
    assert trained.held_out is not None
    assert trained.held_out.accuracy >= 0.8
    assert "animals@3" in render_trained(trained)
    figures = evaluate_file(data, tmp_path / "animals@3")
    assert figures.accuracy >= 0.9
    assert figures.urgency_accuracy is None
    assert set(figures.by_class) == set(ANIMALS)
    json.dumps(figures.as_json())
    json.dumps(trained.as_json())
    assert "cat" in render_report(figures)
    with pytest.raises(DataError, match="other labels"):
        load(tmp_path / "animals@3")


def test_a_file_too_small_to_hold_out_from_still_trains(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "few.csv", repeat=1)
    trained = train_files([data], tmp_path / "few")
    assert trained.held_out is None
    assert trained.trained_rows == 12
    assert "too few" in render_trained(trained)


def test_jsonl_with_languages_and_urgencies_is_measured_by_them(tmp_path: Path) -> None:
    data = tmp_path / "mine.jsonl"
    rows = [
        {"text": "smoke from the charger", "category": "fault", "language": "en", "urgency": "safety"},
        {"text": "mage balance eka kiyada", "category": "billing", "language": "si-Latn", "urgency": "normal"},
        {"text": "hola", "category": "other", "language": "es", "urgency": "low"},
    ]
    data.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    figures = evaluate_file(data)
    assert figures.accuracy == 1.0
    assert figures.hazards is not None
    assert figures.hazards.recall == 1.0
    assert set(figures.by_language) == {"en", "si-Latn", "es"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "message,category\nhi,other\n", "a.csv, line 2: no column 'text'"),
        ("a.csv", "text,label\nhi,other\n", "no column 'category'"),
        ("a.csv", "text,category\n", "holds no rows"),
        ("a.csv", "", "holds no rows"),
        ("a.csv", "text,category\nhi,\n", "line 2: column 'category' is empty"),
        ("a.csv", "text,category\nhi,other\nyo\n", "line 3: column 'category' is empty"),
        ("a.csv", "text,category,urgency\nhi,other,panic\n", "line 2: urgency 'panic'"),
        ("a.jsonl", '{"text": "hi", "category": "other"}\n{oops\n', "line 2: not a JSON object"),
        ("a.jsonl", "[1]\n", "line 1: not a JSON object"),
        ("a.jsonl", '{"text": 5, "category": "other"}\n', "line 1: column 'text' is not text"),
        ("a.xlsx", "x", "unknown file type '.xlsx'"),
        ("a.csv", "text,category\nhi,other\nho,other\n", "two different categories"),
    ],
)
def test_bad_data_is_named_by_file_and_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        train_files([path], tmp_path / "out")
    assert message in str(caught.value)
    assert name in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_text_that_measures_does_not_teach(tmp_path: Path) -> None:
    data, asked = write_csv(tmp_path / "animals.csv"), write_csv(tmp_path / "asked.csv", repeat=1)
    trained = train_files([data], tmp_path / "animals@1", test=asked)
    assert trained.trained_rows == len(read_rows(data)) - len(read_rows(asked))
    with pytest.raises(DataError, match="two different categories"):
        train_files([asked], tmp_path / "animals@2", test=asked)


@pytest.mark.parametrize(("told", "trap"), [("True", True), ("1", True), ("false", False), ("", False)])
def test_a_trap_is_told_in_any_spelling(tmp_path: Path, told: str, trap: bool) -> None:
    path = tmp_path / "traps.csv"
    path.write_text(f"text,category,trap\nshocked by the bill,billing,{told}\n", encoding="utf-8")
    assert read_rows(path)[0].trap is trap


@pytest.mark.slow
def test_what_a_team_says_of_a_text_of_ours_counts(tmp_path: Path) -> None:
    own = few_rows(tmp_path)
    ours = read_rows(own)[0]
    said = "billing" if ours.category != "billing" else "rfid"
    learn(Lesson((Row(ours.text, said, ours.family),), (), SHIPPED, tmp_path / "team@1", own))
    bank = load_model(tmp_path / "team@1").bank
    assert bank is not None
    assert bank.labels[bank.texts.index(ours.text)] == said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "hi", "entities": {}}\n{"text": "hi"}\n', "line 2: needs"),
        ('{"registers": {}}\n\n[1]\n', "line 3: needs"),
        ("oops\n", "not JSON objects"),
    ],
)
def test_a_bad_file_of_entities_is_named_by_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "entities.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        evaluate_entities(path)


def test_a_missing_file_and_one_that_is_not_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        evaluate_file(tmp_path / "nowhere.csv")
    (tmp_path / "bin.csv").write_bytes(b"text,category\n\xff\xfe\xfa,x\n")
    with pytest.raises(DataError, match="not UTF-8"):
        evaluate_file(tmp_path / "bin.csv")


@pytest.mark.slow
def test_training_again_makes_the_shipped_model(tmp_path: Path) -> None:
    train_files([OWN_DATA], tmp_path / SHIPPED.name, test=FROZEN)
    fresh, shipped = load_model(tmp_path / SHIPPED.name), load_model(SHIPPED)
    assert fresh.card["data"] == shipped.card["data"]
    texts = [row.text for row in read_rows(FROZEN)[:400]]
    ours, theirs = answers(fresh, texts), answers(shipped, texts)
    for field in ("label", "urgency", "language"):  # other processors round otherwise, and L-BFGS stops elsewhere
        assert sum(getattr(a, field) == getattr(b, field) for a, b in zip(ours, theirs, strict=True)) >= 0.98 * len(
            texts
        )
    apart = [abs(a.confidence - b.confidence) for a, b in zip(ours, theirs, strict=True)]
    assert float(np.quantile(apart, 0.95)) <= 0.02


def test_the_shipped_model_is_small_and_says_where_it_comes_from() -> None:
    files = [path for path in ARTEFACTS.rglob("*") if path.suffix in (".onnx", ".json", ".npz")]
    assert sum(path.stat().st_size for path in files) <= 24_000_000
    card = (SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")
    for word in ("SHA-256", "Licence", "macro-F1", "Trained by", "ECE"):
        assert word in card


def test_the_shipped_data_is_large_varied_and_within_the_vocabulary() -> None:
    rows = read_rows(OWN_DATA)
    assert len({row.text for row in rows}) == len(rows) >= 6000
    assert {row.category for row in rows} == {category.value for category in Category}
    assert {row.urgency for row in rows} == {urgency.value for urgency in Urgency}
    assert {"en", "si", "si-Latn", "ta", "ta-Latn", "es"} <= {row.language for row in rows}
    assert sum(row.urgency == "safety" for row in rows) >= 400
    assert all(row.category == "fault" for row in rows if row.urgency == "safety")
    ids = [json.loads(line)["id"] for line in OWN_DATA.read_text(encoding="utf-8").splitlines()]
    assert len(set(ids)) == len(rows)
    assert 0.15 <= sum(row.held_out for row in rows) / len(rows) <= 0.25


def test_a_family_never_straddles_the_split() -> None:
    sides: dict[str, set[bool]] = {}
    for row in read_rows(OWN_DATA):
        sides.setdefault(row.family, set()).add(row.held_out)
    assert all(len(side) == 1 for side in sides.values())


def test_families_that_share_a_text_are_measured_together() -> None:
    rows = [Row(text, "info", family) for family, text in zip("aabbccd", "xyyzwwv", strict=True)]
    assert joined(rows, [row.text for row in rows]) == ["a", "a", "a", "a", "c", "c", "d"]


def test_the_calibration_error_is_the_mean_gap() -> None:
    confidence = np.array([0.9] * 10 + [0.6] * 10)
    assert expected_calibration_error(confidence, np.array([1.0] * 9 + [0.0] + [1.0] * 6 + [0.0] * 4)) < 1e-9
    assert expected_calibration_error(confidence, np.zeros(20)) == pytest.approx(0.75)


def test_temperature_cools_an_overconfident_model_and_leaves_a_right_one() -> None:
    chance = np.random.default_rng(7)
    logits = chance.normal(size=(4000, 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([chance.choice(3, p=row) for row in shares])
    assert temperature(logits, truth) == pytest.approx(1.0, abs=0.1)
    assert temperature(4 * logits, truth) == pytest.approx(4.0, abs=0.4)


def test_thresholds_ask_for_proof_and_coverage_counts_what_may_be_kept() -> None:
    confidence = np.linspace(1.0, 0.01, 100)
    correct = (np.arange(100) < 60).astype(float)
    limit = review_threshold(confidence, correct, 0.9)
    kept = confidence >= limit
    assert wilson_lower(correct[kept].sum(), int(kept.sum())) >= 0.9
    assert 50 <= kept.sum() < 66
    assert review_threshold(confidence, np.zeros(100), 0.9) == 1.0
    assert coverage_at(confidence, correct, 1.0) == pytest.approx(0.6)
    assert wilson_lower(0, 0) == 0.0


def test_frozen_rows_are_apart_from_those_that_teach() -> None:
    taught, frozen = read_rows(OWN_DATA), read_rows(FROZEN)
    plain = {"".join(filter(str.isalnum, row.text.lower())) for row in taught} - {""}
    assert not [row.text for row in frozen if "".join(filter(str.isalnum, row.text.lower())) in plain]
    assert not {row.family for row in taught} & {row.family for row in frozen}
    assert sum(row.urgency == "safety" for row in frozen) >= 300
    assert sum(row.trap for row in frozen) >= 100


def test_rows_out_of_scope_teach_when_not_to_know(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "animals.csv")
    with data.open("a", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        for n in range(12):
            writer.writerow([f"quarterly revenue grew by {n} percent in the northern region", "none"])
    train_files([data], tmp_path / "animals@1", out_of_scope="none")
    figures = evaluate_file(data, tmp_path / "animals@1", out_of_scope="none")
    assert "none" not in figures.by_class
    assert figures.out_of_scope is not None
    assert figures.out_of_scope.rows == 12
    assert figures.out_of_scope.recall >= 0.9
    assert figures.out_of_scope.in_scope_rejected <= 0.15


def test_texts_of_others_are_kept_in_the_model_only_if_somebody_says_so(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    rows = [{"text": f"secret words of customer number {n}", "category": "other"} for n in range(5)]
    mine.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    train_files([write_csv(tmp_path / "animals.csv"), mine], tmp_path / "m@1")
    bank = load_model(tmp_path / "m@1").bank
    assert bank is not None
    assert not any(bank.texts)
    assert bank.nearest(bank.vectors[0].astype("float32") / 127, 3) == []
    train_files([mine, write_csv(tmp_path / "more.csv")], tmp_path / "m@2", keep_examples=True)
    kept = load_model(tmp_path / "m@2").bank
    assert kept is not None
    assert [text for text in kept.texts if "secret" in text]


def test_a_report_has_plots(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "animals.csv")
    train_files([data], tmp_path / "animals@3")
    names = {path.name for path in (tmp_path / "animals@3").iterdir()}
    assert {"MODEL_CARD.md", "REPORT.md", "calibration.svg", "coverage.svg", "confusion.svg"} <= names


def test_strangers_to_the_seven_categories_are_counted_by_the_gate(tmp_path: Path) -> None:
    data = tmp_path / "some.jsonl"
    rows = [{"text": row.text, "category": row.category} for row in read_rows(FROZEN)[:60]]
    rows += [{"text": f"la reina mueve al alfil {n} y da jaque mate", "category": "chess"} for n in range(6)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    figures = evaluate_file(data, out_of_scope="chess")
    assert figures.out_of_scope is not None
    assert figures.out_of_scope.rows == 6
    assert 0.0 < figures.out_of_scope.in_scope_rejected + figures.out_of_scope.recall < 2.0
    data.write_text(json.dumps(rows[-1]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="no rows but"):
        evaluate_file(data, out_of_scope="chess")


def test_a_model_of_two_categories_serves_and_explains(tmp_path: Path) -> None:
    data = tmp_path / "two.jsonl"
    chosen = [row for row in read_rows(OWN_DATA) if row.category in ("billing", "info")][:300]
    data.write_text("".join(json.dumps({"text": r.text, "category": r.category}) + "\n" for r in chosen))
    train_files([data], tmp_path / "two@1")
    classifier = load(tmp_path / "two@1")
    for text in ("charger is on fire", "how much is a kWh", ""):
        reading = classifier.read(text, Registers())
        assert reading.second_category in (None, Category.BILLING, Category.INFO)
        classifier.explain(text, Registers())
