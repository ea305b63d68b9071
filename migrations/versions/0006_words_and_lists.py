# ruff: noqa: S608 - every name in these statements is written in this file
"""Words are found in any message, ticket and contact; lists and phone numbers have the indexes that they are read by.

A later revision that makes the table `message`, `ticket` or `contact` anew on SQLite must make its triggers again.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHUNK = 2_000
INDEXED = {
    "message": ("text",),
    "ticket": ("summary", "description"),
    "contact": ("name", "username", "email", "organisation"),
}
TOKENS = "unicode61 remove_diacritics 2 categories ''L* N* Co Mn Mc'' tokenchars ''\u200c\u200d''"
ACCENTS, BARE = "áàâäãåéèêëíìîïóòôöõúùûüñç", "aaaaaaeeeeiiiiooooouuuunc"
CUTS = "+-./:@_#&=<>~?'`^|*()[]{}!,;$\\"


def upgrade() -> None:
    """Go forward; there is no way back but a backup."""
    _columns()
    _indexes()
    for table in INDEXED:
        if op.get_bind().dialect.name == "sqlite":
            _sqlite(table)
        else:
            _postgresql(table)


def _columns() -> None:
    with op.batch_alter_table("contact") as table:
        table.add_column(sa.Column("sort_name", sa.String(length=400), nullable=False, server_default=""))
    with op.batch_alter_table("contact_identity") as table:
        table.add_column(sa.Column("backwards", sa.String(length=160), nullable=False, server_default=""))
    _fill("contact", "name", "sort_name", lambda name: name.casefold()[:400])
    _fill("contact_identity", "value", "backwards", lambda value: value[::-1])


def _fill(table: str, source: str, target: str, made: Callable[[str], str]) -> None:
    """Set a column from another, in portions by key."""
    bind, last = op.get_bind(), -(2**63)
    read = sa.text(f"SELECT id, {source} FROM {table} WHERE id > :last ORDER BY id LIMIT {CHUNK}")
    write = sa.text(f"UPDATE {table} SET {target} = :made WHERE id = :id")
    while rows := bind.execute(read, {"last": last}).all():
        bind.execute(write, [{"id": key, "made": made(value)} for key, value in rows])
        last = rows[-1][0]


def _indexes() -> None:
    op.create_index("ix_contact_sort_name_id", "contact", ["sort_name", "id"])
    op.create_index("ix_contact_tier_id", "contact", ["tier", "id"])
    op.create_index("ix_contact_organisation_id", "contact", ["organisation", "id"])
    op.create_index("ix_contact_tier_sort_name_id", "contact", ["tier", "sort_name", "id"])
    op.create_index("ix_contact_organisation_sort_name_id", "contact", ["organisation", "sort_name", "id"])
    op.create_index("ix_contact_identity_kind_backwards", "contact_identity", ["kind", "backwards"])
    for column in ("channel", "urgency", "language"):
        op.create_index(f"ix_message_{column}_id", "message", [column, "id"])
    op.create_index(
        "ix_message_review",
        "message",
        ["id"],
        postgresql_where=sa.text("needs_review"),
        sqlite_where=sa.text("needs_review = 1"),
    )


def _sqlite(table: str) -> None:
    name, columns = f"{table}_words", INDEXED[table]
    listed = ", ".join(columns)
    new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("new", "old"))
    differs = " OR ".join(f"old.{column} IS NOT new.{column}" for column in columns)
    add = f"INSERT INTO {name} (rowid, {listed}) VALUES (new.id, {new});"
    drop = f"INSERT INTO {name} ({name}, rowid, {listed}) VALUES ('delete', old.id, {old});"
    for statement in (
        f"CREATE VIRTUAL TABLE {name} USING fts5({listed}, content='{table}', content_rowid='id', "
        f"tokenize='{TOKENS}', prefix='2 3 4 5 6 7')",
        f"INSERT INTO {name} ({name}) VALUES ('rebuild')",
        f"CREATE TRIGGER {name}_added AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER {name}_gone AFTER DELETE ON {table} BEGIN {drop} END",
        f"CREATE TRIGGER {name}_changed AFTER UPDATE OF {listed} ON {table} WHEN {differs} BEGIN {drop} {add} END",
    ):
        op.get_bind().exec_driver_sql(statement)


def _postgresql(table: str) -> None:
    text = " || ' ' || ".join(f"coalesce({column}, '')" for column in INDEXED[table])
    given = (CUTS + ACCENTS + ACCENTS.upper()).replace("\\", "\\\\").replace("'", "''")
    instead = " " * len(CUTS) + BARE * 2
    cut = f"translate(lower({text}), E'{given}', '{instead}')"
    for statement in (
        f"ALTER TABLE {table} ADD COLUMN words tsvector GENERATED ALWAYS AS (to_tsvector('simple', {cut})) STORED",
        f"CREATE INDEX ix_{table}_words ON {table} USING gin (words)",
    ):
        op.get_bind().exec_driver_sql(statement)
