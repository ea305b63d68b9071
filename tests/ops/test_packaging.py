"""What a stranger meets first: make, the locks, the image. Checked without network and without a container engine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from bot.settings import PREFIX, ROOT, TABLE

SKIPPED = {".git", ".venv", ".venv-model", "var", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
           ".import_linter_cache", "__pycache__", "node_modules"}  # fmt: skip
MAKE = shutil.which("make") or "make"


def committed() -> list[Path]:
    """Every text file of the tree that is not made by a tool."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.endswith(".egg-info")]
        found += [Path(folder) / name for name in names if name not in (".env", ".git")]
    return found


def test_no_committed_file_names_a_package_registry_or_somebodys_machine() -> None:
    hosts = [r"py" + r"pi\.org", r"files\.python" + "hosted", r"registry\.npm" + "js"]
    places = ["/" + "root" + "/", "/" + "work" + "/", "/" + "opt/(?:py" + "pi|wheels)"]
    forbidden = re.compile("|".join((*hosts, *places)))
    guilty = []
    for path in committed():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if match := forbidden.search(text):
            guilty.append(f"{path.relative_to(ROOT)}: {match.group()}")
    assert guilty == []


def lock_check(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / ".ci/lock.py"), "--check"], capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that packaging is made of, where a test may spoil them."""
    (tmp_path / ".ci").mkdir()
    for name in (".ci/lock.py", "pyproject.toml", "requirements.txt", "requirements-dev.txt", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_locks_fit_the_project(copy: Path) -> None:
    done = lock_check(copy)
    assert (done.returncode, done.stdout, done.stderr) == (0, "locks: fresh\n", "")


PROJECT, LOCK = "pyproject.toml", "requirements.txt"
SPOILS = {
    "a new dependency": (PROJECT, '  "alembic>=1.20",', '  "alembic>=1.20",\n  "left>=1",', "left>=1 is not pinned"),
    "a raised bound": (PROJECT, '"alembic>=1.20"', '"alembic>=99"', "alembic>=99 does not allow"),
    "a dropped dependency": (PROJECT, '  "polib>=1.2",\n', "", "was made for other requirements"),
    "another range of Python": (PROJECT, ">=3.11,<3.15", ">=3.11,<3.16", "was made for other requirements"),
    "a host": (LOCK, "alembic==", "--index-url https://x.example\nalembic==", "names a host"),
    "a path": (LOCK, "alembic==", "--find-links /srv/x\nalembic==", "names a host, a path"),
    "no hash": (LOCK, "    --hash=sha256:", "    # ", "has no hash"),
}


@pytest.mark.parametrize("spoil", list(SPOILS))
def test_a_lock_that_does_not_fit_is_found_out(copy: Path, spoil: str) -> None:
    name, old, new, said = SPOILS[spoil]
    text = (copy / name).read_text(encoding="utf-8")
    assert old in text
    (copy / name).write_text(text.replace(old, new), encoding="utf-8")
    done = lock_check(copy)
    assert done.returncode == 1
    assert said in done.stderr


def test_the_development_lock_holds_the_runtime_lock() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"(?m)^[A-Za-z0-9._-]+==[^\s;\\]+", (ROOT / name).read_text(encoding="utf-8")))

    assert pins("requirements.txt") < pins("requirements-dev.txt")
    assert not {pin for pin in pins("requirements-dev.txt") if re.match(r"torch|nvidia|triton", pin)}


def test_make_help_lists_the_targets_of_the_contract() -> None:
    done = subprocess.run([MAKE, "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"demo", "run", "test", "check", "bench", "help", "lint", "types", "floors", "fmt", "lock"} <= set(
        re.findall(r"make ([a-z-]+) ", done.stdout)
    )


def make_with(path: Path, copy: Path) -> subprocess.CompletedProcess[str]:
    """`make setup` on a machine whose PATH holds nothing but `path`."""
    for name in ("sh", "rm", "touch", "mkdir"):
        (path / name).symlink_to(shutil.which(name) or name)
    return subprocess.run(
        [MAKE, "setup"], cwd=copy, capture_output=True, text=True, check=False, env={"PATH": str(path)}
    )


def fake_python(path: Path, name: str, script: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(0o755)


def test_a_machine_without_python_is_told_what_is_needed(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = make_with(tmp_path / "bin", copy)
    assert done.returncode != 0
    assert "needs Python 3.11, 3.12, 3.13 or 3.14" in done.stderr


def test_a_python_without_venv_is_told_the_one_command_that_mends_it(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    fake_python(tmp_path / "bin", "python3.11", "exit 1")  # there, but does not run: a version manager's
    works = 'case "$2" in *version_info*not*|*"not (3"*) exit 0;; *print*) echo 3.12;; *) exit 1;; esac'
    fake_python(tmp_path / "bin", "python3.12", works)
    fake_python(tmp_path / "bin", "apt-get", "exit 0")
    done = make_with(tmp_path / "bin", copy)
    assert done.returncode != 0
    assert "sudo apt-get install -y python3.12-venv" in done.stderr
    assert not (copy / ".venv").exists()


def test_the_image_takes_every_room_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    taken = set(re.findall(r"(?m)^!([\w.]+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8")))
    assert taken - rooms == {"pyproject.toml", "requirements.txt", "README.md", "LICENSE"}
    assert rooms - taken == set()


def test_the_image_runs_as_an_ordinary_user_with_a_health_check() -> None:
    final = (ROOT / "Dockerfile").read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    assert re.search(r"(?m)^USER chargehand$", final)
    assert "/healthz" in final
    assert final.index("USER chargehand") < final.index("ENTRYPOINT")
    assert "apt-get" not in final


def test_image_and_compose_name_only_settings_that_exist() -> None:
    known = {PREFIX + entry.name for entry in TABLE}
    for name in ("Dockerfile", "compose.yaml"):
        assert set(re.findall(r"CHARGEHAND_[A-Z_]*[A-Z]", (ROOT / name).read_text(encoding="utf-8"))) <= known


def test_what_ci_runs_is_a_program() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / ".ci/run")], check=True)


def test_the_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci/docs.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_link_between_the_pages_leads_somewhere() -> None:
    dead = []
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert dead == []


def model_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_model", ROOT / ".ci" / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CUDA = {
    "what CUDA brings": [("torch", "2.13.0"), ("nvidia-cublas", "13.1"), ("numpy", "2.4.6")],
    "its compiler": [("torch", "2.13.0"), ("triton", "3.6.0")],
    "a build that says so": [("torch", "2.13.0+cu128")],
    "a build that does not": [("torch", "2.13.0"), ("torch.version.cuda", "13.0")],
}


@pytest.mark.parametrize("brings", list(CUDA))
def test_a_cuda_build_of_torch_is_refused_with_the_way_to_a_small_one(brings: str) -> None:
    script = model_script()
    with pytest.raises(script.Refused, match=r"CUDA build of torch.*PIP_FIND_LINKS=FOLDER make model-setup"):
        script.refuse_cuda(CUDA[brings])


def test_a_cpu_build_of_torch_is_taken_and_no_lock_holds_it() -> None:
    script = model_script()
    script.refuse_cuda([("torch", "2.13.0+cpu"), ("torch.version.cuda", None), ("tritonclient-less", "1")])
    assert "torch==2.13.0" in script.extra()
    assert not [pin for pin in script.pinned() if re.match(r"torch|transformers", pin)]
