"""Where a transformers model lies, and exactly which files it is made of."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from classifiers.errors import DataError

SUFFIXES = (".json", ".safetensors", ".txt", ".model")
"""Configuration, weights, vocabulary. Pickles are not among them: they may run code when they are read."""
NEEDS = "needs transformers and torch: make model-setup, then use .venv-model/bin/chargehand"
_CHUNK = 1 << 20


def slug(name: str) -> str:
    """A folder's name for a model's name; two names have two."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[-60:]
    return f"{plain or 'model'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def named(name: str) -> str:
    """One name for a model: that of a folder is its whole path, wherever one stands."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if folder.is_dir() else name


def resolve(name: str, *, fetch: bool = False) -> Path:
    """The folder of a model: the name of a folder, or of a model on the hub as it lies in the hub's cache.

    `fetch` brings a hub's model there first. Raises DataError where there is none.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if folder.is_absolute() or name.startswith(("./", "../", "~")):
        raise DataError(folder, "there is no such folder")
    try:
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - no part of a default installation
    except ImportError as error:
        raise DataError(folder, NEEDS) from error
    try:
        found = snapshot_download(name, allow_patterns=[f"*{one}" for one in SUFFIXES], local_files_only=not fetch)
    except Exception as error:
        raise DataError(folder, f"is no folder, and the hub's copy cannot be had: {type(error).__name__}") from error
    return Path(found)


def fingerprint(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that a model is read from, by name. Raises DataError where it has no safe weights."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in SUFFIXES)
    if not any(path.suffix == ".safetensors" for path in files):
        raise DataError(folder, "holds no weights as safetensors")
    return {path.name: _digest(path) for path in files}


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
