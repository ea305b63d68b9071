"""The word indexes: made alike by the history and by the tables, and filled from what was there before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from bot import migrate
from desk import database
from models.tables import metadata

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_OBJECTS = {
    "sqlite": "SELECT type, name, sql FROM sqlite_master WHERE name LIKE '%\\_words%' ESCAPE '\\' ORDER BY name",
    "postgresql": (
        "SELECT table_name, column_name, generation_expression FROM information_schema.columns "
        "WHERE column_name = 'words' UNION SELECT tablename, indexname, indexdef FROM pg_indexes "
        "WHERE indexname LIKE '%words' ORDER BY 1, 2"
    ),
}


def objects(connection: Connection) -> list[Any]:
    return [tuple(row) for row in connection.execute(text(_OBJECTS[connection.dialect.name]))]


def test_history_and_tables_make_the_same_indexes(database_url: str) -> None:
    """`database_url` was made from the tables."""
    tables, history = database.writing_engine(database_url), None
    try:
        with tables.begin() as connection:
            made = objects(connection)
            assert len(made) >= 6
            metadata.drop_all(connection)
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
            for kind, name, _ in made:
                if kind == "table" and name.endswith("_words"):
                    connection.execute(text(f"DROP TABLE {name}"))
        migrate.upgrade(database_url)
        history = database.writing_engine(database_url)
        with history.begin() as connection:
            assert objects(connection) == made
    finally:
        for engine in (tables, history):
            if engine is not None:
                engine.dispose()


def test_what_was_written_before_is_found_after(database_url: str) -> None:
    engine = database.writing_engine(database_url)
    with engine.begin() as connection:
        _empty(connection)
        migrate.upgrade_to(connection, "0005")
        connection.execute(
            text(
                "INSERT INTO contact (id, name, tier, account_active, created_at) "
                "VALUES (1, 'ZOË Perera', 'gold', true, :at)"
            ),
            {"at": AT if connection.dialect.name == "postgresql" else AT.strftime("%Y-%m-%d %H:%M:%S.%f")},
        )
        connection.execute(
            text(
                "INSERT INTO contact_identity (id, contact_id, kind, value, account, created_at) "
                "SELECT 1, 1, 'phone', '+94771234567', '', created_at FROM contact"
            )
        )
        migrate.upgrade_to(connection, "head")
        contact = connection.execute(text("SELECT sort_name FROM contact")).scalar_one()
        backwards = connection.execute(text("SELECT backwards FROM contact_identity")).scalar_one()
        found = connection.execute(
            text("SELECT id FROM contact WHERE words @@ to_tsquery('simple', 'zoe')")
            if connection.dialect.name == "postgresql"
            else text("SELECT rowid FROM contact_words WHERE contact_words MATCH 'zoe'")
        ).scalars()
        assert (contact, backwards, list(found)) == ("zoë perera", "76543217749+", [1])
    engine.dispose()


def _empty(connection: Connection) -> None:
    metadata.drop_all(connection)
    if connection.dialect.name == "sqlite":
        for name in ("message", "ticket", "contact"):
            connection.execute(text(f"DROP TABLE {name}_words"))
