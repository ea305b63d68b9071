"""The real demonstration as a process of its own, and windows of a browser that look at it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip


@dataclass
class Demo:
    """`chargehand demo`, running."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def interrupt(self) -> tuple[int, float]:
        """Ctrl-C; gives the exit code and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        return code, time.monotonic() - began

    def end(self) -> None:
        """At once, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    @property
    def said(self) -> str:
        """Everything that it printed."""
        return self.log.read_text(encoding="utf-8")


def start_demo(folder: Path, **settings: str) -> Demo:
    """Start a demonstration of its own, on free ports."""
    log = folder / "demo.log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHARGEHAND_")}
    given = {"HTTP_PORT": "0", "OCPP_PORT": "0", "DATA_DIR": str(folder / "var"), **settings}
    ours = {f"CHARGEHAND_{name}": value for name, value in given.items()}
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo"], cwd=ROOT, env={**kept, **ours}, stdout=out, stderr=out, text=True
        )
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"(http://127\.0\.0\.1:\d+)/ ", log.read_text(encoding="utf-8"))
        if found:
            return Demo(process, found[1], log)
        time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the demo did not start: {log.read_text(encoding='utf-8')}")


@dataclass
class Onlooker:
    """A browser window; what its console complains about fails the test."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def shot(self, name: str, *, full: bool = False) -> None:
        """Save what is seen, where the environment says."""
        folder = os.environ.get("CHARGEHAND_TEST_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(2_000)  # what is new has stopped shining
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=full)

    @property
    def overflow_px(self) -> int:
        """By how much the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def look(
    browser: Browser, *, width: int = 1440, height: int = 900, dark: bool = False, **options: Any
) -> Onlooker:  # fmt: skip
    """Open a window; `options` are a browser context's."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-GB",
        timezone_id="Asia/Colombo", **options,
    )  # fmt: skip
    page = context.new_page()
    onlooker = Onlooker(context, page)

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            onlooker.complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: onlooker.complaints.append(str(error)))
    return onlooker
