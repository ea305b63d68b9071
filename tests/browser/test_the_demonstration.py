"""A walk through `chargehand demo` with a real browser: what README.md promises is seen on the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.onlooker import Demo, look

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW_MS = 90_000
"""A remedy is tried, watched and verified: half a minute, more on a busy machine."""
STATES = re.compile(
    "Available|Preparing|Charging|SuspendedEV|SuspendedEVSE|Finishing|Reserved|Unavailable|Faulted|Offline"
)


def _write(chat: Page | FrameLocator, text: str) -> None:
    chat.locator("#text").fill(text)
    chat.locator("#send").click()
    expect(chat.locator(".line.own").last).to_contain_text(text)


def _tile(page: Page, charger_id: str, state: str) -> None:
    expect(page.locator("#chargers .tile", has_text=charger_id).locator(".what")).to_have_text(state, timeout=20_000)


def _twelve_chargers(page: Page) -> None:
    expect(page.locator("#chargers .tile")).to_have_count(12)
    for charger_id, state in (
        ("100003", "Faulted"), ("100004", "Faulted"), ("100005", "Faulted"), ("100006", "Offline"),
        ("100009", "Available"),
    ):  # fmt: skip
        _tile(page, charger_id, state)
    for text in page.locator("#chargers .tile .what").all_inner_texts():
        assert STATES.fullmatch(text), text
    expect(page.locator("#counts")).to_contain_text("11 / 12", timeout=20_000)


def test_a_walk_through_the_demonstration(demo: Demo, browser: Browser) -> None:
    onlooker = look(browser)
    page = onlooker.page
    page.goto(demo.url + "/")
    _twelve_chargers(page)
    chat = page.frame_locator("#chat")

    _write(chat, "charger 100003 is not starting, red light")
    expect(chat.locator(".line").last).to_contain_text("InternalError", timeout=20_000)
    expect(page.locator("#messages")).to_contain_text("fault")
    expect(chat.locator("#lines")).to_contain_text("ready again", timeout=SLOW_MS)
    expect(page.locator("#runs")).to_contain_text("cleared")
    _tile(page, "100003", "Available")

    _write(chat, "100004 eka wada na, red light")
    expect(chat.locator("#lines")).to_contain_text("TKT-000001", timeout=SLOW_MS)
    ticket = page.locator("#tickets .row", has_text="TKT-000001")
    expect(ticket).to_contain_text("normal")
    expect(ticket.locator(".clock")).to_have_text(
        [re.compile(r"response 23:5\d:\d\d"), re.compile(r"solution 71:5\d:")]
    )
    onlooker.shot("live")

    phone = look(browser, width=360, height=740)
    phone.page.goto(demo.url + "/chat")
    _write(phone.page, "smoke is coming out of charger 100002")
    expect(phone.page.locator("#lines")).to_contain_text("step away", timeout=20_000)
    expect(phone.page.locator("#lines")).to_contain_text("100002 is switched off", timeout=SLOW_MS)
    phone.shot("chat-phone")
    board = page.locator("#alerts .row", has_text="SAFETY TKT-000002")
    expect(board).to_contain_text("a visitor reports danger at 100002")
    _tile(page, "100002", "Unavailable")
    onlooker.shot("safety")

    dark = look(browser, dark=True)
    dark.page.goto(demo.url + "/")
    expect(dark.page.locator("#alerts")).to_contain_text("SAFETY TKT-000002")
    light_ink, dark_ink = (each.evaluate("getComputedStyle(document.body).color") for each in (page, dark.page))
    assert light_ink != dark_ink
    dark.shot("live-dark")

    for each in (onlooker, phone, dark):
        assert each.complaints == []
    code, took_s = demo.interrupt()
    assert (code, demo.process.poll()) == (0, 0)
    assert took_s < 5
    assert "Traceback" not in demo.said
    assert "Error" not in demo.said


def test_nothing_scrolls_sideways_on_a_phone(demo: Demo, browser: Browser) -> None:
    phone = look(browser, width=360, height=740)
    for path in ("/", "/chat"):
        phone.page.goto(demo.url + path)
        phone.page.wait_for_timeout(1500)
        assert phone.overflow_px == 0, path
    phone.page.locator("#language").select_option("ta")
    _write(phone.page, "x" * 300)
    expect(phone.page.locator(".line").last).not_to_have_class(re.compile("own"), timeout=20_000)
    assert phone.overflow_px == 0
    assert phone.complaints == []


def test_a_message_written_without_a_line_goes_out_when_it_is_back(demo: Demo, browser: Browser) -> None:
    onlooker = look(browser, width=420, height=740)
    onlooker.page.goto(demo.url + "/chat")
    expect(onlooker.page.locator(".line.note")).to_be_visible()
    onlooker.context.set_offline(True)
    onlooker.page.evaluate("socket.close()")
    _write(onlooker.page, "charger 100009 is not working")
    expect(onlooker.page.locator(".line.own.waiting")).to_have_count(1)
    onlooker.context.set_offline(False)
    expect(onlooker.page.locator(".line").last).to_contain_text("100009 says that it is ready", timeout=30_000)
    onlooker.page.reload()
    expect(onlooker.page.locator(".line.own")).to_have_text([re.compile("charger 100009 is not working")])
    onlooker.page.get_by_role("button", name="Still not working").click()
    expect(onlooker.page.locator("#lines")).to_contain_text("TKT-000001", timeout=20_000)
