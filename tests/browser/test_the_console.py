"""The console's frame with a real browser: signing in, keys, dialogs, themes, languages, a phone, the stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.console import credentials, sign_in
from tests.browser.onlooker import Demo, look, start_demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "/console/me",
    "/console/me/password",
    "/console/team",
    "/console/team/2",
    "/console/team/new",
    "/console/audit",
)
SIZES = ((1440, 900, False), (1440, 900, True), (360, 740, False), (360, 740, True))


@pytest.fixture(scope="module")
def console_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demonstration for this file: its tests do not get in one another's way."""
    folder: Path = tmp_path_factory.mktemp("console")
    running = start_demo(folder)
    yield running
    running.end()


def _serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "height", "dark"), SIZES)
def test_its_pages_fit_are_readable_and_complain_of_nothing(
    browser: Browser, console_demo: Demo, width: int, height: int, dark: bool
) -> None:
    onlooker = sign_in(browser, console_demo, width=width, height=height, dark=dark)
    name = f"{'phone' if width < 500 else 'desk'}-{'dark' if dark else 'light'}"
    for path in PAGES:
        onlooker.page.goto(console_demo.url + path)
        expect(onlooker.page.locator("#live")).to_have_attribute("data-state", "on", timeout=20_000)
        assert onlooker.overflow_px <= 0, path
        assert _serious(onlooker.page) == [], path
        onlooker.shot(f"console{path.removeprefix('/console').replace('/', '-')}-{name}")
    assert onlooker.complaints == []
    onlooker.context.close()


def test_the_door_is_readable_and_a_wrong_password_is_told(browser: Browser, console_demo: Demo) -> None:
    onlooker = look(browser, width=360, height=740)
    page = onlooker.page
    page.goto(f"{console_demo.url}/console/")
    assert _serious(page) == []
    page.get_by_label("Email").fill("nobody@demo.invalid")
    page.get_by_label("Password").fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("is not right")
    assert onlooker.overflow_px <= 0
    page.get_by_role("link", name="සිංහල").click()
    expect(page.get_by_role("heading")).to_have_text("පිවිසෙන්න")
    onlooker.shot("console-sign-in-phone")
    onlooker.context.close()


def test_the_keyboard_is_enough(browser: Browser, console_demo: Demo) -> None:
    onlooker = sign_in(browser, console_demo, next_path="/console/team")
    page = onlooker.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.locator("#bar")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Asha Admin").last).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chandra CPO")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/console/")
    onlooker.context.close()


def test_a_phone_has_a_drawer_and_dialogs_ask(browser: Browser, console_demo: Demo) -> None:
    onlooker = sign_in(browser, console_demo, width=360, height=740)
    page = onlooker.page
    expect(page.locator("#sidebar")).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(page.locator("#sidebar")).to_be_visible()
    onlooker.shot("console-drawer-phone")
    page.locator("#sidebar").get_by_role("link", name="Team").click()
    page.get_by_role("link", name="Dinesh Dispatcher").click()
    page.get_by_role("button", name="Deactivate").first.click()
    dialog = page.locator("#deactivate")
    expect(dialog).to_contain_text("No door opens for Dinesh Dispatcher any more")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    onlooker.context.close()


def test_theme_and_language_change_everything(browser: Browser, console_demo: Demo) -> None:
    onlooker = sign_in(browser, console_demo, "manager", next_path="/console/me")
    page = onlooker.page
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Your menu").click()
    page.locator("#menu").get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.get_by_role("button", name="Your menu").click()
    page.locator("#menu").get_by_role("button", name="தமிழ்").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("உங்கள் கணக்கு")
    expect(page.locator("#sidebar")).to_contain_text("தணிக்கை")
    onlooker.shot("console-me-tamil-dark")
    assert onlooker.overflow_px <= 0
    assert onlooker.complaints == []
    onlooker.context.close()


def test_a_session_that_is_ended_elsewhere_leaves_the_page_at_once(browser: Browser, console_demo: Demo) -> None:
    here = sign_in(browser, console_demo, "dispatcher", next_path="/console/me")
    expect(here.page.locator("#live")).to_have_attribute("data-state", "on", timeout=20_000)
    there = sign_in(browser, console_demo, "dispatcher", next_path="/console/me")
    there.page.get_by_role("button", name="End all others").click()
    here.page.wait_for_url(re.compile(r"/console/sign-in\?next=%2Fconsole%2Fme"), timeout=20_000)
    here.context.close()
    there.context.close()


def test_several_windows_of_one_browser_share_one_stream(browser: Browser, console_demo: Demo) -> None:
    onlooker = sign_in(browser, console_demo, "ops_agent", next_path="/console/me")
    pages = [onlooker.page] + [onlooker.context.new_page() for _ in range(7)]
    for page in pages[1:]:
        page.goto(f"{console_demo.url}/console/me")
    for page in pages:
        expect(page.locator("#live")).to_have_attribute("data-state", "on", timeout=20_000)
    onlooker.context.close()


def test_the_demonstration_tells_how_to_sign_in_as_each_role(console_demo: Demo) -> None:
    for role in ("admin", "manager", "dispatcher", "ops_agent", "installer", "cpo"):
        email, password = credentials(console_demo, role)
        assert email.endswith("@demo.invalid")
        assert len(password) >= 10
