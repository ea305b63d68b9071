"""A member at the console of a running demonstration, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Browser

from tests.browser.onlooker import Demo, Onlooker, look

_LINE = re.compile(r"^ +(admin|manager|dispatcher|ops_agent|installer|cpo) +(\S+) +(\S+)$", re.MULTILINE)


def credentials(demo: Demo, role: str) -> tuple[str, str]:
    """Email and password, as the demonstration printed them."""
    found = {line[1]: (line[2], line[3]) for line in _LINE.finditer(demo.said)}
    return found[role]


def sign_in(
    browser: Browser, demo: Demo, role: str = "admin", *, width: int = 1440, height: int = 900, dark: bool = False,
    next_path: str = "/console/start",
) -> Onlooker:  # fmt: skip
    """A window in which a member of that role has just signed in."""
    onlooker = look(browser, width=width, height=height, dark=dark)
    page = onlooker.page
    email, password = credentials(demo, role)
    page.goto(f"{demo.url}/console/sign-in?next={next_path}")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("#sidebar", state="attached")
    return onlooker
