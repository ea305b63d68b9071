"""What a bare machine may lack: browser tests are left out with one line, or fail where REQUIRE names it.

tests/model needs transformers and torch, which have an environment of their own: everywhere else it is not collected,
and a run of all tests says so.
"""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "chromium is not on this machine: `apt-get install chromium` brings it; REQUIRE=chromium makes this a failure"


def find_chromium() -> str | None:
    """The path of a chromium that can be started, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a chromium. Only for tests marked `browser`, which are skipped where there is none."""
    path = find_chromium()
    assert path is not None
    return path


HAS_TORCH = importlib.util.find_spec("torch") is not None
collect_ignore = [] if HAS_TORCH else ["tests/model"]
NO_MODEL = "tests/model is left out: it needs transformers and torch, and `make model-test` runs it with them"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say plainly that a run of everything was not quite everything."""
    if not HAS_TORCH and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        terminalreporter.write_line(NO_MODEL)


HEAVY = ("kill", "browser")
"""Folders whose tests start whole products: one after another, whatever else runs beside them."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the heavy ones together; skip browser tests, or refuse to go on, where there is no chromium."""
    for item in items:
        if item.path.parent.name in HEAVY:
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name))
    wanted = [item for item in items if item.get_closest_marker("browser")]
    if not wanted or find_chromium() is not None:
        return
    if "chromium" in os.environ.get("REQUIRE", "").split(","):  # noqa: TID251 - a test run is told by its caller
        raise pytest.UsageError(MISSING)
    for item in wanted:
        item.add_marker(pytest.mark.skip(reason=MISSING))
