# ruff: noqa: S608 - every name in these statements is written in this file
"""The word indexes: what lets staff find a word in a million messages. SQLite keeps them in FTS5 tables, PostgreSQL in
a generated column of each table. Both cut text alike, pass over case and accents, and follow every change by
themselves, so that what is blanked in a row can no longer be found either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Table, event

from models.contact import Contact
from models.message import Message
from models.ticket import Ticket

INDEXED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "message": ("text",),
        "ticket": ("summary", "description"),
        "contact": ("name", "username", "email", "organisation"),
    }
)
"""The tables with words, and the columns that hold them."""

JOINERS = "\u200c\u200d"
"""Invisible characters that belong to a Sinhala or Tamil word."""
_ACCENTS, _BARE = "áàâäãåéèêëíìîïóòôöõúùûüñç", "aaaaaaeeeeiiiiooooouuuunc"
PLAIN = MappingProxyType(str.maketrans(_ACCENTS + _ACCENTS.upper(), _BARE * 2))
"""Letters that are found without their accents, too."""
_CUTS = "+-./:@_#&=<>~?'`^|*()[]{}!,;$\\"
"""What ends a word. PostgreSQL's own parser would make numbers, addresses and tags of some of them."""
_TOKENS = f"unicode61 remove_diacritics 2 categories ''L* N* Co Mn Mc'' tokenchars ''{JOINERS}''"


def fts_name(table: str) -> str:
    """The FTS5 table that indexes a table."""
    return f"{table}_words"


def sqlite_statements(table: str) -> list[str]:
    """What makes the index on SQLite: a table without a copy of the text, and the triggers that keep it."""
    name, columns = fts_name(table), INDEXED[table]
    listed = ", ".join(columns)
    new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("new", "old"))
    differs = " OR ".join(f"old.{column} IS NOT new.{column}" for column in columns)
    add = f"INSERT INTO {name} (rowid, {listed}) VALUES (new.id, {new});"
    drop = f"INSERT INTO {name} ({name}, rowid, {listed}) VALUES ('delete', old.id, {old});"
    return [
        f"CREATE VIRTUAL TABLE {name} USING fts5({listed}, content='{table}', content_rowid='id', "
        f"tokenize='{_TOKENS}', prefix='2 3 4 5 6 7')",
        f"CREATE TRIGGER {name}_added AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER {name}_gone AFTER DELETE ON {table} BEGIN {drop} END",
        f"CREATE TRIGGER {name}_changed AFTER UPDATE OF {listed} ON {table} WHEN {differs} BEGIN {drop} {add} END",
    ]


def postgresql_statements(table: str) -> list[str]:
    """What makes the index on PostgreSQL."""
    text = " || ' ' || ".join(f"coalesce({column}, '')" for column in INDEXED[table])
    given, instead = _CUTS + _ACCENTS + _ACCENTS.upper(), " " * len(_CUTS) + _BARE * 2
    cut = f"translate(lower({text}), E'{_quoted(given)}', '{instead}')"
    return [
        f"ALTER TABLE {table} ADD COLUMN words tsvector GENERATED ALWAYS AS (to_tsvector('simple', {cut})) STORED",
        f"CREATE INDEX ix_{table}_words ON {table} USING gin (words)",
    ]


def is_ours(item: Any, name: str | None, kind: str) -> bool:
    """Whether a table, column or index of the database is part of a word index, which no mapped table shows."""
    match kind:
        case "table":
            return any(str(name).startswith(fts_name(table)) for table in INDEXED)
        case "column":
            return name == "words" and item.table.name in INDEXED
        case _:
            return name in {f"ix_{table}_words" for table in INDEXED}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''")


def _maker(statements: Callable[[str], list[str]], dialect: str) -> Callable[..., None]:
    def make(table: Table, connection: Connection, **_: Any) -> None:
        if connection.dialect.name == dialect:
            for statement in statements(table.name):
                connection.exec_driver_sql(statement)

    return make


for _table in (Message.__table__, Ticket.__table__, Contact.__table__):
    event.listen(_table, "after_create", _maker(sqlite_statements, "sqlite"))
    event.listen(_table, "after_create", _maker(postgresql_statements, "postgresql"))
