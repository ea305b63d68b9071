"""Requests and contacts in a real browser: a driver writes, the queue moves by itself, a member answers; axe."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.console import sign_in
from tests.browser.onlooker import Demo, look, start_demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = ((1440, 900, False), (1440, 900, True), (360, 740, False), (360, 740, True))
SAID = "I was charged LKR 3450 twice at 100005, please refund to 0771234567"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Demo]:
    """A demonstration in which somebody has written."""
    running = start_demo(tmp_path_factory.mktemp("requests"))
    write(browser, running, SAID)
    yield running
    running.end()


def write(browser: Browser, demo: Demo, text: str) -> None:
    """A driver writes into the web chat and hears something."""
    driver = look(browser)
    driver.page.goto(demo.url + "/chat")
    driver.page.locator("textarea, input[type=text]").first.fill(text)
    driver.page.keyboard.press("Enter")
    expect(driver.page.locator("body")).to_contain_text(text[:30], timeout=20_000)
    driver.page.wait_for_timeout(1_500)
    driver.context.close()


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "height", "dark"), SIZES)
def test_the_pages_fit_are_readable_and_complain_of_nothing(
    browser: Browser, busy: Demo, width: int, height: int, dark: bool
) -> None:
    onlooker = sign_in(browser, busy, "manager", width=width, height=height, dark=dark)
    page = onlooker.page
    name = f"{'phone' if width < 500 else 'desk'}-{'dark' if dark else 'light'}"
    page.goto(busy.url + "/console/requests")
    expect(page.locator("#rows")).to_contain_text("LKR 3450", timeout=20_000)
    request = page.locator("#rows a[href^='/console/requests/']").first.get_attribute("href")
    page.goto(busy.url + "/console/contacts?order=name")
    contact = page.locator("#rows a[href^='/console/contacts/']").first.get_attribute("href")
    for path, shot in (
        ("/console/requests", "requests"), (request, "request"), ("/console/requests?q=nosuchword", "requests-none"),
        ("/console/contacts", "contacts"), (contact, "contact"), (f"{contact}/edit", "contact-edit"),
    ):  # fmt: skip
        page.goto(f"{busy.url}{path}")
        expect(page.locator("#live")).to_have_attribute("data-state", "on", timeout=20_000)
        assert onlooker.overflow_px <= 0, path
        assert serious(page) == [], path
        onlooker.shot(f"{shot}-{name}", full=True)
    assert onlooker.complaints == []
    onlooker.context.close()


def test_what_is_written_appears_by_itself_and_is_answered(browser: Browser, busy: Demo) -> None:
    onlooker = sign_in(browser, busy, "ops_agent")
    page = onlooker.page
    page.goto(busy.url + "/console/requests")
    expect(page.locator("#live")).to_have_attribute("data-state", "on", timeout=20_000)
    write(browser, busy, "my card 04AABB is not recognised at 100007")
    row = page.locator("#rows li", has_text="not recognised")
    expect(row).to_be_visible(timeout=20_000)
    page.keyboard.press("/")
    page.keyboard.type("recogn")
    expect(page.locator("#rows li")).to_have_count(1, timeout=20_000)
    expect(page).to_have_url(re.compile("q=recogn"))
    page.keyboard.press("Tab")
    page.locator("#rows li a").first.click()
    page.get_by_role("button", name="Correct").click()
    page.locator("#correct select[name=category]").select_option("rfid")
    page.locator("#correct textarea").fill("It is the card")
    page.locator("#correct .btn-primary").click()
    expect(page.locator("#reading")).to_contain_text("It is the card", timeout=20_000)
    page.locator("textarea[name=text]").fill("We activate it now.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#talk")).to_contain_text("We activate it now.", timeout=20_000)
    assert onlooker.complaints == []
    onlooker.context.close()


def test_a_contact_is_found_while_one_types(browser: Browser, busy: Demo) -> None:
    onlooker = sign_in(browser, busy, "dispatcher")
    page = onlooker.page
    page.goto(busy.url + "/console/contacts")
    page.keyboard.press("/")
    page.keyboard.type("4567")
    expect(page.locator("#rows tbody tr")).to_have_count(1, timeout=20_000)
    expect(page.locator("#rows")).to_contain_text("Nimali Perera")
    page.keyboard.press("Control+a")
    page.keyboard.type("nim")
    expect(page.locator("#rows")).to_contain_text("Nimali Perera", timeout=20_000)
    page.locator("#rows tbody tr").first.click()
    expect(page.locator("h1")).to_have_text("Nimali Perera")
    expect(page.locator("#main")).to_contain_text("LKR")
    assert onlooker.complaints == []
    onlooker.context.close()
