"""Finding and blanking what names a person, in whatever text or JSON it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers
from sqlalchemy import JSON, ColumnElement, String, Table, Text, cast, false, or_, select, update
from sqlalchemy.schema import Column

from desk.work import Work
from models.base import Base

BLANK = "…"
_HARMLESS = re.compile(r"[A-Za-z0-9_.:+\-]{0,40}")
"""A fact of this shape is a code, a reference, an instant or a number, not a sentence."""
_LEFT_ALONE = frozenset(
    {"contact", "member", "member_identity", "site", "fleet", "charger", "meta", "api_token", "model_version"}
)
"""Other people's own rows and registers: a name in them is theirs."""


@dataclass(frozen=True)
class Names:
    """What a person is called. `everywhere` names nobody else, `nearby` only counts in rows tied to them."""

    everywhere: tuple[str, ...]
    nearby: tuple[str, ...]


def telling(words: Iterable[str], least: int = 4) -> tuple[str, ...]:
    """Those long enough to mean somebody, longest first, so that no part is replaced before the whole."""
    return tuple(sorted({word.strip() for word in words if len(word.strip()) >= least}, key=len, reverse=True))


def written_forms(e164: str, region: str) -> list[str]:
    """The ways in which a number is written: +94771234567, 94771234567, 0771234567, 077 123 4567, +94 77 123 4567."""
    forms = [e164, e164.removeprefix("+")]
    try:
        number = phonenumbers.parse(e164, region)
    except phonenumbers.NumberParseException:
        return forms
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    spaced = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return [*forms, national, re.sub(r"\D", "", national), spaced, str(number.national_number)]


def wipe(work: Work, names: Names) -> int:
    """Replace every occurrence of what names the person everywhere; gives how many rows were changed."""
    if not names.everywhere:
        return 0
    pattern = _pattern(names.everywhere)
    return sum(
        _wipe_table(work, table, names.everywhere, pattern)
        for table in Base.metadata.sorted_tables
        if table.name not in _LEFT_ALONE
    )


def mentions(table: type[Any], words: Sequence[str]) -> ColumnElement[bool]:
    """Rows of a table in which one of the words stands."""
    return _holding(_free_columns(table.__table__), words)


def blank_facts(work: Work, table: type[Any], where: ColumnElement[bool], names: Names) -> None:
    """Blank the sentences in `facts` of these rows, and what was rendered from them; codes and references stay."""
    near = _pattern((*names.everywhere, *names.nearby)) if names.everywhere or names.nearby else None
    for row in work.session.scalars(select(table).where(where).execution_options(populate_existing=True)):
        kept = _without_sentences(row.facts or {})
        row.facts = _replaced(kept, near) if near else kept
        for name in ("text", "rendered"):
            if getattr(row, name, None):
                setattr(row, name, BLANK)
    work.session.flush()


def _without_sentences(value: Any) -> Any:
    match value:
        case str():
            return value if _HARMLESS.fullmatch(value) else BLANK
        case dict():
            return {
                key: item if key.startswith("$") and isinstance(item, str) else _without_sentences(item)
                for key, item in value.items()
            }
        case list():
            return [_without_sentences(item) for item in value]
        case _:
            return value


def _free_columns(table: Table) -> list[Column[Any]]:
    """Columns in which free text or JSON may stand; keys and enums cannot."""
    return [
        column
        for column in table.columns
        if not column.primary_key and not column.foreign_keys and isinstance(column.type, (String, Text, JSON))
        and type(column.type).__name__ != "Enum"
    ]  # fmt: skip


def _holding(columns: Sequence[Column[Any]], words: Sequence[str]) -> ColumnElement[bool]:
    found = [
        cast(column, Text).icontains(form, autoescape=True)
        for column in columns
        for word in words
        for form in ({word, json.dumps(word)[1:-1]} if isinstance(column.type, JSON) else {word})
    ]
    return or_(false(), *found)


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Any of the words; one of digits only where no further digit belongs to it."""
    parts = [rf"(?<!\d){re.escape(word)}(?!\d)" if word[-1].isdigit() else re.escape(word) for word in words]
    return re.compile("|".join(parts), re.IGNORECASE)


def _wipe_table(work: Work, table: Table, words: Sequence[str], pattern: re.Pattern[str]) -> int:
    columns = _free_columns(table)
    if not columns:
        return 0
    keys = list(table.primary_key.columns)
    rows = work.session.execute(select(*keys, *columns).where(_holding(columns, words))).all()
    changed = 0
    for row in rows:
        cells = zip(columns, row[len(keys) :], strict=True)
        values = {column.name: new for column, old in cells if (new := _replaced(old, pattern)) != old}
        if not values:
            continue
        where = [key == value for key, value in zip(keys, row[: len(keys)], strict=True)]
        work.session.execute(update(table).where(*where).values(values))
        changed += 1
    return changed


def _replaced(value: Any, pattern: re.Pattern[str]) -> Any:
    match value:
        case str():
            return pattern.sub(BLANK, value)
        case dict():
            return {_replaced(key, pattern): _replaced(item, pattern) for key, item in value.items()}
        case list():
            return [_replaced(item, pattern) for item in value]
        case _:
            return value
