"""One lesson: train on the project's rows and the team's, measure, judge against the model that serves.

Whatever goes wrong half-way leaves no folder behind that could be taken for a model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.dataset import OWN_DATA, Row
from classifiers.model_files import load_model
from classifiers.promotion import Verdict, frozen_rows, judge
from classifiers.train import train_files

_CHUNK = 1 << 20
_UNDER_WAY = ".lesson-"


@dataclass(frozen=True)
class Lesson:
    """What to teach: the team's rows, those of the newest month that measure, the folder of the model that serves,
    the folder to write (`…/name@version`), and the file with the project's own rows.
    """

    taught: tuple[Row, ...]
    newest: tuple[Row, ...]
    serving: Path
    out: Path
    own: Path = OWN_DATA


@dataclass(frozen=True)
class Learnt:
    """What came of it. `data_sha256` is that of the rows: the rows themselves are kept nowhere."""

    sha256: str
    data_sha256: str
    rows: int
    verdict: Verdict
    figures: dict[str, Any]


def learn(lesson: Lesson) -> Learnt:
    """Train, measure on the frozen rows, judge. Takes some five minutes of one core."""
    lesson.out.parent.mkdir(parents=True, exist_ok=True)
    sweep(lesson.out.parent)
    with tempfile.TemporaryDirectory(dir=lesson.out.parent, prefix=f"{_UNDER_WAY}{lesson.out.name}-") as name:
        rows, made = Path(name) / "team.jsonl", Path(name) / lesson.out.name
        rows.write_text("".join(_line(row) for row in lesson.taught), encoding="utf-8")
        measured = frozen_rows()
        files = [rows, lesson.own] if lesson.taught else [lesson.own]  # what the team says of a text of ours counts
        trained = train_files(files, made, tests=measured)
        model = load_model(made)
        verdict = judge(load_model(lesson.serving), model, measured, lesson.newest)
        told = trained.held_out.as_json() if trained.held_out else {}
        data = hashlib.sha256(lesson.own.read_bytes() + rows.read_bytes()).hexdigest()
        shutil.rmtree(lesson.out, ignore_errors=True)  # of a process that died between this line and its row
        made.rename(lesson.out)
    return Learnt(folder_sha256(lesson.out), data, len(lesson.taught), verdict, told)


def sweep(models: Path, name: str = "") -> None:
    """Delete what lessons left behind that were killed, or one of them by its model: it holds what people wrote."""
    for left in models.glob(f"{_UNDER_WAY}{name}*"):
        shutil.rmtree(left, ignore_errors=True)


def _line(row: Row) -> str:
    told = {
        "text": row.text, "category": row.category, "family": row.family, "urgency": row.urgency,
        "language": row.language,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False) + "\n"


def folder_sha256(folder: Path) -> str:
    """One hash of everything that a model's folder holds, but its prose."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            total.update(f"{path.relative_to(folder).as_posix()}\n".encode())
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    total.update(chunk)
    return total.hexdigest()
