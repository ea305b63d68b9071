"""States written out in a statement: SQLite uses a partial index only where it can read the value beside it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, literal


def is_one_of(column: Any, *states: StrEnum) -> ColumnElement[bool]:
    """`column = 'a'`, or `column IN ('a', 'b')`, with the values in the text of the statement."""
    values = [literal(state.value, literal_execute=True) for state in states]
    chosen: ColumnElement[bool] = column == values[0] if len(values) == 1 else column.in_(values)
    return chosen
