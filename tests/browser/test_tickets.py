"""Tickets in a real browser: two members at once, a driver who hears of it, a send that died and is sent again; axe."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.console import sign_in
from tests.browser.onlooker import Demo, Onlooker, look, start_demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT = 20_000
SAID = "the cable at 100003 does not come out of my car"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demonstration."""
    running = start_demo(tmp_path_factory.mktemp("tickets"))
    yield running
    running.end()


@pytest.fixture
def manager(browser: Browser, busy: Demo) -> Iterator[Onlooker]:
    """Who only looks, most of the time."""
    onlooker = sign_in(browser, busy, "manager", next_path="/console/")
    yield onlooker
    onlooker.context.close()


@pytest.fixture
def dispatcher(browser: Browser, busy: Demo) -> Iterator[Onlooker]:
    """Who does the work, on a phone."""
    onlooker = sign_in(browser, busy, "dispatcher", width=360, height=740, dark=True, next_path="/console/tickets/new")
    yield onlooker
    onlooker.context.close()


def live(page: Page) -> None:
    """Until the page hears what happens."""
    expect(page.locator("#live")).to_have_attribute("data-state", "on", timeout=WAIT)


def said(page: Page, words: str) -> None:
    """Until the page tells so."""
    expect(page.locator("#toasts")).to_contain_text(words, timeout=WAIT)


def deed(page: Page, name: str, **fields: str) -> None:
    """Fill in a dialog of a ticket and send it."""
    page.locator(f"[data-opens={name}]").click()
    sheet = page.locator(f"dialog#{name}")
    for field, value in fields.items():
        sheet.locator(f"textarea[name={field}]").fill(value)
    for box in sheet.locator("input[type=checkbox]").all():
        box.check()
    assert serious(page) == [], name
    sheet.locator("button:not([type=button])").click()


def serious(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ]


def open_tickets(page: Page) -> int:
    """The first figure of the dashboard."""
    return int(page.locator("#counters .figure .text-2xl").first.inner_text())


def test_a_ticket_from_its_opening_to_its_end(busy: Demo, manager: Onlooker, dispatcher: Onlooker) -> None:
    page, board = dispatcher.page, manager.page
    live(board)
    before = open_tickets(board)
    page.locator("[name=contact_words]").press_sequentially("nim")
    page.locator("#found_contacts label", has_text="Nimali Perera").click()
    page.locator("[name=charger]").press_sequentially("100099")
    expect(page.locator("#seen_charger [role=alert]")).to_contain_text("100099", timeout=WAIT)
    page.locator("[name=charger]").fill("100002")
    expect(page.locator("#seen_charger .state")).to_be_visible(timeout=WAIT)
    page.locator("#f-category").select_option("billing")
    expect(page.locator("#assignees")).to_contain_text("Service", timeout=WAIT)
    page.locator("[name=summary]").fill("A receipt for yesterday")
    assert (serious(page), dispatcher.overflow_px) == ([], 0)
    page.get_by_role("button", name="Open the ticket").click()
    expect(page.locator("h1")).to_have_text("A receipt for yesterday", timeout=WAIT)
    address = page.url

    recent = board.locator("#recent tr", has_text="A receipt for yesterday")
    expect(recent).to_be_visible(timeout=WAIT)  # by itself
    assert open_tickets(board) == before + 1
    recent.locator("a").click()
    live(board)

    live(page)
    page.get_by_role("button", name="Take it").click()
    said(page, "is yours")
    expect(board.locator("#head")).to_contain_text("ASSIGNED", ignore_case=True, timeout=WAIT)
    page.get_by_role("button", name="Start work").click()
    said(page, "has begun")
    page.locator("#f-note").fill("Called her; the email was wrong")
    page.get_by_role("button", name="Add the note").click()
    expect(board.locator("#history")).to_contain_text("the email was wrong", timeout=WAIT)

    board.locator("[data-opens=priority]").click()  # and thinks about it
    expect(board.locator("dialog#priority")).to_be_visible()
    deed(
        page, "escalate", tried="Sent it twice", failed="It never arrives", needed="Somebody who knows the mail server"
    )
    said(page, "is escalated")
    board.locator("dialog#priority button.btn-primary").click()
    said(board, "meanwhile")
    expect(board.locator("#history")).to_contain_text("Somebody who knows the mail server", timeout=WAIT)

    deed(page, "resolve", note="The receipt arrived")
    said(page, "is resolved")
    deed(page, "close")
    said(page, "is closed")
    expect(page.locator("#head")).not_to_contain_text("Start work")
    page.goto(f"{busy.url}/console/tickets?status=CLOSED")
    expect(page.locator("#rows")).to_contain_text("A receipt for yesterday", timeout=WAIT)
    assert dispatcher.overflow_px <= 0
    page.goto(address)
    expect(page.locator("#history")).to_contain_text("The receipt arrived")
    assert dispatcher.overflow_px <= 0
    assert dispatcher.complaints == []
    assert all("409" in line for line in manager.complaints), manager.complaints


def test_the_driver_reads_the_answer_and_a_dead_send_goes_again(
    browser: Browser, busy: Demo, manager: Onlooker
) -> None:
    driver, page = look(browser), manager.page
    driver.page.goto(busy.url + "/chat")
    driver.page.locator("textarea, input[type=text]").first.fill(SAID)
    driver.page.keyboard.press("Enter")
    expect(driver.page.locator("body")).to_contain_text(SAID, timeout=WAIT)
    page.goto(busy.url + "/console/requests")
    row = page.locator("#rows li", has_text="does not come out")
    expect(row).to_be_visible(timeout=WAIT)
    message = re.search(r"/requests/(\d+)", row.locator("a").first.get_attribute("href") or "")
    assert message is not None
    page.goto(f"{busy.url}/console/tickets/new?message={message[1]}")
    expect(page.locator("[name=charger]")).to_have_value("100003")
    page.get_by_role("button", name="Open the ticket").click()
    expect(page.locator("#talk")).to_contain_text("does not come out", timeout=WAIT)
    page.locator("#f-text").fill("We unlock the cable now.")
    page.get_by_role("button", name="Reply", exact=True).click()
    said(page, "on its way")
    expect(driver.page.locator("body")).to_contain_text("We unlock the cable now.", timeout=WAIT)
    driver.context.close()

    with sqlite3.connect(busy.log.parent / "var" / "chargehand.db", timeout=30) as database:
        database.execute(
            "UPDATE outbox SET state = 'dead', error_code = '63016' WHERE id = (SELECT max(id) FROM outbox)"
        )
    page.goto(busy.url + "/console/status")
    expect(page.locator("[aria-labelledby=s-dead]")).to_contain_text("63016", timeout=WAIT)
    page.get_by_role("button", name="Send again").click()
    said(page, "once more")
    expect(page.locator("[aria-labelledby=s-dead]")).not_to_contain_text("63016", timeout=WAIT)
    assert manager.overflow_px <= 0
    assert manager.complaints == []
