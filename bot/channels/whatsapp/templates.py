"""The operator's approved templates: which one stands in for an intent in a language outside the window."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.reply import Intent

log = logging.getLogger(__name__)

VARIABLE_LIMIT = 900
"""Characters of our text in a template's variables: the whole, with the words around them, may have 1,024."""
SHORT_LIMIT = 120
"""Characters of a variable that is not the whole text."""
TEXT = "text"
"""The variable that holds the whole message."""
BUTTONS = ("take", "snooze", "ack")
"""What `"buttons": true` stands for: what a page about a ticket offers, in the order of the template's buttons."""

_SID = re.compile(r"HX[0-9a-fA-F]{32}")
_NAME = re.compile(r"[a-z_]{1,40}")
_INTENTS = frozenset({Intent.ALERT, Intent.REPLY, Intent.NOTICE, Intent.RECEIPT})
_ABSENT = "–"


@dataclass(frozen=True)
class Template:
    """An approved template. `variables` name facts of the message, in the order of {{1}}, {{2}}, …; `buttons` name
    the actions whose ids follow them. `plain` is taken for a message that does not offer all of these.
    """

    sid: str
    variables: tuple[str, ...] = (TEXT,)
    buttons: tuple[str, ...] = ()
    plain: str | None = None

    def fill(self, text: str, words: Mapping[str, str], actions: Mapping[str, str]) -> Filled:
        """The variables for a message: its text, its facts in words, and the ids of what it offers by action."""
        if not all(name in actions for name in self.buttons) and self.plain is not None:
            return Template(self.plain).fill(text, words, {})
        left, values = VARIABLE_LIMIT, []
        for name in self.variables:
            if name != TEXT:
                values.append(variable(words.get(name) or _ABSENT, SHORT_LIMIT))
                left -= len(values[-1])
        shorts = iter(values)
        shown = [variable(text, max(left, SHORT_LIMIT)) if name == TEXT else next(shorts) for name in self.variables]
        ids = [actions.get(name) or f"none.{name}" for name in self.buttons]
        return Filled(self.sid, {str(n): value for n, value in enumerate([*shown, *ids], 1)}, max(shown, key=len))


@dataclass(frozen=True)
class Filled:
    """A template with its variables; `said` is the part of it by which the message can be found again."""

    sid: str
    values: dict[str, str]
    said: str


Table = dict[str, dict[str, Template]]


class Templates:
    """A JSON file, `{"alert": {"en": "HX…"}}`, read again when it changes; a bad edit keeps what was there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._table: Table = {}
        self.error: str | None = None

    def find(self, intent: str, language: str) -> Template | None:
        """The template for an intent in a language, else in English; None where the operator has none."""
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
    for intent in given:
        if intent not in _INTENTS:
            raise ValueError(f"{path}: {intent!r} is not one of {', '.join(sorted(_INTENTS))}")
    return {
        intent: {name.lower(): _template(value, f"{path}: {intent}.{name}") for name, value in languages.items()}
        for intent, languages in given.items()
    }


def _template(given: Any, where: str) -> Template:
    """`"HX…"`, or `{"sid": "HX…", "variables": ["ref", "text"], "buttons": true, "plain": "HX…"}`."""
    if not isinstance(given, dict):
        return Template(_sid(given, where))
    if unknown := set(given) - {"sid", "variables", "buttons", "plain"}:
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}")
    buttons = given.get("buttons", False)
    return Template(
        _sid(given.get("sid"), where),
        _names(given.get("variables", [TEXT]), where, "variables"),
        BUTTONS if buttons is True else () if buttons is False else _names(buttons, where, "buttons"),
        _sid(given["plain"], f"{where}.plain") if "plain" in given else None,
    )


def _sid(given: Any, where: str) -> str:
    if not isinstance(given, str) or not _SID.fullmatch(given):
        raise ValueError(f"{where} is not a ContentSid (HX and 32 hexadecimal digits)")
    return given


def _names(given: Any, where: str, what: str) -> tuple[str, ...]:
    listed = isinstance(given, list) and bool(given)
    if not listed or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in given):
        raise ValueError(f"{where}: {what} must be a list of names")
    return tuple(given)


def variable(text: str, limit: int = VARIABLE_LIMIT) -> str:
    """Our text as a template variable: WhatsApp refuses line breaks, tabs and runs of spaces in one."""
    flat = " · ".join(" ".join(line.split()) for line in text.splitlines() if line.strip())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
