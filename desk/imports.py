"""Bringing in chargers, contacts, tags, tariffs and members from rows of text: all or nothing, and safe to repeat.

A row names its columns; an empty cell changes nothing. A row whose key is known changes what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select

from desk import audit
from desk.work import Work
from models.charger import Fleet
from models.errors import BadInput, Refusal
from models.money import from_decimal
from models.phone import e164

MOST_SHOWN = 50
"""Troubles told of one file; the rest is counted."""
E_ = TypeVar("E_", bound=StrEnum)


@dataclass(frozen=True)
class Row:
    """A line of a file: its number and its cells by column, trimmed."""

    line: int
    cells: Mapping[str, str]

    def get(self, column: str, limit: int = 200) -> str | None:
        """A cell's text, None where it is empty. Refuses what does not fit."""
        text = self.cells.get(column, "").strip()
        if len(text) > limit or not text.isprintable():
            raise BadInput("import.bad_text", column=column, limit=limit)
        return text or None

    def need(self, column: str, limit: int = 200) -> str:
        """A cell that may not be empty."""
        text = self.get(column, limit)
        if text is None:
            raise BadInput("import.empty", column=column)
        return text

    def choice(self, column: str, kind: type[E_]) -> E_ | None:
        """A cell that holds one of the words of `kind`, whatever its case."""
        text = self.get(column)
        if text is None:
            return None
        for item in kind:
            if item.value.lower() == text.lower():
                return item
        raise BadInput("import.bad_choice", column=column, value=text, allowed=", ".join(item.value for item in kind))

    def number(self, column: str, least: int, most: int) -> int | None:
        """A whole number."""
        text = self.get(column)
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise BadInput("import.bad_number", column=column, value=text, least=least, most=most)
        return int(text)

    def decimal(self, column: str) -> Decimal | None:
        """A number with a decimal point, at most twelve digits before it."""
        text = self.get(column)
        if text is None:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise BadInput("import.bad_amount", column=column, value=text) from None
        if not value.is_finite() or abs(value) >= 10**12:
            raise BadInput("import.bad_amount", column=column, value=text)
        return value

    def yes(self, column: str) -> bool | None:
        """yes or no."""
        text = (self.get(column) or "").lower()
        if not text:
            return None
        if text in ("yes", "true", "1"):
            return True
        if text in ("no", "false", "0"):
            return False
        raise BadInput("import.bad_choice", column=column, value=text, allowed="yes, no")

    def phone(self, column: str, region: str) -> str | None:
        """A phone number, as E.164."""
        text = self.get(column)
        if text is None:
            return None
        return phone_number(text, region, column)

    def day_end(self, column: str, timezone: str) -> datetime | None:
        """The end of a day (2027-12-31) in a time zone, as UTC."""
        text = self.get(column)
        if text is None:
            return None
        try:
            day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - the zone is added below
            local = datetime.combine(day, time(23, 59, 59), ZoneInfo(timezone))
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadInput("import.bad_date", column=column, value=text) from None


def phone_number(text: str, region: str, column: str = "phone") -> str:
    """A phone number as E.164; `region` is the country of one written without. Refuses what cannot be one."""
    number = e164(text, region)
    if number is None:
        raise BadInput("import.bad_phone", column=column, value=text)
    return number


@dataclass
class Tally:
    """What an import did, or would do."""

    added: int = 0
    changed: int = 0
    same: int = 0


@dataclass(frozen=True)
class Kind:
    """A kind of import: its columns (the first is the key), and what one row does: `added`, `changed` or `same`."""

    name: str
    columns: tuple[str, ...]
    take: Callable[[Work, Row], str]
    needed: frozenset[str] = field(default_factory=frozenset)


def bring_in(work: Work, kind: Kind, columns: Iterable[str], rows: Sequence[Row], *, dry_run: bool = False) -> Tally:
    """Take every row, or none: any trouble refuses the whole file and tells each line's trouble.

    A dry run does all of it and undoes it.
    """
    _check_columns(kind, columns)
    tally, troubles = Tally(), []
    with work.session.begin_nested() as point:
        seen: dict[str, int] = {}
        for row in rows:
            try:
                _refuse_repeat(kind, row, seen)
                outcome = kind.take(work, row)
                setattr(tally, outcome, getattr(tally, outcome) + 1)
            except Refusal as refusal:
                troubles.append({"$code": "import.line", "line": row.line, "why": _why(refusal)})
        if troubles:
            shown = [*troubles[:MOST_SHOWN]]
            raise BadInput("import.refused", count=len(troubles), of=len(rows), lines={"$list": shown})
        work.session.flush()
        if dry_run:
            point.rollback()
            work.topics.clear()
    if not dry_run and (tally.added or tally.changed):
        audit.record(work, f"import.{kind.name}", f"import:{kind.name}", added=tally.added, changed=tally.changed)
    return tally


def _why(refusal: Refusal) -> dict[str, object]:
    return {"$code": refusal.code, **refusal.facts}


def _check_columns(kind: Kind, columns: Iterable[str]) -> None:
    given = set(columns)
    if unknown := sorted(given - set(kind.columns)):
        raise BadInput("import.unknown_column", column=unknown[0][:60], known=", ".join(kind.columns))
    if missing := sorted(kind.needed - given):
        raise BadInput("import.no_column", column=missing[0])


def _refuse_repeat(kind: Kind, row: Row, seen: dict[str, int]) -> None:
    key = (row.get(kind.columns[0]) or "").lower()
    if key and key in seen:
        raise BadInput("import.twice", value=key, line=seen[key])
    seen[key] = row.line


def fleet_named(work: Work, name: str | None) -> int | None:
    """The key of the fleet of that name, made where there is none."""
    if name is None:
        return None
    known = fleet_known(work, name)
    if known is not None:
        return known
    fleet = Fleet(name=name[:200])
    work.session.add(fleet)
    work.session.flush()
    return fleet.id


def fleet_known(work: Work, name: str) -> int | None:
    """The key of the fleet of that name."""
    return work.session.scalar(select(Fleet.id).where(Fleet.name == name))


def differ(row: object, values: Mapping[str, object]) -> bool:
    """Set what is given and differs; tells whether anything did."""
    changed = False
    for name, value in values.items():
        if value is not None and getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed


def minor_units(work: Work, amount: Decimal) -> int:
    """An amount in the house's currency, in minor units."""
    return from_decimal(amount, work.house.currency).minor
