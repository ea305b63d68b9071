"""Backup and restore: a round trip brings everything back; a damaged or foreign archive touches nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import backup, migrate
from bot.backup import BackupError
from bot.clock import SystemClock
from bot.settings import Settings, from_mapping, with_secret
from desk import members
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import OPERATOR, Role
from models.member import Member

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def work_at(settings: Settings, verb: Callable[[Work], object]) -> object:
    office = Office(settings.database_url, clock=SystemClock(), bus=LocalBus(), house=House(), threads=1)
    try:
        return office.submit(OPERATOR, verb).result()
    finally:
        office.close()


def enrol(settings: Settings, email: str) -> None:
    work_at(settings, lambda work: members.add(work, email=email, name="Ana", role=Role.ADMIN))


def emails(settings: Settings) -> list[str]:
    found = work_at(settings, lambda work: list(work.session.scalars(select(Member.email).order_by(Member.id))))
    assert isinstance(found, list)
    return found


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """An installation with a member, two files and a secret key."""
    settings = from_mapping({}, root=tmp_path / "here")
    with_secret(settings)
    migrate.prepare(settings.database_url)
    enrol(settings, "first@team.example")
    (settings.media_dir / "2026").mkdir(parents=True)
    (settings.media_dir / "2026/a.jpg").write_bytes(b"\xff\xd8" * 70_000)
    (settings.media_dir / "b.ogg").write_bytes(b"")
    for name in ("team@1", ".lesson-under-way"):
        (settings.models_dir / name).mkdir(parents=True)
        (settings.models_dir / name / "model.json").write_text("{}")
    (settings.data_dir / "ocpp-journal.jsonl").write_bytes(b'{"a": 1}\n')
    return settings


def test_a_round_trip_to_another_machine_brings_everything_back(here: Settings, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    written = backup.write(here, archive, AT)
    assert (written.database, written.media_files, written.secret) == ("sqlite", 2, True)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    there = from_mapping({}, root=tmp_path / "there")
    assert backup.restore(there, archive, force=False, at=AT) == written
    assert emails(there) == ["first@team.example"]
    assert with_secret(there).secret_key == with_secret(here).secret_key
    assert (there.media_dir / "2026/a.jpg").read_bytes() == b"\xff\xd8" * 70_000
    assert (there.media_dir / "b.ogg").exists()
    assert [path.name for path in there.models_dir.iterdir()] == ["team@1"], "a lesson under way is no model yet"
    assert (there.data_dir / "ocpp-journal.jsonl").read_bytes() == b'{"a": 1}\n'
    assert migrate.current(there.database_url) == migrate.head()
    assert stat.S_IMODE(there.secret_file.stat().st_mode) == 0o600


def test_a_backup_of_a_database_that_is_written_to_is_whole(here: Settings, tmp_path: Path) -> None:
    office = Office(here.database_url, clock=SystemClock(), bus=LocalBus(), house=House(), threads=1)
    stop, added = threading.Event(), []

    def write() -> None:
        number = 0
        while not stop.is_set():
            email = f"m{number}@team.example"
            office.submit(OPERATOR, lambda w, e=email: members.add(w, email=e, name="x", role=Role.CPO)).result()  # type: ignore[misc]
            added.append(email)
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while len(added) < 5:
            pass
        sure = list(added)
        backup.write(here, tmp_path / "a.tar", AT)
    finally:
        stop.set()
        thread.join()
        office.close()
    there = from_mapping({}, root=tmp_path / "there")
    backup.restore(there, tmp_path / "a.tar", force=False, at=AT)
    assert set(sure) < set(emails(there))


def test_what_is_there_is_kept_unless_forced_and_moved_aside_then(here: Settings, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    backup.write(here, archive, AT)
    enrol(here, "second@team.example")
    with pytest.raises(BackupError, match="--force"):
        backup.restore(here, archive, force=False, at=AT)
    assert emails(here) == ["first@team.example", "second@team.example"]
    backup.restore(here, archive, force=True, at=AT)
    assert emails(here) == ["first@team.example"]
    aside = here.data_dir / "chargehand.db.before-restore-20260302T080000Z"
    old = replace(here, database_url=f"sqlite:///{aside}")
    assert emails(old) == ["first@team.example", "second@team.example"]
    assert (here.data_dir / "media.before-restore-20260302T080000Z/2026/a.jpg").exists()


def test_an_existing_file_is_never_written_over(here: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("precious")
    with pytest.raises(BackupError, match="exists"):
        backup.write(here, tmp_path / "a.tar", AT)
    assert (tmp_path / "a.tar").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_folder_that_is_not_there_is_named(here: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="there is no folder"):
        backup.write(here, tmp_path / "nowhere" / "a.tar", AT)


def test_without_a_database_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nothing to back up"):
        backup.write(from_mapping({}, root=tmp_path), tmp_path / "a.tar", AT)


def rebuilt(archive: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with tarfile.open(archive) as tar:
        members_ = {info.name: (tar.extractfile(info) or io.BytesIO()).read() for info in tar}
    change(members_)
    with tarfile.open(archive, "w") as tar:
        for name, data in members_.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def _newer(members_: dict[str, bytes]) -> None:
    manifest = json.loads(members_[backup.MANIFEST])
    manifest["schema"] = "9999"
    members_[backup.MANIFEST] = json.dumps(manifest).encode()


def _manifest(**changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(members_: dict[str, bytes]) -> None:
        manifest = json.loads(members_[backup.MANIFEST])
        manifest.update(changes)
        members_[backup.MANIFEST] = json.dumps(manifest).encode()

    return change


def _without_database(members_: dict[str, bytes]) -> None:
    del members_["database.db"]
    listed = json.loads(members_[backup.MANIFEST])["members"]
    del listed["database.db"]
    _manifest(members=listed)(members_)


def _no_database(members_: dict[str, bytes]) -> None:
    members_["database.db"] = b"no database"
    listed = json.loads(members_[backup.MANIFEST])["members"]
    listed["database.db"] = {"size": 11, "sha256": hashlib.sha256(b"no database").hexdigest()}
    _manifest(members=listed)(members_)


DAMAGES: dict[str, Callable[[dict[str, bytes]], None]] = {
    "damaged": lambda m: m.update({"database.db": m["database.db"][:-1] + b"x"}),
    "lacks its manifest": lambda m: m.__delitem__(backup.MANIFEST),
    "its members are not": lambda m: m.__delitem__("media/b.ogg"),
    "it holds '../evil'": lambda m: m.update({"../evil": b"x"}),
    "it holds '/etc/evil'": lambda m: m.update({"/etc/evil": b"x"}),
    "it holds 'media/../../evil'": lambda m: m.update({"media/../../evil": b"x"}),
    "schema 9999": _newer,
    "it holds ''": lambda m: m.update({"": b"x"}),
    "its manifest is none": lambda m: m.update({backup.MANIFEST: b"[]"}),
    "recursion": lambda m: m.update({backup.MANIFEST: b"[" * 100_000}),
    "does not say what it is": _manifest(engine=None),
    "not say what it is a backup of": _manifest(schema=["0001"]),
    "must hold the database": _without_database,
    "not a database": _no_database,
}


@pytest.mark.parametrize("said", list(DAMAGES))
def test_a_damaged_or_strange_archive_touches_nothing(here: Settings, tmp_path: Path, said: str) -> None:
    archive = tmp_path / "a.tar"
    backup.write(here, archive, AT)
    rebuilt(archive, DAMAGES[said])
    there = from_mapping({}, root=tmp_path / "there")
    with pytest.raises(BackupError, match=said.replace(".", r"\.")):
        backup.restore(there, archive, force=True, at=AT)
    assert list(there.data_dir.iterdir()) == []
    assert not (tmp_path / "evil").exists()


def test_a_truncated_archive_touches_nothing(here: Settings, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    backup.write(here, archive, AT)
    os.truncate(archive, archive.stat().st_size // 2)
    with pytest.raises(BackupError):
        backup.restore(here, archive, force=True, at=AT)
    assert emails(here) == ["first@team.example"]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo("media/link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(BackupError, match="it holds 'media/link'"):
        backup.restore(from_mapping({}, root=tmp_path / "there"), tmp_path / "a.tar", force=False, at=AT)


@pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)
def test_a_postgresql_installation_packs_media_and_key_and_leaves_rows_to_its_own_tools(
    here: Settings, tmp_path: Path, empty_database: str
) -> None:
    on_postgres = replace(here, database_url=empty_database)
    with pytest.raises(BackupError, match="nothing to back up"):
        backup.write(on_postgres, tmp_path / "a.tar", AT)
    migrate.prepare(empty_database)
    written = backup.write(on_postgres, tmp_path / "a.tar", AT)
    assert (written.database, written.media_files, written.secret) == (None, 2, True)
    there = replace(from_mapping({}, root=tmp_path / "there"), database_url=empty_database)
    assert backup.restore(there, tmp_path / "a.tar", force=False, at=AT) == written
    assert with_secret(there).secret_key == with_secret(here).secret_key
    with pytest.raises(BackupError, match="of a postgresql installation"):
        backup.restore(here, tmp_path / "a.tar", force=True, at=AT)


def test_what_is_no_archive_is_refused(here: Settings, tmp_path: Path) -> None:
    (tmp_path / "no.tar").write_bytes(b"not a tar" * 1000)
    with pytest.raises(BackupError, match="no whole backup"):
        backup.restore(here, tmp_path / "no.tar", force=True, at=AT)
    assert emails(here) == ["first@team.example"]
