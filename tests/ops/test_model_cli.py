"""`chargehand model …` on both engines: train, judge, promote, go back, read along; each refusal is one clear line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import settings
from bot.cli import main
from bot.cli_desk import work_at
from classifiers import lesson
from classifiers.model import Model
from desk import messages, teaching
from desk.work import Work
from models.audit import AuditRow
from models.reading import Category
from tests.desk.test_teaching import hear
from tests.lessons import SHIPPED, few_rows, older_release, placed, same

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, empty_database: str
) -> Run:
    """Run a command in an installation of its own, whose lessons are short: (exit status, output, errors)."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHARGEHAND_DATABASE_URL", empty_database)
    monkeypatch.setattr(lesson.Lesson.__init__, "__defaults__", (few_rows(tmp_path),))

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return call


def here(change: Callable[[Model], Model] = same) -> None:
    """A version that was trained at some other time."""
    chosen = settings.load()
    work_at(chosen, lambda work: placed(work, chosen.models_dir, change))


def teach(count: int) -> None:
    """Somebody labels messages."""

    def label(work: Work) -> None:
        for number in range(count):
            key = hear(work, number + 1, f"my {'abcdefghij'[number]} flange is purple", Category.INFO)
            messages.correct(work, key, Category.FAULT, "purple flanges are faults")

    work_at(settings.load(), label)


def test_from_corrections_to_a_version_that_serves_and_back(run: Run, tmp_path: Path) -> None:
    teach(5)
    status, out, err = run("model", "train")
    assert (status, err) == (0, "")
    assert "team@1: training on 5 labelled messages" in out
    assert f"team@1: not passed, against {SHIPPED.label}, on " in out
    assert "- Not surely better: macro-F1 -" in out
    folder = tmp_path / "var" / "models" / "team@1"
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert (card["name"], card["version"]) == ("team", "1")
    left = [path for path in (tmp_path / "var" / "models").rglob("*") if path.is_file() and path.parent != folder]
    assert left == []
    assert not [path for path in folder.iterdir() if b"flange" in path.read_bytes()], "what people wrote is not kept"

    status, out, _ = run("model", "list")
    assert status == 0
    assert "serving: the shipped model" in out
    assert "team@1" in out
    assert "refused" in out

    assert run("model", "promote", "team@1")[0] == 1
    assert "only with a reason" in run("model", "promote", "team@1")[2]
    assert "needs a reason" in run("model", "promote", "team@1", "--force", "  ")[2]
    status, out, _ = run("model", "promote", "1", "--force", "a try on a quiet day")
    assert (status, out.startswith("team@1 serves")) == (0, True)
    assert "serving: team@1" in run("model", "list")[1]
    kept = work_at(settings.load(), lambda work: [row.facts for row in work.session.query(AuditRow).all()])
    assert any((facts or {}).get("forced") == "a try on a quiet day" for facts in kept)

    status, out, _ = run("model", "rollback")
    assert (status, out) == (0, "the shipped model serves again\n")
    assert "nothing before it" in run("model", "rollback")[2]


def test_reading_along_and_judging_again(run: Run) -> None:
    here()
    assert "reads along" in run("model", "shadow", "team@1")[1]
    assert "shadow" in run("model", "list")[1]
    assert "no version reads along" in run("model", "shadow", "off")[1]
    assert "No version reads along" in run("model", "shadow", "off")[2]
    status, out, _ = run("model", "judge", "1")
    assert status == 1, "a script hears that it did not pass"
    assert f"against {SHIPPED.label}" in out


def test_doctor_looks_at_the_version_that_serves_and_an_upgrade_that_took_its_encoder_is_mended_by_training(
    run: Run,
) -> None:
    assert run("migrate")[0] == 0
    assert "team's model" not in run("doctor")[1], "the shipped one serves"
    here()
    run("model", "promote", "team@1")
    assert "team@1 serves" in run("doctor")[1]
    run("model", "rollback")
    here(older_release)
    run("model", "promote", "team@2")
    status, out, _ = run("doctor")
    assert status == 1
    assert "team@2 cannot serve, the shipped model does: " in out
    assert "train the team's version again" in out
    assert "→ chargehand model train" in out
    here()
    assert run("model", "promote", "team@3")[0] == 0, "judged against the shipped model, which serves in its stead"
    assert "team@3 serves" in run("doctor")[1]


def test_what_cannot_be_is_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("judge", "team@9"), ("promote", "nobody"), ("shadow", "team@9")):
        status, out, err = run("model", *words)
        assert (status, out, err.count("\n")) == (1, "", 1), words
        assert "There is no version" in err
    here()
    (tmp_path / "var" / "models" / "team@1" / "model.json").write_text("{}", encoding="utf-8")
    status, _, err = run("model", "judge", "1")
    assert status == 1
    assert "tampered" in err

    monkeypatch.setattr(lesson.Lesson.__init__, "__defaults__", (tmp_path / "gone.jsonl",))
    status, _, err = run("model", "train")
    assert (status, err.count("\n")) == (1, 1)
    assert "nothing was learnt" in err
    assert "gone.jsonl" in err
    assert "failed" in run("model", "list")[1]
    assert not (tmp_path / "var" / "models" / "team@2").exists()
    assert [path.name for path in (tmp_path / "var" / "models").iterdir()] == ["team@1"]


def _hears_ctrl_c() -> None:
    """A job in the background of a shell is started deaf to it, and so would be whatever it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_a_lesson_at_once_and_leaves_nothing_of_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARGEHAND_DATA_DIR", str(tmp_path / "var"))
    models = tmp_path / "var" / "models"
    root = Path(settings.__file__).parent.parent
    command = [sys.executable, "-m", "bot", "model", "train"]
    with subprocess.Popen(command, cwd=root, preexec_fn=_hears_ctrl_c) as training:  # noqa: PLW1509 - no threads here
        deadline = time.monotonic() + 60
        while not list(models.glob(".lesson-*")) and training.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list(models.glob(".lesson-*")), "the lesson never began"
        training.send_signal(signal.SIGINT)
        assert training.wait(30) == 130
    assert list(models.iterdir()) == []
    assert "failed" in run("model", "list")[1]


def test_labels_are_read_as_they_were_given(run: Run) -> None:
    assert run("migrate")[0] == 0
    teach(2)
    rows = work_at(settings.load(), teaching.labelled)
    assert [(row.category, row.why) for row in rows] == [(Category.FAULT, "purple flanges are faults")] * 2
