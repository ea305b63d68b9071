"""The second environment, `.venv-model/`: transformers and a CPU build of torch, which no lock holds.

`python .ci/model.py setup` makes it: the runtime lock by its hashes, then the `model` extra of pyproject.toml at the
versions that the locks name where they name one. What pip would take is looked at before anything is downloaded, and
again once it is there: a build for CUDA is refused. `python .ci/model.py test ...` runs tests/model in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".venv-model"
PYTHON = PLACE / "bin" / "python"
READY = PLACE / "ready"
LOCKS = ("requirements.txt", "requirements-dev.txt")
CUDA = re.compile(r"(?i)^(nvidia[-_.]|cuda[-_.]|triton$|pytorch[-_.]triton)")
PIN = re.compile(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*==[^\s;\\]+)")
LEFT_OUT = "tests/model is left out: {why} REQUIRE=model makes this a failure"
LOOK = """
import json, torch
from importlib.metadata import distributions
print(json.dumps([[d.metadata["Name"], d.version] for d in distributions()] + [["torch.version.cuda", torch.version.cuda]]))
"""  # noqa: E501 - a script for the other interpreter


class Refused(Exception):  # noqa: N818 - it is what a person reads
    """Why the environment cannot be had, in one sentence."""


def main() -> int:
    """`setup`, or `test` and what pytest is to be told."""
    what, *arguments = sys.argv[1:] or ["setup"]
    try:
        set_up()
    except Refused as trouble:
        if what == "setup" or "model" in os.environ.get("REQUIRE", "").split(","):
            print(f"model-setup: {trouble}", file=sys.stderr)
            return 1
        print(LEFT_OUT.format(why=trouble))
        return 0
    return 0 if what == "setup" else _test(arguments)


def set_up() -> None:
    """Make the environment, unless it stands already for exactly these requirements. Raises Refused."""
    wanted = digest()
    if READY.exists() and READY.read_text(encoding="ascii") == wanted:
        return
    print("Setting up .venv-model with transformers and a CPU build of torch (once; some minutes)", flush=True)
    READY.unlink(missing_ok=True)
    _run(sys.executable, "-m", "venv", "--clear", str(PLACE))
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "pins.txt")
        pins.write_text("\n".join(pinned()) + "\n", encoding="utf-8")
        # The pip that a Python brings may download all that a report only names; that of the lock does not.
        _pip("install", "--quiet", next(pin for pin in pinned() if pin.startswith("pip==")))
        _pip("install", "--quiet", "--require-hashes", "--requirement", str(ROOT / LOCKS[0]))
        refuse_cuda(_would_install(extra(), pins))
        _pip("install", "--quiet", "--constraint", str(pins), *extra())
    _pip("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    refuse_cuda(_installed())
    READY.write_text(wanted, encoding="ascii")
    print("model-setup: .venv-model is ready")


def extra() -> list[str]:
    """The requirements of the `model` extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["optional-dependencies"]["model"])


def pinned() -> list[str]:
    """What both locks name, without hashes."""
    return sorted({pin for name in LOCKS for pin in PIN.findall((ROOT / name).read_text(encoding="utf-8"))})


def digest() -> str:
    """A short name for exactly these requirements, this Python and this recipe."""
    said = "\n".join((sys.version, *extra(), *pinned(), Path(__file__).read_text(encoding="utf-8")))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _would_install(wanted: list[str], pins: Path) -> list[tuple[str, str | None]]:
    """Names and versions that pip would bring for these. Raises Refused where nothing fits."""
    arguments = ("install", "--quiet", "--dry-run", "--report", "-", "--constraint", str(pins), *wanted)
    done = subprocess.run(  # noqa: S603
        [str(PYTHON), "-m", "pip", "--no-input", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr[-500:]]
        raise Refused(f"pip finds nothing that fits the `model` extra ({lines[-1].strip()}).")
    return [(one["metadata"]["name"], one["metadata"]["version"]) for one in json.loads(done.stdout)["install"]]


def _installed() -> list[tuple[str, str | None]]:
    """Names and versions of what stands there, and what torch itself says of CUDA."""
    done = subprocess.run([str(PYTHON), "-c", LOOK], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Refused(f"torch was installed but does not import ({done.stderr.strip().splitlines()[-1]}).")
    return [(name, version) for name, version in json.loads(done.stdout)]


def refuse_cuda(packages: list[tuple[str, str | None]]) -> None:
    """Raises Refused where a package is one of CUDA's, or torch is a build for it."""
    guilty = sorted(name for name, _ in packages if CUDA.match(name))
    guilty += [f"torch {version}" for name, version in packages if name == "torch" and "+cu" in (version or "")]
    guilty += [f"torch for CUDA {version}" for name, version in packages if name == "torch.version.cuda" and version]
    if guilty:
        shown = ", ".join(guilty[:4]) + (f" and {len(guilty) - 4} more" if len(guilty) > 4 else "")
        raise Refused(
            f"this would bring a CUDA build of torch, gigabytes that are of no use here ({shown}). Put the CPU wheel "
            f"of torch for Python {sys.version_info[0]}.{sys.version_info[1]} into a folder and name it: "
            "PIP_FIND_LINKS=FOLDER make model-setup (or PIP_EXTRA_INDEX_URL with the CPU index that PyTorch names)."
        )


def _pip(*arguments: str) -> None:
    _run(str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False)  # noqa: S603
    if done.returncode:
        raise Refused(f"`{' '.join(command[:6])} …` failed; what it said stands above.")


def _test(arguments: list[str]) -> int:
    """Run tests/model; what failed elsewhere before stays remembered."""
    command = [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider", str(ROOT / "tests" / "model"), *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
