"""Opening the database: engines for SQLite and PostgreSQL with the settings that durability rests on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url

BUSY_TIMEOUT_MS = 10_000


def is_sqlite(url: str) -> bool:
    """Which of the two engines a database address names."""
    return make_url(url).get_backend_name() == "sqlite"


def normalise(url: str) -> str:
    """The address with the driver that we use; refuses an engine we do not know."""
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if backend == "sqlite":
        return parsed.set(drivername="sqlite").render_as_string(hide_password=False)
    raise ValueError(f"the database must be sqlite or postgresql, not {backend}")


def writing_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An engine whose transactions may write. On SQLite each begins IMMEDIATE, so that none fails half-way."""
    if not is_sqlite(url):
        return create_engine(
            normalise(url), pool_size=pool_size, max_overflow=2, pool_pre_ping=True, pool_timeout=10,
            connect_args={"connect_timeout": 5},
        )  # fmt: skip
    engine = _sqlite_engine(url)
    event.listen(engine, "connect", _sqlite_setup(query_only=False))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def reading_engine(url: str, *, pool_size: int = 4) -> Engine:
    """An engine that cannot write."""
    if not is_sqlite(url):
        return create_engine(
            normalise(url), pool_size=pool_size, max_overflow=2, pool_pre_ping=True, pool_timeout=10,
            connect_args={"connect_timeout": 5, "options": "-c default_transaction_read_only=on"},
        )  # fmt: skip
    engine = _sqlite_engine(url)
    event.listen(engine, "connect", _sqlite_setup(query_only=True))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN DEFERRED"))
    return engine


def _sqlite_engine(url: str) -> Engine:
    database = make_url(url).database
    if not database or database == ":memory:":
        raise ValueError("an in-memory SQLite database keeps no promise; name a file")
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    return create_engine(normalise(url), connect_args={"check_same_thread": False})


def _sqlite_setup(*, query_only: bool) -> Callable[[sqlite3.Connection, Any], None]:
    def setup(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        if query_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    return setup
