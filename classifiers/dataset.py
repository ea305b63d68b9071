"""Labelled messages from CSV or JSONL, and the frozen split by family."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.errors import DataError
from classifiers.fold import fold
from models.reading import Urgency

URGENCIES = frozenset(urgency.value for urgency in Urgency)
TEST_SHARE = 5  # one family in five is held out
OWN_DATA = Path(__file__).parent / "data" / "messages.jsonl"
FROZEN = OWN_DATA.with_name("frozen.jsonl")


@dataclass(frozen=True)
class Row:
    """A labelled message. `family` is shared by paraphrases, which therefore never straddle the split.

    A `trap` has words of danger but is none: alarms on such rows are counted apart.
    """

    text: str
    category: str
    family: str
    second_category: str | None = None
    urgency: str | None = None
    language: str | None = None
    trap: bool = False

    @property
    def held_out(self) -> bool:
        """Whether the row belongs to the test part, for ever, by the hash of its family."""
        return bucket(self.family, "split", TEST_SHARE) == 0


def bucket(family: str, salt: str, count: int) -> int:
    """A number from 0 to count - 1 that depends on nothing but the words."""
    digest = hashlib.sha256(f"{salt}:{family}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % count


def _csv_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        try:
            for record in reader:
                yield reader.line_num, {key: value for key, value in record.items() if key is not None}
        except csv.Error as error:
            raise DataError(path, f"not CSV: {error}", reader.line_num) from error


def _jsonl_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise DataError(path, "not a JSON object", number) from error
            if not isinstance(record, dict):
                raise DataError(path, "not a JSON object", number)
            yield number, record


_READERS = {".csv": _csv_records, ".jsonl": _jsonl_records, ".ndjson": _jsonl_records}


def _word(path: Path, number: int, record: dict[str, Any], column: str) -> str | None:
    value = record.get(column)
    if value is None:
        return None
    if not isinstance(value, str):
        raise DataError(path, f"column '{column}' is not text", number)
    return value.strip() or None


def _row(path: Path, number: int, record: dict[str, Any]) -> Row:
    required: dict[str, str] = {}
    for column in ("text", "category"):
        if column not in record:
            raise DataError(path, f"no column '{column}'; columns are: {', '.join(map(str, record))}", number)
        value = _word(path, number, record, column)
        if value is None:
            raise DataError(path, f"column '{column}' is empty", number)
        required[column] = value
    urgency = _word(path, number, record, "urgency")
    if urgency is not None and urgency not in URGENCIES:
        raise DataError(path, f"urgency '{urgency}' is none of: {', '.join(sorted(URGENCIES))}", number)
    return Row(
        text=required["text"],
        category=required["category"],
        family=_word(path, number, record, "family") or fold(required["text"]) or required["text"],
        second_category=_word(path, number, record, "second_category"),
        urgency=urgency,
        language=_word(path, number, record, "language"),
        trap=str(record.get("trap")).lower() in ("true", "1"),
    )


def read_rows(path: Path) -> list[Row]:
    """All rows of a CSV or JSONL file. Raises DataError naming file and line for anything that is wrong."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(path, f"unknown file type '{path.suffix}'; use .csv or .jsonl")
    try:
        rows = [_row(path, number, record) for number, record in reader(path)]
    except OSError as error:
        raise DataError(path, error.strerror or "cannot be read") from error
    except UnicodeDecodeError as error:
        raise DataError(path, "not UTF-8 text") from error
    if not rows:
        raise DataError(path, "holds no rows")
    return rows


def read_files(paths: Iterable[Path]) -> list[Row]:
    """The rows of several files, in order, each text once."""
    seen: set[str] = set()
    rows: list[Row] = []
    for path in paths:
        for row in read_rows(path):
            if row.text not in seen:
                seen.add(row.text)
                rows.append(row)
    return rows
