"""`make audit`: the locked packages against the public advisories; fails on a known hole, not for want of a network."""

from __future__ import annotations

import json
import subprocess
import sys

LOCKS = ("requirements.txt", "requirements-dev.txt")


def main() -> int:
    """Ask pip-audit about both locks; 1 where a package has a known hole."""
    holes = 0
    for lock in LOCKS:
        command = [
            sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip",
            "--format", "json", "--progress-spinner", "off", "--timeout", "10",
        ]  # fmt: skip
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
        try:
            packages = json.loads(found.stdout)["dependencies"]
        except (ValueError, KeyError):
            sys.stdout.write(f"audit: {lock} not checked: no advisories could be asked for\n")
            continue
        holes += _say(lock, packages)
    return 1 if holes else 0


def _say(lock: str, packages: list[dict[str, object]]) -> int:
    """Print what was found of one lock; gives the number of packages with a hole."""
    asked = [package for package in packages if "skip_reason" not in package]
    bad = [package for package in asked if package.get("vulns")]
    for package in bad:
        ids = ", ".join(str(hole["id"]) for hole in package["vulns"])  # type: ignore[attr-defined]
        sys.stdout.write(f"audit: {lock}: {package['name']} {package['version']} has {ids}\n")
    left = len(packages) - len(asked)
    note = f", {left} could not be asked about" if left else ""
    sys.stdout.write(f"audit: {lock}: {len(asked)} packages checked, {len(bad)} with a known hole{note}\n")
    return len(bad)


if __name__ == "__main__":
    sys.exit(main())
