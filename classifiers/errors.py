"""What is wrong with data or with a model folder, told so that a person can mend it."""

from __future__ import annotations

from pathlib import Path


class DataError(ValueError):
    """A file cannot be used. The message names the file and, where there is one, the line."""

    def __init__(self, path: Path, problem: str, line: int | None = None) -> None:
        self.path = path
        self.line = line
        self.problem = problem
        where = str(path) if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {problem}")
