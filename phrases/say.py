"""Say it: a code and its facts become a sentence in a person's language.

Facts are JSON. Text is put in as it is, whole numbers as they are, other numbers in the language's form;
`{"$money": [minor, currency]}`, `{"$at": ISO instant}`, `{"$date": ISO instant}`, `{"$span": seconds}`,
`{"$code": code, …facts}` and `{"$list": [fact, …]}` (one per line) are formatted for the language. None is a dash.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal

from models.money import Money
from phrases.catalogue import spoken, templates

_DEEPEST = 6
_NEVER_ROUND = 1e9  # babel then keeps to the unit it is given
_UNITS: tuple[tuple[Literal["day", "hour", "minute", "second"], int], ...] = (
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
    ("second", 1),
)
_MONEY = {"es": "#,##0.00 ¤¤"}
_MONEY_ELSE = "¤¤ #,##0.00;¤¤ -#,##0.00"
_PLAIN = str.maketrans({"\u202f": " ", "\u00a0": " ", "\u200f": "", "\u200e": ""})


def say(code: str, facts: Mapping[str, Any], language: str, *, timezone: str = "UTC") -> str:
    """The sentence for `code`. Instants are shown in `timezone` (IANA name).

    Raises KeyError for a code that no catalogue has or a fact that the sentence needs and was not given,
    ValueError for a fact of a shape that is not known.
    """
    return _Speaker(spoken(language), timezone).say(code, facts, 0)


def spell(fact: Any, language: str, *, timezone: str = "UTC") -> str:
    """A single fact in words. Raises like `say`."""
    return _Speaker(spoken(language), timezone).fact(fact, 0)


class _Speaker:
    """One language and time zone."""

    def __init__(self, language: str, timezone: str) -> None:
        self.language = language
        self.locale = _locale(language)
        self.zone = ZoneInfo(timezone)

    def say(self, code: str, facts: Mapping[str, Any], depth: int) -> str:
        template = templates(self.language).get(code)
        if template is None:
            raise KeyError(f"no phrase for {code!r} in {self.language!r}")
        out: list[str] = []
        for literal, name in template.parts:
            out.append(literal)
            if name is not None:
                if name not in facts:
                    raise KeyError(f"{code!r} needs the fact {name!r}")
                out.append(self.fact(facts[name], depth + 1))
        return "".join(out)

    def fact(self, value: Any, depth: int) -> str:
        if depth > _DEEPEST:
            raise ValueError("facts are nested too deep")
        match value:
            case None:
                return "–"
            case str():
                return value
            case bool():
                return "✓" if value else "✗"
            case int():
                return str(value)
            case float() | Decimal():
                return str(format_decimal(value, format="#,##0.##", locale=self.locale)).translate(_PLAIN)
            case Mapping():
                return self.marked(value, depth)
        raise ValueError(f"a fact cannot be a {type(value).__name__}")

    def marked(self, value: Mapping[str, Any], depth: int) -> str:
        match dict(value):
            case {"$money": [int() as minor, str() as currency]}:
                amount = Money(minor, currency).decimal
                pattern = _MONEY.get(self.language, _MONEY_ELSE)
                return str(format_currency(amount, currency, format=pattern, locale=self.locale)).translate(_PLAIN)
            case {"$at": str() as instant}:
                return self.instant(instant)
            case {"$date": str() as instant}:
                return self.date(self.local(instant))
            case {"$span": int() | float() as seconds}:
                return self.span(int(seconds))
            case {"$code": str() as code, **facts}:
                return self.say(code, facts, depth)
            case {"$list": list() as items}:
                return "\n".join(self.fact(item, depth + 1) for item in items)
        raise ValueError(f"a fact cannot be marked with {sorted(map(str, value))}")

    def local(self, instant: str) -> datetime:
        moment = datetime.fromisoformat(instant)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(self.zone)

    def instant(self, instant: str) -> str:
        moment = self.local(instant)
        time = format_time(moment, "short", tzinfo=self.zone, locale=self.locale)
        return f"{self.date(moment)}, {time}".translate(_PLAIN)

    def date(self, moment: datetime) -> str:
        return str(format_skeleton("yMMMd", moment, tzinfo=self.zone, locale=self.locale)).translate(_PLAIN)

    def span(self, seconds: int) -> str:
        """The two largest units that say something: `1 hour 30 minutes`."""
        rest = abs(seconds)
        words: list[str] = []
        for unit, size in _UNITS:
            count, rest = divmod(rest, size)
            if count or (unit == "second" and not words):
                length = timedelta(seconds=count * size)
                words.append(format_timedelta(length, granularity=unit, threshold=_NEVER_ROUND, locale=self.locale))
            if len(words) == 2 or (words and unit == "minute"):
                break
        return " ".join(words).translate(_PLAIN)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)
