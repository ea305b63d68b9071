"""Searching by words: in what people wrote, in tickets and in contacts. Whatever is typed is only ever words.

Every word must stand in the text; the last may be the beginning of one, as somebody types it. The newest come first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Subquery, and_, column, func, literal_column, select, table

from desk import stretch
from desk.stretch import Part
from desk.work import Work
from models.words import JOINERS, PLAIN, fts_name

MOST_WORDS = 8
LONGEST_WORD = 40
MOST_LOOKED_AT = 1_000
"""Rows with the words that are asked, for one part, whether they fit the other filters."""
SHORTEST_BEGINNING = 2
"""A single letter begins half of all words: it is only found as a word of its own."""


def words_in(typed: str) -> list[str]:
    """The words of a search, lower case and without accents; signs of every kind only part them."""
    whole = unicodedata.normalize("NFC", typed[:500]).lower()
    kept = "".join(letter if _is_part_of_a_word(letter) else " " for letter in whole)
    return [word[:LONGEST_WORD] for word in kept.translate(dict(PLAIN)).split()][:MOST_WORDS]


def _is_part_of_a_word(letter: str) -> bool:
    return letter in JOINERS or unicodedata.category(letter)[0] in "LNM"


def keys(
    work: Work, entity: type[Any], typed: str, *, limit: int, after: int | None = None,
    rest: Sequence[ColumnElement[bool]] = (),
) -> Part:  # fmt: skip
    """The keys of the messages, tickets or contacts that hold the words and fit the `rest`.

    Nothing for a search without a word. Of many that hold the words, only a stretch is asked whether it fits.
    """
    words = words_in(typed)
    if not words:
        return Part()
    stretch.plan_for_values(work)
    found = _postgresql(entity, words) if work.postgresql else _sqlite(entity, words)
    if after is not None:
        found = found.where(found.selected_columns.id < after)
    found = found.order_by(found.selected_columns.id.desc())
    if not rest:
        return stretch.cut(list(work.session.scalars(found.limit(limit + 1))), limit)

    def looked_at(size: int) -> Subquery:
        some = found.limit(size).subquery()
        return select(entity.id, and_(*rest).label("fits")).join(some, some.c.id == entity.id).subquery()

    return stretch.choose(work, looked_at, limit, MOST_LOOKED_AT)


def _sqlite(entity: type[Any], words: list[str]) -> Select[Any]:
    name = fts_name(entity.__tablename__)
    index = table(name, column("rowid", Integer), column(name))
    return select(index.c.rowid.label("id")).where(index.c[name].op("MATCH")(_match(words)))


def _postgresql(entity: type[Any], words: list[str]) -> Select[Any]:
    query = func.to_tsquery(literal_column("'simple'"), _tsquery(words))
    return select(entity.id).where(literal_column(f"{entity.__tablename__}.words").op("@@")(query))


def _match(words: list[str]) -> str:
    """For FTS5: words in quotes cannot be operators."""
    query = " ".join(f'"{word}"' for word in words)
    return query + " *" if _may_begin(words[-1]) else query


def _tsquery(words: list[str]) -> str:
    query = " & ".join(f"'{word}'" for word in words)
    return query + ":*" if _may_begin(words[-1]) else query


def _may_begin(word: str) -> bool:
    return len(word) >= SHORTEST_BEGINNING
