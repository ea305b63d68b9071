"""The schema's history ends where the tables are, on both engines, and carries the rows of an older one along."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, MetaData, Table, select, text

from bot import migrate
from desk import database
from desk.installation import is_demo

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, on each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'fresh.db'}"
        return
    server: str = request.getfixturevalue("postgres_url")
    name = f"fresh_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    head, _, query = server.partition("?")
    yield f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    engine = database.writing_engine(url, pool_size=1)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def filled(connection: Connection) -> dict[str, dict[str, Any]]:
    """Two rows in every table that a revision may meet, made from what the schema itself says; by table, as read."""
    seen: dict[str, dict[str, Any]] = {}
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if table.name == "alembic_version":
            continue
        for number in (1, 2):
            connection.execute(table.insert().values(_row(table, number)))
        seen[table.name] = {"columns": [column.name for column in table.columns], "rows": _rows(connection, table)}
    return seen


def _row(table: Table, number: int) -> dict[str, Any]:
    row = {column.name: _cell(table, column, number) for column in table.columns}
    if table.name == "wallet":  # a wallet has one owner
        row["contact_id" if number == 1 else "fleet_id"] = None
    return row


def _cell(table: Table, column: Any, number: int) -> Any:
    kind = column.type.python_type if type(column.type).__name__ not in ("JSON", "JSONB") else dict
    length = getattr(column.type, "length", None) or 40
    values: dict[type, Any] = {
        int: number, float: number + 0.5, bool: True, datetime: AT, dict: {"n": number, "වචන": "ஆம்"},
        str: f"{table.name}.{column.name}{number}"[-length:],
    }  # fmt: skip
    points = column.primary_key or column.foreign_keys
    return str(number) if points and kind is str else values[kind]


def _rows(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    keys = list(table.primary_key.columns)
    return [tuple(row) for row in connection.execute(select(table).order_by(*keys))]


def test_the_newest_revision_and_the_tables_agree(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    with opened(empty_url) as connection:
        assert migrate.differences(connection) == []


def test_rows_of_the_oldest_schema_survive_every_later_revision(empty_url: str) -> None:
    oldest = migrate.revisions()[0]
    with opened(empty_url) as connection:
        migrate.upgrade_to(connection, oldest)
        before = filled(connection)
    assert len(before) > 30
    assert migrate.upgrade(empty_url) == (oldest, migrate.head())
    with opened(empty_url) as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        for name, kept in before.items():
            table = metadata.tables[name]
            now = [
                tuple(row)
                for row in connection.execute(
                    select(*(table.c[column] for column in kept["columns"])).order_by(*table.primary_key.columns)
                )
            ]
            assert now == kept["rows"], name
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_there_is_an_older_schema_to_come_from() -> None:
    assert len(migrate.revisions()) >= 2
    assert migrate.revisions() == sorted(migrate.revisions())


def test_upgrading_again_changes_nothing(empty_url: str) -> None:
    assert migrate.upgrade(empty_url)[0] is None
    assert migrate.upgrade(empty_url) == (migrate.head(), migrate.head())
    assert migrate.prepare(empty_url) is False


def test_a_newer_schema_is_refused_and_left_alone(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    with opened(empty_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refused in (migrate.upgrade, migrate.prepare):
        with pytest.raises(migrate.SchemaError, match=r"schema 9999, this version knows up to \d+"):
            refused(empty_url)
    assert migrate.current(empty_url) == "9999"


def test_a_database_of_somebody_else_is_refused(empty_url: str) -> None:
    with opened(empty_url) as connection:
        connection.execute(text("CREATE TABLE recipe (id INTEGER)"))
    with pytest.raises(migrate.SchemaError, match="not Chargehand's"):
        migrate.prepare(empty_url)


def test_several_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    outcomes: list[Any] = []

    def start() -> None:
        try:
            outcomes.append(migrate.prepare(empty_url))
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            outcomes.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [False, False, False, True]


def test_a_revision_that_fails_leaves_the_older_schema_whole(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest = migrate.revisions()[0]
    with opened(empty_url) as connection:
        migrate.upgrade_to(connection, oldest)
    real = migrate.upgrade_to

    def broken(connection: Connection, target: str) -> None:
        real(connection, target)
        raise RuntimeError("the power went")

    monkeypatch.setattr(migrate, "upgrade_to", broken)
    with pytest.raises(RuntimeError):
        migrate.upgrade(empty_url)
    monkeypatch.undo()
    assert migrate.current(empty_url) == oldest
    assert migrate.upgrade(empty_url) == (oldest, migrate.head())


def test_a_demo_marks_its_database_and_each_keeps_to_its_own(empty_url: str) -> None:
    assert migrate.prepare(empty_url, demo=True)
    with opened(empty_url) as connection:
        assert is_demo(connection)
    assert migrate.prepare(empty_url, demo=True) is False
    with pytest.raises(migrate.SchemaError, match="chargehand demo"):
        migrate.prepare(empty_url)


def test_a_demo_refuses_a_database_without_its_mark(empty_url: str) -> None:
    migrate.prepare(empty_url)
    with pytest.raises(migrate.SchemaError, match="was not made by `chargehand demo`"):
        migrate.prepare(empty_url, demo=True)


def test_a_database_that_is_away_is_one_clear_sentence() -> None:
    with pytest.raises(migrate.SchemaError, match="cannot be used"):
        migrate.upgrade("postgresql://nobody@127.0.0.1:1/none")
