"""How well the rules find what a text names, on a file of texts with what they truly name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from classifiers.entities import collect, find_mentions
from classifiers.errors import DataError
from models.reading import Entities, Registers

KINDS = tuple(Entities().as_json())


@dataclass(frozen=True)
class KindFigures:
    """One kind of thing: shares from 0 to 1, and how many there truly are."""

    precision: float
    recall: float
    f1: float
    named: int


@dataclass(frozen=True)
class EntityReport:
    """Figures by kind over all texts of a file."""

    data: str
    texts: int
    by_kind: dict[str, KindFigures]

    def as_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return asdict(self)


def _things(kind: str, values: Iterable[Any]) -> set[Any]:
    """Values that can be compared: a sum of money by its worth, not by its spelling."""
    return {(Decimal(one["value"]), one["currency"]) if kind == "amount" else one for one in values}


def _registers(about: dict[str, Any]) -> Registers:
    return Registers(
        chargers=dict(about.get("chargers", {})),
        sites=dict(about.get("sites", {})),
        id_tags=frozenset(about.get("id_tags", ())),
    )


def evaluate_entities(data: Path) -> EntityReport:
    """Figures on a JSONL file of `{"text", "entities"}`; a first line `{"registers": …}` names what is registered.

    Raises DataError for a file that cannot be read.
    """
    try:
        told = enumerate(data.read_text(encoding="utf-8").split("\n"), start=1)
        lines = [(number, json.loads(line)) for number, line in told if line.strip()]
    except OSError as error:
        raise DataError(data, error.strerror or "cannot be read") from error
    except ValueError as error:
        raise DataError(data, "not JSON objects, a line each") from error
    registers = Registers()
    if lines and isinstance(lines[0][1], dict) and "registers" in lines[0][1]:
        registers = _registers(lines.pop(0)[1]["registers"])
    found: Counter[str] = Counter()
    given: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for number, line in lines:
        if not isinstance(line, dict) or not (
            isinstance(line.get("text"), str) and isinstance(line.get("entities"), dict)
        ):
            raise DataError(data, "needs 'text' and 'entities'", number)
        said = collect(line["text"], find_mentions(line["text"], registers), registers).as_json()
        for kind in KINDS:
            wanted, got = _things(kind, line["entities"].get(kind, ())), _things(kind, said[kind])  # type: ignore[literal-required]
            found[kind] += len(wanted & got)
            given[kind] += len(got)
            true[kind] += len(wanted)
    return EntityReport(
        data.name,
        len(lines),
        {
            kind: KindFigures(
                found[kind] / max(given[kind], 1),
                found[kind] / max(true[kind], 1),
                2 * found[kind] / max(given[kind] + true[kind], 1),
                true[kind],
            )
            for kind in KINDS
        },
    )


def render_entities(figures: EntityReport) -> str:
    """The figures as text for a terminal."""
    lines = [
        f"what {figures.texts} texts of {figures.data} name",
        "  kind           precision  recall   F1       named",
    ]
    lines += [
        f"  {kind:14.14} {100 * one.precision:6.1f} %  {100 * one.recall:6.1f} % {100 * one.f1:6.1f} %  {one.named:5d}"
        for kind, one in figures.by_kind.items()
    ]
    return "\n".join(lines)
