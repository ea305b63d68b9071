"""The catalogues: one gettext file a language and domain, read once, each message compiled into literals and fields.

A message's id is its code (`ticket.opened`). Its text may hold `{name}` fields and nothing else of str.format's
language: no attributes, no indexes, no conversions, so that a fact can never reach into an object.
`{{` and `}}` stand for braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from types import MappingProxyType

import polib

from models import languages

LANGUAGES = languages.LANGUAGES
LOCALE = Path(__file__).parent / "locale"

_SPOKEN = {"si-latn": "si", "ta-latn": "ta"}


class CatalogueError(ValueError):
    """A catalogue cannot be used; the message names the file and the code."""


@dataclass(frozen=True)
class Template:
    """A message as alternating literal text and field name; the name is None after the last literal."""

    parts: tuple[tuple[str, str | None], ...]

    @property
    def fields(self) -> frozenset[str]:
        """The names of the facts that the message needs."""
        return frozenset(name for _, name in self.parts if name is not None)


def spoken(language: str | None) -> str:
    """The language we answer in: `si-Latn` is answered in Sinhala, `ta-Latn` in Tamil, what we lack in English."""
    tag = (language or "").lower().replace("_", "-")
    tag = _SPOKEN.get(tag, tag.partition("-")[0])
    return tag if tag in LANGUAGES else LANGUAGES[0]


def compile_template(text: str) -> Template:
    """Parse a message; ValueError for anything but plain `{name}` fields."""
    parts: list[tuple[str, str | None]] = []
    for literal, name, spec, conversion in Formatter().parse(text):
        if name is not None and (not name.isidentifier() or spec or conversion):
            raise ValueError(f"only plain {{name}} fields are allowed, not {{{name}}}")
        parts.append((literal, name))
    return Template(tuple(parts))


@cache
def templates(language: str) -> Mapping[str, Template]:
    """Every message of one of LANGUAGES by its code. CatalogueError for a file that cannot be used."""
    found: dict[str, Template] = {}
    for path in sorted((LOCALE / language).glob("*.po")):
        found.update(read(path))
    return MappingProxyType(found)


def read(path: Path) -> dict[str, Template]:
    """The messages of one file."""
    try:
        entries = polib.pofile(str(path), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    found: dict[str, Template] = {}
    for entry in entries:
        if entry.obsolete:
            continue
        if not entry.msgstr:
            raise CatalogueError(f"{path}: {entry.msgid} has no text")
        if entry.msgid in found:
            raise CatalogueError(f"{path}: {entry.msgid} stands there twice")
        try:
            found[entry.msgid] = compile_template(entry.msgstr)
        except ValueError as error:
            raise CatalogueError(f"{path}: {entry.msgid}: {error}") from error
    return found
