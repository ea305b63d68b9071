"""Templates: one environment, and what every template may call about whoever is looking.

Macros of parts.html and icons.html are there in every template without an import. `_`, `when`, `may` and their like
know the reader by a context variable, so that macros know them too; drawing never waits, so it cannot be mixed up.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from babel import Locale
from babel.dates import format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console import assets
from models.access import Permission
from phrases.say import say as say_phrase

TEMPLATES = Path(__file__).parent / "templates"
_MACROS = ("icons.html", "parts.html")


class Reader(Protocol):
    """Whoever looks at a page."""

    @property
    def language(self) -> str:
        """One of ours."""
        ...

    @property
    def timezone(self) -> str:
        """IANA name."""
        ...

    @property
    def csrf(self) -> str:
        """What their forms must bring along."""
        ...

    def now(self) -> datetime:
        """The present."""
        ...

    def may(self, permission: Permission) -> bool:
        """Whether they may."""
        ...


_reader: ContextVar[Reader] = ContextVar("reader")


def draw(reader: Reader, template: str, context: Mapping[str, Any], *, block: str | None = None) -> str:
    """A template as text: whole, or one of its blocks."""
    loaded = environment().get_template(template)
    known = {"visit": reader, "language": reader.language, **context}
    token = _reader.set(reader)
    try:
        if block is None:
            return loaded.render(known)
        here = loaded.new_context(known)
        return "".join(loaded.blocks[block](here))
    finally:
        _reader.reset(token)


def has_block(template: str, block: str) -> bool:
    """Whether a template itself has a block of that name."""
    return block in environment().get_template(template).blocks


@cache
def environment() -> Environment:
    """The one environment."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    made.globals.update(
        _=say, when=when, day=day, ago=ago, span=span, money=money, number=number, may=may, csrf_field=csrf_field,
        asset=assets.asset,
    )  # fmt: skip
    for name in _MACROS:
        module = made.get_template(name).module
        made.globals.update({key: value for key, value in vars(module).items() if not key.startswith("_")})
    return made


def say(code: str, /, **facts: Any) -> str:
    """A phrase in the reader's language."""
    reader = _reader.get()
    return say_phrase(code, facts, reader.language, timezone=reader.timezone)


def when(moment: datetime | str | None) -> str:
    """An instant in the reader's zone."""
    if moment is None:
        return "–"
    moment = _instant(moment)
    return _time(moment, say("console.value", value={"$at": moment.isoformat()}))


def day(moment: datetime | str | None) -> str:
    """Its date alone."""
    if moment is None:
        return "–"
    moment = _instant(moment)
    return _time(moment, say("console.value", value={"$date": moment.isoformat()}))


def ago(moment: datetime | str | None) -> str:
    """How long since, or until; the instant itself when pointed at."""
    if moment is None:
        return "–"
    moment, reader = _instant(moment), _reader.get()
    words = format_timedelta(moment - reader.now(), add_direction=True, locale=_locale(reader.language))
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        moment.isoformat(), say("console.value", value={"$at": moment.isoformat()}), words
    )


def span(seconds: float) -> str:
    """A length of time."""
    return say("console.value", value={"$span": int(seconds)})


def money(minor: int, currency: str) -> str:
    """An amount of minor units."""
    return say("console.value", value={"$money": [minor, currency]})


def number(value: float) -> str:
    """A number in the form of the reader's language."""
    return say("console.value", value=float(value))


def may(permission: str) -> bool:
    """Whether the reader may: `may("view_tickets")`. ValueError for a permission that there is not."""
    return _reader.get().may(Permission(permission))


def csrf_field() -> str:
    """What every form carries."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(_reader.get().csrf)


def _time(moment: datetime, words: str) -> str:
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), words)


def _instant(moment: datetime | str) -> datetime:
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)
