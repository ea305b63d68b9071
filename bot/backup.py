"""Backup and restore: database, media, models and secret key in one tar, each with its SHA-256 in the manifest."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from bot import migrate
from bot.settings import Settings

FORMAT = 1
MANIFEST, DATABASE, SECRET, MEDIA, MODELS = "manifest.json", "database.db", "secret.key", "media", "models"
JOURNAL = "ocpp-journal.jsonl"
"""What chargers reported and the database has not taken yet."""
_CHUNK = 1 << 20


class BackupError(Exception):
    """Why nothing was written or put back; one sentence with what to do."""


@dataclass(frozen=True)
class Content:
    """What an archive holds, or what was put back. `database` is None for PostgreSQL, which has its own tools."""

    database: str | None
    schema: str | None
    media_files: int
    secret: bool


# Writing --------------------------------------------------------------------------------------------------------


def write(settings: Settings, target: Path, at: datetime) -> Content:
    """Write an archive, readable by its owner alone, whole or not at all. The assistant may be running."""
    if target.exists():
        raise BackupError(f"{target} exists; name another file")
    if not target.parent.is_dir():
        raise BackupError(f"there is no folder {target.parent} to write into")
    schema = migrate.current(settings.database_url)
    if schema is None:
        raise BackupError("there is no database yet: nothing to back up")
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                content = _fill(settings, archive, schema, at)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return content


def _fill(settings: Settings, archive: tarfile.TarFile, schema: str, at: datetime) -> Content:
    members: dict[str, dict[str, Any]] = {}
    path = settings.sqlite_path
    if path is not None:
        with _online_copy(path) as copy:
            members[DATABASE] = _add(archive, copy, DATABASE)
    for name, file in ((SECRET, settings.secret_file), (JOURNAL, settings.data_dir / JOURNAL)):
        if file.is_file():
            members[name] = _add(archive, file, name)
    files = 0
    for head, folder in ((MEDIA, settings.media_dir), (MODELS, settings.models_dir)):
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder)
            if not file.is_file() or file.is_symlink() or (head == MODELS and inside.parts[0].startswith(".")):
                continue  # a lesson under way is no model yet
            with contextlib.suppress(FileNotFoundError):  # retention may delete one meanwhile
                members[f"{head}/{inside.as_posix()}"] = _add(archive, file, f"{head}/{inside.as_posix()}")
                files += head == MEDIA
    engine = "sqlite" if path is not None else "postgresql"
    manifest = {"format": FORMAT, "made_at": at.isoformat(), "engine": engine, "schema": schema, "members": members}
    _add_bytes(archive, MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
    return Content(engine if path is not None else None, schema, files, SECRET in members)


@contextlib.contextmanager
def _online_copy(path: Path) -> Iterator[Path]:
    """A copy of a SQLite database as it is at one instant, while others write to it."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
        copy = Path(folder) / DATABASE
        with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
        yield copy


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.file.read(size)
        self.sum.update(data)
        return data


def _add(archive: tarfile.TarFile, path: Path, name: str) -> dict[str, Any]:
    with path.open("rb") as file:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = os.fstat(file.fileno()).st_size, 0o600, 0
        hashing = _Hashing(file)
        archive.addfile(info, hashing)
    return {"size": info.size, "sha256": hashing.sum.hexdigest()}


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    archive.addfile(info, io.BytesIO(data))


# Restoring ------------------------------------------------------------------------------------------------------


