"""The schema: bring a database to the newest revision, under a lock, in one transaction; refuse a newer one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from desk import database, installation

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 0x43686172  # any number that is ours alone
_TABLE = "alembic_version"


class SchemaError(Exception):
    """The database cannot be used as it is; the text says why and what to do."""


def revisions() -> list[str]:
    """Every revision of this version, oldest first; read from the file names."""
    return [path.name.split("_")[0] for path in sorted((FOLDER / "versions").glob("[0-9]*_*.py"))]


def head() -> str:
    """The newest revision of this version."""
    return revisions()[-1]


def current(url: str) -> str | None:
    """The revision of a database; None for an empty one. Raises SchemaError where it cannot be opened."""
    path = _sqlite_file(url)
    if path is not None and not path.exists():
        return None
    with _reading(url) as connection:
        return _revision(connection)


def prepare(url: str, *, demo: bool = False) -> bool:
    """What a start does first: check the demo marker, then bring the schema to the newest revision.

    A demo takes an empty database or one with its marker, everything else one without it. Safe to call from several
    processes at once. Tells whether anything was changed. Raises SchemaError.
    """
    with _writing(url) as connection:
        before = _revision(connection)
        if before is None and inspect(connection).get_table_names():
            raise SchemaError("the database holds tables that are not Chargehand's; name an empty one")
        if before is not None:
            _refuse_marker(installation.is_demo(connection), demo=demo)
        if before == head():
            return False
        _upgrade(connection, before)
        if before is None and demo:
            installation.mark_demo(connection)
        return True


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring a database to the newest revision, whatever its marker; (revision before, after). Raises SchemaError."""
    with _writing(url) as connection:
        before = _revision(connection)
        if before != head():
            _upgrade(connection, before)
        return before, head()


def server(url: str) -> tuple[str, datetime]:
    """(version, its clock) of the database server; for SQLite the library's version. Raises SchemaError."""
    with _reading(url) as connection:
        if connection.dialect.name == "postgresql":
            row = connection.execute(text("SELECT current_setting('server_version'), clock_timestamp()")).one()
            return f"PostgreSQL {row[0]}", row[1]
        row = connection.execute(text("SELECT sqlite_version(), strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")).one()
        return f"SQLite {row[0]}", datetime.fromisoformat(row[1])


def upgrade_to(connection: Connection, target: str) -> None:
    """Go to a revision within the caller's transaction; a database without any starts at the first."""
    from alembic import command  # noqa: PLC0415 - slow to import, and seldom needed

    command.upgrade(_config(connection), target)


def differences(connection: Connection) -> list[Any]:
    """What autogenerate would still change; empty when history and tables agree."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    options = configure_options()
    metadata = options.pop("target_metadata")
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def write_revision(url: str, message: str) -> Path | None:
    """Write the next revision's file; None when there is nothing to change. The database at `url` is upgraded."""
    from alembic import command  # noqa: PLC0415

    known = revisions()
    if known:
        upgrade(url)
    number = f"{len(known) + 1:04d}"
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:50]
    with _writing(url) as connection:
        if known and not differences(connection):
            return None
        script = command.revision(_config(connection), message, autogenerate=True, rev_id=number)
    made = Path(script.path)  # type: ignore[union-attr]
    made.write_text(re.sub(r"(?m)^    # ### .*\n", "", made.read_text(encoding="utf-8")), encoding="utf-8")
    return made.rename(made.with_name(f"{number}_{slug}.py"))


def configure_options() -> dict[str, Any]:
    """How Alembic compares and writes: plain column types, so that a revision never changes with the models."""
    from models.tables import metadata  # noqa: PLC0415

    return {
        "target_metadata": metadata,
        "transactional_ddl": True,
        "transaction_per_migration": False,
        "compare_type": True,
        "render_item": _render_item,
        "render_as_batch": False,
        "include_object": _is_mapped,
    }


def _is_mapped(item: Any, name: str | None, kind: str, reflected: bool, compared_to: Any) -> bool:
    """The word indexes have no mapped table to be compared with."""
    from models import words  # noqa: PLC0415

    return not (reflected and compared_to is None and words.is_ours(item, name, kind))


def _render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Freeze our own column types as what they are in the database."""
    if kind != "type":
        return False
    name = type(item).__name__
    if name == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    if name == "Enum":
        return f"sa.String(length={item.length})"
    if name == "BigInteger" and item._variant_mapping:
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    if name == "JSON":
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def _upgrade(connection: Connection, before: str | None) -> None:
    if before is not None and before not in revisions():
        raise SchemaError(
            f"the database has schema {before}, this version knows up to {head()}: "
            "start the newer version that wrote it, or restore a backup"
        )
    upgrade_to(connection, "head")
    if connection.dialect.name == "sqlite" and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
        raise SchemaError(f"the migration would leave {len(broken)} rows that point nowhere; nothing was changed")


def _refuse_marker(marked: bool, *, demo: bool) -> None:
    if demo and not marked:
        raise SchemaError(
            "this database was not made by `chargehand demo`, and a demo writes sample people and chargers into its "
            "own: leave CHARGEHAND_DATABASE_URL out, or name an empty database"
        )
    if marked and not demo:
        raise SchemaError(
            "this database was made by `chargehand demo` and holds sample people: "
            "name another in CHARGEHAND_DATABASE_URL"
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_TABLE):
        return None
    row = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).first()  # noqa: S608 - our own name
    return row[0] if row else None


def _config(connection: Connection) -> Any:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _sqlite_file(url: str) -> Path | None:
    return Path(url.removeprefix("sqlite:///")) if database.is_sqlite(url) else None


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    yield from _open(database.reading_engine(url, pool_size=1), url)


@contextmanager
def _writing(url: str) -> Iterator[Connection]:
    """A transaction that nobody else migrates beside: SQLite begins IMMEDIATE, PostgreSQL takes an advisory lock."""
    engine = database.writing_engine(url, pool_size=1)
    if database.is_sqlite(url):
        # Rebuilding a table drops it for a moment; whatever points at it is checked before the commit instead.
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=OFF"))
    yield from _open(engine, url)


def _open(engine: Engine, url: str) -> Iterator[Connection]:
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield connection
    except DBAPIError as error:
        first = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
        raise SchemaError(f"the database cannot be used: {first}") from error
    finally:
        engine.dispose()
