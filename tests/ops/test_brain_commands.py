"""`chargehand brain fit-endpoint`: the endpoint is asked about labelled messages, and its word is weighed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import settings
from bot.cli import main
from classifiers.brains.agreement import Agreement, Asked, fit, joined, read, write
from classifiers.brains.private import readable
from classifiers.dataset import OWN_DATA, Row, read_rows
from classifiers.registry import load
from models.reading import Category, Registers
from tests.fakes.openai import FakeOpenAI

ORDER = list(Category)


def doubtful(count: int) -> list[Row]:
    """Messages of our own data that our own model would put to a human, and that hold nothing to take out."""
    classifier, registers = load(), Registers()
    found: list[Row] = []
    for row in read_rows(OWN_DATA):
        if readable(row.text, registers) == row.text and row.urgency != "safety" and len(found) < count:
            reading = classifier.read(row.text, registers)
            if reading.needs_review and reading.urgency != "safety":
                found.append(row)
    return found


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, list[Row]]:
    """Forty such messages in a file."""
    rows, path = doubtful(40), tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps({"text": row.text, "category": row.category}) + "\n" for row in rows))
    return path, rows


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:  # fmt: skip
    """Run it against an endpoint: (exit status, output, errors)."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)

    async def run(endpoint: FakeOpenAI, path: Path, *more: str) -> tuple[int, str, str]:
        for name, value in endpoint.settings.items():
            monkeypatch.setenv(f"CHARGEHAND_{name}", value)
        status = await asyncio.to_thread(main, ["brain", "fit-endpoint", "--data", str(path), *more])
        out, err = capsys.readouterr()
        return status, out, err

    return run


async def test_an_endpoint_that_is_mostly_right_is_worth_something(
    data: tuple[Path, list[Row]], command: Callable[..., Any], tmp_path: Path
) -> None:
    path, rows = data
    truth = {row.text: row.category for row in rows}
    slips = {row.text for row in rows[::10]}
    async with FakeOpenAI() as endpoint:
        endpoint.label = lambda text: "other" if text in slips else truth[text]
        status, out, err = await command(endpoint, path)
        assert (status, endpoint.complaints) == (0, [])
        assert endpoint.calls == 40
        assert endpoint.most_at_once <= 4
        assert "40 messages that want a human go to gpt-test-mini, without personal data" in err
        fitted = read(tmp_path / "var" / "brains" / "endpoint.json")
        assert fitted is not None
        assert fitted.fits(endpoint.url, endpoint.model, load().model.label)
        assert 2.0 < fitted.scale < 8.0
        assert f"scale {fitted.scale}" in out
        assert fitted.answered_right / fitted.answered > 0.9


async def test_of_an_endpoint_that_guesses_nothing_follows(
    data: tuple[Path, list[Row]], command: Callable[..., Any], tmp_path: Path
) -> None:
    path, rows = data
    wrong = {row.text: ORDER[(ORDER.index(Category(row.category)) + 1) % 7].value for row in rows}
    async with FakeOpenAI() as endpoint:
        endpoint.label = lambda text: wrong[text]
        assert (await command(endpoint, path))[0] == 0
    fitted = read(tmp_path / "var" / "brains" / "endpoint.json")
    assert fitted is not None
    assert fitted.scale < 0.01
    assert fitted.answered == 0


async def test_too_few_answers_are_refused_and_the_causes_told(
    data: tuple[Path, list[Row]], command: Callable[..., Any], tmp_path: Path
) -> None:
    path, _ = data
    async with FakeOpenAI() as endpoint:
        endpoint.mode = "off_schema"
        status, out, err = await command(endpoint, path)
        assert (status, out) == (1, "")
        assert "without an answer: off_schema (" in err
        assert "0 opinions are too few: 30 messages or more" in err
        assert endpoint.calls < 20
        endpoint.mode = "ok"
        status, _, err = await command(endpoint, path, "--limit", "5")
        assert (status, endpoint.calls < 25) == (1, True)
        assert "5 opinions are too few" in err
    assert not (tmp_path / "var" / "brains" / "endpoint.json").exists()


def test_what_both_say_together_is_a_probability_again() -> None:
    scores = {one: (0.4 if one is Category.FAULT else 0.1) for one in ORDER}
    for scale in (0.0, 1.5, 8.0):
        both = joined(scores, Category.FAULT, scale)
        assert sum(both.values()) == pytest.approx(1.0)
        assert both[Category.FAULT] >= 0.4 - 1e-9
    assert joined(scores, Category.FAULT, 0.0)[Category.FAULT] == pytest.approx(0.4)


def test_agreement_confirms_our_own_guess_and_never_another() -> None:
    limits = dict.fromkeys((one.value for one in ORDER), 0.9)
    fitted = Agreement("u", "m", "l", 5.0, limits, 60, 1, 1)
    unsure = {one.value: (0.6 if one is Category.FAULT else 0.4 / 6) for one in ORDER}
    assert fitted.sure(unsure, Category.FAULT) is not None
    assert fitted.sure(unsure, Category.BILLING) is None
    assert fitted.sure(unsure, Category.FAULT, review_threshold=0.9999) is None
    sure = {one.value: (0.94 if one is Category.FAULT else 0.01) for one in ORDER}
    assert fitted.sure(sure, Category.FAULT) is None, "what was sure before waits for another reason"


def test_a_scale_is_that_of_the_highest_likelihood() -> None:
    even = dict.fromkeys(ORDER, 1 / 7)
    asked = [Asked(even, Category.FAULT, Category.FAULT if number % 10 else Category.INFO) for number in range(100)]
    fitted = fit(asked, url="u", model="m", local="l", limits={})
    assert joined(even, Category.FAULT, fitted.scale)[Category.FAULT] == pytest.approx(0.9, abs=0.001)


def test_doctor_says_whether_the_endpoint_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    for name, value in (("URL", "https://llm.example/v1"), ("MODEL", "gpt-x"), ("KEY", "sk-secret")):
        monkeypatch.setenv(f"CHARGEHAND_SECOND_OPINION_{name}", value)
    path = tmp_path / "var" / "brains" / "endpoint.json"
    for kept, said in (
        (Agreement("https://llm.example/v1", "gpt-x", "l", 1.0, {}, 60, 1, 1), "measured on 60 messages"),
        (Agreement("https://llm.example/v1", "gpt-y", "l", 1.0, {}, 60, 1, 1), "only suggests: it was not measured"),
    ):
        write(kept, path)
        main(["doctor"])
        out = capsys.readouterr().out
        assert f"gpt-x at llm.example{', ' if 'measured on' in said else ' '}{said}" in out
        assert "sk-secret" not in out
    path.write_text("{}")
    main(["doctor"])
    assert "fit it again with chargehand brain fit-endpoint" in capsys.readouterr().out
