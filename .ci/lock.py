"""Make the hashed locks from pyproject.toml, or check that they still fit it.

`python .ci/lock.py` compiles both with pip-tools; `--upgrade` takes the newest versions that fit.
`python .ci/lock.py --check` needs no network: every requirement of pyproject.toml must be pinned in its lock at a
version that it allows, every pin must carry hashes, and no line may name a host or a path.

pip-tools asks one index for its own JSON and otherwise downloads every file of every platform to hash it. The
simple index already tells each file's sha256, so that is what is taken.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ("requirements.txt", ("setup",))
DEVELOPMENT = ("requirements-dev.txt", ("setup", "dev"))
PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)")
FOREIGN = re.compile(r"https?://|file://|^\s*-|/(?:usr|opt|home|root|tmp|work|Users)/", re.MULTILINE)


def compile_lock(name: str, extras: tuple[str, ...], *options: str) -> None:
    """Write one lock with pip-tools. Raises SystemExit when nothing fits."""
    from pip._internal.models.link import Link  # noqa: PLC0415
    from piptools.repositories.pypi import PyPIRepository  # noqa: PLC0415
    from piptools.scripts.compile import cli  # noqa: PLC0415

    by_download = PyPIRepository._get_file_hash

    def by_index(self: PyPIRepository, link: Link) -> str:
        return f"sha256:{link.hash}" if link.hash_name == "sha256" else by_download(self, link)

    PyPIRepository._get_file_hash = by_index  # type: ignore[method-assign]
    arguments = [
        "pyproject.toml", "--quiet", "--output-file", name, "--generate-hashes", "--strip-extras", "--allow-unsafe",
        "--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-config", "--no-annotate",
        *(f"--extra={extra}" for extra in extras), *options,
    ]  # fmt: skip
    try:
        cli.main(arguments, standalone_mode=False)
    finally:
        PyPIRepository._get_file_hash = by_download  # type: ignore[method-assign]


def compile_all(options: list[str]) -> None:
    """Both locks, from the public index alone, whatever this machine's pip is told to look at besides."""
    os.chdir(ROOT)
    os.environ["PIP_CONFIG_FILE"] = os.devnull
    for variable in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        os.environ.pop(variable, None)
    os.environ["CUSTOM_COMPILE_COMMAND"] = "make lock"
    compile_lock(*RUNTIME, *options)
    compile_lock(*DEVELOPMENT, "--constraint=requirements.txt", *options)
    for name, extras in (RUNTIME, DEVELOPMENT):
        seal(name, extras)


def wanted_by(extras: tuple[str, ...]) -> list[str]:
    """The requirements of pyproject.toml that a lock serves."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [f"python{project['requires-python']}", *project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return wanted


def digest(extras: tuple[str, ...]) -> str:
    """A short name for exactly these requirements."""
    return hashlib.sha256("\n".join(sorted(wanted_by(extras))).encode()).hexdigest()[:16]


def seal(name: str, extras: tuple[str, ...]) -> None:
    """Write our own head over the compiler's, with the digest of what was asked for."""
    path = ROOT / name
    body = re.sub(r"\A(?:#.*\n)+", "", path.read_text(encoding="utf-8"))
    path.write_text(
        f"# Made by `make lock` from pyproject.toml; requirements {digest(extras)}\n{body}", encoding="utf-8"
    )


def problems(name: str, extras: tuple[str, ...]) -> list[str]:
    """What keeps a lock from being used, one sentence each."""
    from packaging.requirements import Requirement  # noqa: PLC0415
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    text = (ROOT / name).read_text(encoding="utf-8")
    body = text.replace("\\\n", " ").splitlines()
    pins = {canonicalize_name(m["name"]): (m["version"], line) for line in body if (m := PIN.match(line))}
    found = [f"{name}: {key} has no hash" for key, (_, line) in pins.items() if "--hash=sha256:" not in line]
    for requirement in map(Requirement, wanted_by(extras)[1:]):
        version, _ = pins.get(canonicalize_name(requirement.name), (None, ""))
        if version is None:
            found.append(f"{name}: {requirement} is not pinned; run make lock")
        elif not requirement.specifier.contains(version, prereleases=True):
            found.append(f"{name}: {requirement} does not allow {version}; run make lock")
    if f"requirements {digest(extras)}" not in text.partition("\n")[0] and not found:
        found.append(f"{name}: was made for other requirements; run make lock")
    if foreign := FOREIGN.search(re.sub(r"\s+--hash=\S+", "", text.replace("\\\n", " "))):
        found.append(f"{name}: names a host, a path or an option of somebody's pip: {foreign.group()!r}")
    return found


def main() -> int:
    """0 when all is well."""
    if "--check" not in sys.argv:
        compile_all(sys.argv[1:])
    found = problems(*RUNTIME) + problems(*DEVELOPMENT)
    runtime, development = ({m.group() for line in (ROOT / name).read_text().splitlines() if (m := PIN.match(line))}
                            for name, _ in (RUNTIME, DEVELOPMENT))  # fmt: skip
    found += [f"{pin} is in {RUNTIME[0]} but not in {DEVELOPMENT[0]}" for pin in sorted(runtime - development)]
    print("\n".join(found) if found else "locks: fresh", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
