"""The operator's approved templates: which ContentSid stands in for an intent in a language outside the window."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

from models.reply import Intent

log = logging.getLogger(__name__)

VARIABLE_LIMIT = 900
"""Characters of our text in a template's {{1}}: the whole, with the words around it, may have 1,024."""

_SID = re.compile(r"HX[0-9a-fA-F]{32}")
_INTENTS = frozenset({Intent.ALERT, Intent.REPLY, Intent.NOTICE, Intent.RECEIPT})

Table = dict[str, dict[str, str]]


class Templates:
    """A JSON file, `{"alert": {"en": "HX…"}}`, read again when it changes; a bad edit keeps what was there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._table: Table = {}
        self.error: str | None = None

    def find(self, intent: str, language: str) -> str | None:
        """The ContentSid for an intent in a language, else in English; None where the operator has none."""
        self._refresh()
        by_language = self._table.get(intent, {})
        return by_language.get(language.partition("-")[0].lower()) or by_language.get("en")

    def _refresh(self) -> None:
        try:
            info = self._path.stat()
            stamp = (info.st_mtime_ns, info.st_size)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._table = read_templates(self._path)
            self.error = None
        except (OSError, ValueError) as error:
            if self.error != str(error):
                log.error("the template file cannot be used, the last good one stays: %s", error)
            self.error = str(error)


def read_templates(path: Path) -> Table:
    """Read and check a template file. Raises OSError or ValueError with a line that says what is wrong."""
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    if not isinstance(given, dict) or not all(isinstance(value, dict) for value in given.values()):
        raise ValueError(f"{path}: must map intents to languages to ContentSids")
    for intent, languages in given.items():
        if intent not in _INTENTS:
            raise ValueError(f"{path}: {intent!r} is not one of {', '.join(sorted(_INTENTS))}")
        for language, sid in languages.items():
            if not isinstance(sid, str) or not _SID.fullmatch(sid):
                raise ValueError(f"{path}: {intent}.{language} is not a ContentSid (HX and 32 hexadecimal digits)")
    return {intent: {name.lower(): sid for name, sid in languages.items()} for intent, languages in given.items()}


def variable(text: str) -> str:
    """Our text as a template variable: WhatsApp refuses line breaks, tabs and runs of spaces in one."""
    flat = " · ".join(" ".join(line.split()) for line in text.splitlines() if line.strip())
    return flat if len(flat) <= VARIABLE_LIMIT else flat[: VARIABLE_LIMIT - 1] + "…"
