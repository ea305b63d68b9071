"""The knowledge file on disk: read at the start, read again when it changed; a bad edit keeps the old knowledge."""

from __future__ import annotations

import logging
from pathlib import Path

from classifiers.fold import fold
from desk.knowledge import Index, Knowledge, KnowledgeError, parse

log = logging.getLogger(__name__)


def load(path: Path) -> Knowledge:
    """Read a file. KnowledgeError names the line; OSError where it cannot be read."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise KnowledgeError("the file is not UTF-8", 1) from error


class KnowledgeFile:
    """A file that somebody may edit while we run."""

    def __init__(self, path: Path) -> None:
        """The first read must succeed: KnowledgeError or OSError otherwise."""
        self.path = path
        self.problem: str | None = None
        self._stamp = self._mark()
        self._index = Index.of(load(path), fold)

    @property
    def index(self) -> Index:
        """The newest good knowledge; looks at the file's size and time first. `problem` says what is wrong now."""
        stamp = self._mark()
        if stamp is not None and stamp != self._stamp:
            self._stamp = stamp
            self._read_again()
        return self._index

    def _mark(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _read_again(self) -> None:
        try:
            self._index = Index.of(load(self.path), fold)
            self.problem = None
            log.info("knowledge read again from %s", self.path)
        except (KnowledgeError, OSError) as error:
            self.problem = f"{self.path}: {error}"
            log.warning("the knowledge file cannot be used, the old knowledge stays: %s", self.problem)
