"""A demonstration for a test, and a headless chromium for a file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.onlooker import ARGS, Demo, start_demo


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A fresh demonstration."""
    running = start_demo(tmp_path)
    yield running
    running.end()


@pytest.fixture(scope="module")  # no longer: while it runs, tests with a loop of their own cannot
def browser(chromium: str) -> Iterator[Browser]:
    """A headless chromium that asks nobody on the network for anything."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(ARGS))
        yield browser
        browser.close()