def restore(settings: Settings, source: Path, *, force: bool, at: datetime) -> Content:
    """Check every member of an archive, then put all of it in place; what was there is moved aside with `force`.

    The caller holds the database's lock. Nothing is touched when a check fails.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".restore-") as name:
        folder = Path(name)
        manifest = _unpack(source, folder)
        _check(settings, folder, manifest)
        places = [(folder / DATABASE, settings.sqlite_path), (folder / SECRET, settings.secret_file),
                  (folder / MEDIA, settings.media_dir), (folder / MODELS, settings.models_dir),
                  (folder / JOURNAL, settings.data_dir / JOURNAL)]  # fmt: skip
        moves = [(new, place) for new, place in places if place is not None and new.exists()]
        taken = [place for _, place in moves if _occupied(place)]
        if taken and not force:
            raise BackupError(f"{taken[0]} is there already; --force moves it aside and goes on")
        suffix = f".before-restore-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        for place in taken:
            _move_aside(place, suffix)
        for new, place in moves:
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                place.rmdir()
            new.rename(place)
        return Content(
            "sqlite" if (DATABASE in manifest["members"]) else None, manifest["schema"],
            sum(name.startswith(f"{MEDIA}/") for name in manifest["members"]), SECRET in manifest["members"],
        )  # fmt: skip


def _occupied(place: Path) -> bool:
    return any(place.iterdir()) if place.is_dir() else place.exists()


def _move_aside(place: Path, suffix: str) -> None:
    """A SQLite database goes with its log, or what is put in place would be read with it."""
    for path in (place, Path(f"{place}-wal"), Path(f"{place}-shm")):
        if path.exists():
            path.rename(f"{path}{suffix}")


def _unpack(source: Path, folder: Path) -> dict[str, Any]:
    """Extract into an empty folder; refuses whatever `write` would not have written."""
    sums: dict[str, dict[str, Any]] = {}
    try:
        with tarfile.open(source, mode="r:") as archive:
            for member in archive:
                _refuse_strange(source, member)
                file = archive.extractfile(member)
                assert file is not None
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                hashing = _Hashing(file)
                with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    shutil.copyfileobj(hashing, out, _CHUNK)
                sums[member.name] = {"size": target.stat().st_size, "sha256": hashing.sum.hexdigest()}
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BackupError(f"{source} is not there, or lacks its manifest") from None
    except (tarfile.TarError, EOFError, ValueError, RecursionError, FileExistsError) as error:
        raise BackupError(f"{source} is no whole backup: {error}") from None
    sums.pop(MANIFEST, None)
    if not isinstance(manifest, dict):
        raise BackupError(f"{source} is no backup of Chargehand: its manifest is none")
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{source} has format {manifest.get('format')!r}, this version reads {FORMAT}")
    if manifest.get("members") != sums:
        raise BackupError(f"{source} is damaged: its members are not those that its manifest lists")
    if manifest.get("engine") not in ("sqlite", "postgresql") or not isinstance(manifest.get("schema"), str):
        raise BackupError(f"{source} is damaged: its manifest does not say what it is a backup of")
    if (manifest["engine"] == "sqlite") != (DATABASE in sums):
        raise BackupError(f"{source} is damaged: of {manifest['engine']} it must {_HOLDS[manifest['engine']]}")
    return manifest


_HOLDS = {"sqlite": "hold the database", "postgresql": "hold no database"}


def _refuse_strange(source: Path, member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    inside = len(path.parts) > 1 and path.parts[0] in (MEDIA, MODELS)
    known = inside or member.name in (MANIFEST, DATABASE, SECRET, JOURNAL)
    if not member.isreg() or not known or path.is_absolute() or ".." in path.parts:
        raise BackupError(f"{source} is no backup of Chargehand: it holds {member.name!r}")


def _check(settings: Settings, folder: Path, manifest: dict[str, Any]) -> None:
    if (manifest["engine"] == "sqlite") != (settings.sqlite_path is not None):
        ours = "SQLite" if settings.sqlite_path is not None else "PostgreSQL"
        raise BackupError(f"the backup is of a {manifest['engine']} installation, CHARGEHAND_DATABASE_URL names {ours}")
    if manifest["schema"] not in migrate.revisions():
        raise BackupError(
            f"the backup has schema {manifest['schema']}, this version knows up to {migrate.head()}: "
            "restore it with the version that wrote it"
        )
    if (folder / DATABASE).exists():
        try:
            with contextlib.closing(sqlite3.connect(folder / DATABASE)) as connection:
                word = connection.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            word = str(error)
        if word != "ok":
            raise BackupError(f"the database in the backup is damaged: {word}")
