"""Rows in bulk: COPY on PostgreSQL, executemany on SQLite, with the indexes made after the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text


def put(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as they are; instants are made what the engine keeps."""
    listed, driver = ", ".join(columns), connection.connection.driver_connection
    assert driver is not None
    if connection.dialect.name == "postgresql":
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({listed}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(columns))
    driver.executemany(f"INSERT INTO {table} ({listed}) VALUES ({marks})", (_stored(row) for row in rows))


def _stored(row: Sequence[Any]) -> list[Any]:
    return [cell.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(cell, datetime) else cell for cell in row]


@contextmanager
def without_indexes(connection: Connection, tables: Sequence[str]) -> Iterator[None]:
    """Drop what slows the writing of these tables, and make it again afterwards."""
    sqlite = connection.dialect.name == "sqlite"
    made = _sqlite(connection, tables) if sqlite else _postgresql(connection, tables)
    for kind, name, _ in made:
        connection.exec_driver_sql(f'DROP {kind} "{name}"')
    yield
    if sqlite:
        for table in tables:
            if connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = :n"), {"n": f"{table}_words"}).first():
                connection.exec_driver_sql(f"INSERT INTO {table}_words ({table}_words) VALUES ('rebuild')")
    for _, _, statement in made:
        connection.exec_driver_sql(statement)


def _sqlite(connection: Connection, tables: Sequence[str]) -> list[Any]:
    query = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = :t AND type <> 'table' AND sql IS NOT NULL"
    return [row for table in tables for row in connection.execute(text(query), {"t": table})]


def _postgresql(connection: Connection, tables: Sequence[str]) -> list[Any]:
    query = (
        "SELECT 'INDEX', indexname, indexdef FROM pg_indexes WHERE tablename = :t "
        "AND indexname NOT IN (SELECT conname FROM pg_constraint)"
    )
    return [row for table in tables for row in connection.execute(text(query), {"t": table})]
