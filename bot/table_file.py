"""Reading a CSV or JSONL file into rows of text for an import."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from desk.imports import Row

MOST_BYTES = 64 * 1024 * 1024


class TableError(ValueError):
    """The file cannot be read as a table; names file and line."""


def read(path: Path) -> tuple[list[str], list[Row]]:
    """(columns, rows) of a file; blank lines are left out. Raises TableError and OSError."""
    if path.stat().st_size > MOST_BYTES:
        raise TableError(f"{path}: more than {MOST_BYTES // 2**20} MiB; split it")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8 text (byte {error.start})") from None
    reader = {".csv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl}.get(path.suffix.lower())
    if reader is None:
        raise TableError(f"{path}: unknown file type {path.suffix or '(none)'}; use .csv or .jsonl")
    columns, rows = reader(path, text)
    if not rows:
        raise TableError(f"{path}: holds no rows")
    return columns, rows


def _csv(path: Path, text: str) -> tuple[list[str], list[Row]]:
    lines = csv.reader(text.splitlines(keepends=True), strict=True)
    columns: list[str] | None = None
    rows: list[Row] = []
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _head(path, cells)
            elif len(cells) != len(columns):
                raise TableError(f"{path}, line {lines.line_num}: {len(cells)} cells where the head has {len(columns)}")
            else:
                rows.append(Row(lines.line_num, {key: cell.strip() for key, cell in zip(columns, cells, strict=True)}))
    except csv.Error as error:
        raise TableError(f"{path}, line {lines.line_num}: not CSV: {error}") from None
    return columns or [], rows


def _head(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    if len(set(names)) != len(names) or not all(names):
        raise TableError(f"{path}, line 1: the head must name each column once")
    return names


def _jsonl(path: Path, text: str) -> tuple[list[str], list[Row]]:
    rows = [Row(number, cells) for number, cells in _objects(path, text)]
    return list(dict.fromkeys(name for row in rows for name in row.cells)), rows


def _objects(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise TableError(f"{path}, line {number}: not JSON") from None
        if not isinstance(value, dict):
            raise TableError(f"{path}, line {number}: not a JSON object")
        yield number, {str(name): _cell(path, number, str(name), item) for name, item in value.items()}


def _cell(path: Path, number: int, name: str, value: Any) -> str:
    """A value as a CSV cell would have it; a list of words is joined with semicolons."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value.strip()
        case int() | float():
            return str(value)
        case list() if all(isinstance(item, str) for item in value):
            return ";".join(value)
        case _:
            raise TableError(f"{path}, line {number}: {name} must be text, a number, yes or no, or a list of words")
