"""A transformers model by the path of its folder, as from a hub: measured, refused, calibrated, serving."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import migrate, settings
from bot.brain import serving
from bot.cli import main
from classifiers.brains.local import Transformer
from models.message import Direction, Message
from models.reading import Category, Registers, Urgency
from tests.model.conftest import FILLERS, WORDS, make_tiny_bert, put_on_hub, rows, write_rows
from tests.world import world

DANGER = "there is smoke coming out of the charger"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's data folder, which the command line uses."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("CHARGEHAND_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Messages that the model has not learnt from; one of them is a danger."""
    danger = {"text": DANGER, "category": "fault", "language": "en", "urgency": "safety", "family": "danger 3"}
    return write_rows(tmp_path / "labelled.jsonl", [*rows(300, seed=2), danger])


@pytest.fixture
def mine(taught_bert: Path, tmp_path: Path, place: Path) -> Path:
    """A copy of the model that a test may spoil."""
    assert place.is_dir()
    return Path(shutil.copytree(taught_bert, tmp_path / "mine"))


def check(folder: Path, data: Path, *more: str) -> int:
    return main(["brain", "check", str(folder), "--data", str(data), *more])


def kept(place: Path) -> dict[str, Any]:
    [path] = place.glob("brains/*/calibration.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_a_few_steps_teach_a_small_model_and_it_is_read_from_its_folder(taught_bert: Path, tiny_bert: Path) -> None:
    order = list(Category)
    texts = [f"{FILLERS[0]} {words[0]} {FILLERS[3]}" for words in WORDS.values()]
    said = Transformer(taught_bert).logits(texts)
    assert [order[index] for index in said.argmax(axis=1)] == list(WORDS)
    assert [order[index] for index in Transformer(tiny_bert).logits(texts).argmax(axis=1)] != list(WORDS)


def test_a_model_that_nobody_checked_does_not_serve(
    taught_bert: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHARGEHAND_CLASSIFIER_BRAIN", str(taught_bert))
    assert main(["run"]) == 1
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert f"was not checked yet; run: chargehand brain check {taught_bert} --data FILE" in said


async def test_a_model_that_passed_reads_messages_and_a_danger_stays_a_danger(
    taught_bert: Path, place: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(taught_bert, labelled) == 0, capsys.readouterr()
    said = capsys.readouterr().out
    assert "passed, kept in" in said
    assert f"CHARGEHAND_CLASSIFIER_BRAIN={taught_bert}" in said
    assert "+ Better for sure: macro-F1" in said
    found = kept(place)
    assert found["right"] > 0.9 * found["verdict"]["frozen_rows"] > found["own_right"]
    assert (found["verdict"]["passed"], found["verdict"]["rule"]) == (True, "better")
    url = f"sqlite:///{place / 'house.db'}"
    migrate.upgrade(url)
    async with world(url, place, CLASSIFIER_BRAIN=str(taught_bert)) as here:
        ana = here.driver("+94771234567")
        await ana.says("some quenta please near my one")
        await ana.hears()
        await ana.says(DANGER)
        await ana.hears()
        await here.quiet()
        ana.read = len(ana.got)
        first, second = await here.rows(
            select(Message).where(Message.direction == Direction.INBOUND).order_by(Message.id)
        )
        assert (first.category, first.language) == (Category.BILLING, "en")
        assert first.confidence is not None
        assert first.confidence > 0.9
        assert (second.category, second.urgency) == (Category.FAULT, Urgency.SAFETY)
        assert first.model == second.model
        assert (first.model or "").startswith("bert@")


def test_a_model_is_found_by_its_name_on_the_hub_and_nothing_is_fetched_to_serve(
    taught_bert: Path, place: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["brain", "check", "someone/bert", "--data", str(labelled)]) == 1
    assert "the hub's copy cannot be had" in capsys.readouterr().err
    put_on_hub(taught_bert, "someone/bert")
    assert main(["brain", "check", "someone/bert", "--data", str(labelled)]) == 0
    chosen = settings.from_mapping(
        {"CHARGEHAND_DATA_DIR": str(place), "CHARGEHAND_CLASSIFIER_BRAIN": "someone/bert"}, root=place
    )
    reading = serving(chosen).reader.read("some quenta please near my one", Registers())
    assert (reading.category, reading.model.partition("@")[0]) == (Category.BILLING, "bert")


def test_a_model_that_knows_less_than_ours_is_refused_and_says_why(
    tiny_bert: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = Path(__file__).parents[2] / "classifiers" / "data" / "messages.jsonl"
    some = write_rows(place / "ours.jsonl", [json.loads(line) for line in ours.read_text().splitlines()[:600]])
    assert check(tiny_bert, some) == 1
    assert "- Not surely better: macro-F1" in capsys.readouterr().out
    monkeypatch.setenv("CHARGEHAND_CLASSIFIER_BRAIN", str(tiny_bert))
    assert main(["run"]) == 1
    assert "did not pass: Not surely better: macro-F1" in capsys.readouterr().err


def test_other_weights_than_those_that_passed_do_not_serve(
    mine: Path, tiny_bert: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(mine, labelled) == 0
    shutil.copy(tiny_bert / "model.safetensors", mine / "model.safetensors")
    monkeypatch.setenv("CHARGEHAND_CLASSIFIER_BRAIN", str(mine))
    capsys.readouterr()
    assert main(["run"]) == 1
    assert "has other files than those that were checked; run: chargehand brain check" in capsys.readouterr().err


def test_labels_of_another_make_are_mapped(
    tmp_path: Path, place: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = make_tiny_bert(tmp_path / "strange", labels=[f"LABEL_{number}" for number in range(9)])
    assert check(strange, labelled) == 1
    assert "its label 'LABEL_0' is none of fault" in capsys.readouterr().err
    order = [category.value for category in Category]
    mapping = tmp_path / "labels.json"
    mapping.write_text(json.dumps({f"LABEL_{number}": order[number % len(order)] for number in range(9)}))
    check(strange, labelled, "--labels", str(mapping))
    assert kept(place)["labels"]["LABEL_8"] == "billing"
    shares = Transformer(strange, json.loads(mapping.read_text())).logits(["the quenta"])
    assert shares.shape == (1, 7)


@pytest.mark.parametrize("spoilt", ["no weights", "pickled weights", "damaged weights", "no folder"])
def test_a_folder_that_is_no_model_is_one_clear_line(
    mine: Path, labelled: Path, spoilt: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (mine / "model.safetensors").unlink()
    if spoilt == "no folder":
        shutil.rmtree(mine)
    if spoilt == "pickled weights":
        (mine / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    if spoilt == "damaged weights":
        (mine / "model.safetensors").write_bytes(b"nothing of the kind")
    assert check(mine, labelled) == 1
    said = capsys.readouterr().err.strip()
    assert str(mine) in said
    assert "something went wrong" not in said
