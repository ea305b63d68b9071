"""The console by keyboard alone, and with scripts switched off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.console import credentials, sign_in
from tests.browser.onlooker import Demo, look, start_demo
from tests.browser.story import Story, tell

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT = 20_000
IN_DIALOG = "document.activeElement === document.body || document.activeElement.closest('dialog[open]') !== null"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Demo, Story]]:
    """A demonstration in which things have happened."""
    running = start_demo(tmp_path_factory.mktemp("keyboard"))
    try:
        yield running, tell(running)
    finally:
        running.end()


def tab_to(page: Page, wanted: Locator, most: int = 80) -> None:
    """Press Tab until it has the focus."""
    expect(wanted).to_be_visible(timeout=WAIT)
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not reached in {most} steps")


def test_a_ticket_from_the_door_to_its_end(browser: Browser, house: tuple[Demo, Story]) -> None:
    demo, story = house
    onlooker = look(browser)
    page, keys = onlooker.page, onlooker.page.keyboard
    email, password = credentials(demo, "ops_agent")
    page.goto(demo.url + "/console/sign-in?next=/console/tickets")
    keys.type(email)
    keys.press("Tab")
    keys.type(password)
    keys.press("Enter")
    page.wait_for_url(demo.url + "/console/tickets")

    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#main")).to_be_focused()  # by the skip link
    mine = page.locator(f"[data-row] a[href$='{story.names['overdue']}']")
    for _ in range(10):
        keys.press("j")
        if mine.evaluate("one => one === document.activeElement"):
            break
    keys.press("k")
    expect(mine).not_to_be_focused()
    keys.press("j")
    expect(mine).to_be_focused()
    keys.press("Enter")
    page.wait_for_url(f"**/{story.names['overdue']}")

    tab_to(page, page.get_by_role("button", name="Take it"))
    keys.press("Enter")
    expect(page.locator("#head")).to_contain_text("Tara Technician", timeout=WAIT)
    tab_to(page, page.locator("#f-text"))
    keys.type("We are on our way to 100005.")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#talk")).to_contain_text("We are on our way", timeout=WAIT)

    opener = page.locator("[data-opens=resolve]")
    tab_to(page, opener)
    keys.press("Enter")
    expect(page.locator("#s-resolve")).to_be_focused()
    for step in ("Tab", "Tab", "Tab", "Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab"):
        keys.press(step)
        assert page.evaluate(IN_DIALOG), f"the focus left the dialog by {step}"
    keys.press("Escape")
    expect(page.locator("dialog#resolve")).to_be_hidden()
    expect(opener).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#s-resolve")).to_be_focused()
    keys.type("The earth wire was loose.")
    tab_to(page, page.locator("dialog#resolve .btn-primary"), most=4)
    keys.press("Enter")
    expect(page.locator("#head")).to_contain_text("Resolved", timeout=WAIT)
    expect(page.locator("#history")).to_contain_text("The earth wire was loose.")
    assert onlooker.complaints == []
    onlooker.context.close()


def test_the_bar_and_the_keys_are_dialogs(browser: Browser, house: tuple[Demo, Story]) -> None:
    onlooker = sign_in(browser, house[0], "dispatcher", next_path="/console/contacts")
    page, keys = onlooker.page, onlooker.page.keyboard
    for opens, dialog in (("Control+k", "#bar"), ("?", "#keys")):
        keys.press(opens)
        expect(page.locator(dialog)).to_be_visible()
        for _ in range(5):
            keys.press("Tab")
            assert page.evaluate(IN_DIALOG), f"the focus left {dialog}"
        keys.press("Escape")
        expect(page.locator(dialog)).to_be_hidden()
    keys.press("/")
    keys.type("nim")
    expect(page.locator("#rows")).to_contain_text("Nimali Perera", timeout=WAIT)
    assert onlooker.complaints == []
    onlooker.context.close()


def test_without_scripts_one_signs_in_reads_and_writes(browser: Browser, house: tuple[Demo, Story]) -> None:
    demo, story = house
    onlooker = look(browser, width=360, height=740, java_script_enabled=False)
    page = onlooker.page
    email, password = credentials(demo, "dispatcher")
    page.goto(demo.url + "/console/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    page.get_by_role("button", name="Menu", exact=True).click()
    page.locator("#sidebar").get_by_role("link", name="Requests").click()
    expect(page.locator("#rows")).to_contain_text("Kavindi")
    page.goto(f"{demo.url}/console/contacts?q=nimali")
    expect(page.locator("#rows")).to_contain_text("Nimali Perera")
    page.goto(f"{demo.url}/console/tickets/{story.names['complaint']}")
    page.locator("#f-note").fill("Called her again: works now.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator("#history")).to_contain_text("works now")
    page.locator("#f-text").fill("Thank you for your patience.")
    page.get_by_role("button", name="Reply").click()
    expect(page.locator("#talk")).to_contain_text("Thank you for your patience.")
    page.goto(f"{demo.url}/console/chargers?state=Faulted")
    expect(page.locator("#main")).to_contain_text("100004")
    onlooker.context.close()
