"""The chargers hub and the command bar with a real browser: a fault cleared on screen, everything by keyboard."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.onlooker import Demo, Onlooker, look

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW_MS = 90_000
"""A remedy is tried, watched and verified: half a minute, more on a busy machine."""
MOST_BYTES = 100_000
WEIGHT = """performance.getEntriesByType("resource").filter((one) => /\\.(js|css)$/.test(one.name))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
"""Scripts and styles of the page, as they come over the wire."""
PAGES = ("/console/chargers", "/console/chargers?view=table", "/console/chargers/100003", "/console/chargers-map")


def _sign_in(demo: Demo, onlooker: Onlooker, role: str) -> None:
    found = re.search(rf"^\s*{role}\s+(\S+@\S+)\s+(\S+)$", demo.said, re.MULTILINE)
    assert found is not None, demo.said
    page = onlooker.page
    page.goto(demo.url + "/console/sign-in")
    page.locator("[name=email]").fill(found[1])
    page.locator("[name=password]").fill(found[2])
    page.locator("form .btn-primary").click()
    expect(page.locator("#main")).to_be_visible()


def test_a_fault_is_cleared_and_its_end_is_seen_without_a_reload(demo: Demo, browser: Browser) -> None:
    onlooker = look(browser)
    page = onlooker.page
    _sign_in(demo, onlooker, "ops_agent")
    page.goto(demo.url + "/console/chargers/100003")
    expect(page.locator("#state")).to_contain_text("Faulted", timeout=20_000)
    expect(page.locator("[data-advice]")).to_contain_text("InternalError")
    expect(page.locator("#frames li[data-frame]").first).to_be_visible(timeout=20_000)
    page.locator("[data-command=clear]").click()
    question = page.locator("#answer .outcome[data-outcome=confirm]")
    expect(question).to_contain_text("100003", timeout=20_000)
    expect(question).to_be_focused()
    onlooker.shot("charger-question", full=True)
    question.locator("[data-confirms]").click()
    expect(page.locator("#answer .run")).to_have_attribute("data-state", re.compile("waiting|running"), timeout=20_000)
    expect(page.locator("#answer .run")).to_have_attribute("data-result", "CLEARED", timeout=SLOW_MS)
    expect(page.locator("#answer .run")).to_contain_text("the charger has confirmed it")
    expect(page.locator("#state")).to_contain_text("Available", timeout=20_000)
    expect(page.locator("#frames")).to_contain_text("TriggerMessage", timeout=20_000)
    onlooker.shot("charger-cleared", full=True)
    assert onlooker.complaints == []


def test_the_bar_by_keyboard_alone(demo: Demo, browser: Browser) -> None:
    onlooker = look(browser)
    page, keys = onlooker.page, onlooker.page.keyboard
    _sign_in(demo, onlooker, "ops_agent")
    page.goto(demo.url + "/console/chargers")
    keys.press("Control+k")
    expect(page.locator("#bar-input")).to_be_focused()
    keys.type("/sta")
    expect(page.locator("#bar-list [role=option]").first).to_contain_text("/status <charger-id>", timeout=SLOW_MS)
    expect(page.locator("#bar-status")).to_contain_text("1")
    keys.press("Enter")
    expect(page.locator("#bar-input")).to_have_value("/status ")
    keys.type("10000")
    option = page.locator("#bar-list [role=option]", has_text="100002")
    expect(option).to_be_visible(timeout=SLOW_MS)
    while page.locator("#bar-input").get_attribute("aria-activedescendant") != option.get_attribute("id"):
        keys.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    keys.press("Tab")
    expect(page.locator("#bar-input")).to_have_value("/status 100002")
    expect(page.locator("#bar-list [role=option]")).to_have_count(1, timeout=SLOW_MS)
    expect(page.locator("#bar-list [role=option]")).to_have_text(re.compile("Enter runs it"))
    onlooker.shot("bar-commands")
    keys.press("Enter")
    expect(page.locator("#bar-outcome")).to_contain_text("Connector 1", timeout=SLOW_MS)
    expect(page.locator("#bar-input")).to_be_focused()
    keys.type("/out 100009")
    expect(page.locator("#bar-list [role=option]").first).to_contain_text("/out 100009", timeout=SLOW_MS)
    keys.press("Enter")
    question = page.locator("#bar-outcome .outcome[data-outcome=confirm]")
    expect(question).to_be_focused(timeout=20_000)
    keys.press("Enter")
    expect(question).to_be_visible()
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#bar-outcome .outcome[data-outcome=done]")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#bar")).to_be_hidden()
    keys.press("Control+k")
    expect(page.locator("#bar-list [role=option]").first).to_contain_text("/out 100009", timeout=SLOW_MS)
    keys.type("galle fort 05")
    expect(page.locator("#bar-list [role=option]").first).to_contain_text("100005")
    keys.press("Enter")
    page.wait_for_url("**/console/chargers/100005")
    keys.press("g")
    keys.press("c")
    page.wait_for_url("**/console/chargers")
    expect(page.locator("[data-row]")).to_have_count(12)
    keys.press("/")
    keys.type("kandy 09")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=kandy"))
    for _ in range(8):
        keys.press("Tab")
        if page.evaluate("document.activeElement.closest('[data-row]') !== null"):
            break
    keys.press("Enter")
    page.wait_for_url("**/console/chargers/100009")
    assert onlooker.complaints == []


def test_pages_fit_phones_are_light_and_show_no_fault_to_axe(demo: Demo, browser: Browser) -> None:
    for width, dark in ((1440, False), (360, True)):
        onlooker = look(browser, width=width, height=780, dark=dark)
        _sign_in(demo, onlooker, "admin")
        for path in PAGES:
            onlooker.page.goto(demo.url + path)
            expect(onlooker.page.locator("#main h1")).to_be_visible()
            onlooker.page.wait_for_timeout(1_000)
            assert onlooker.overflow_px == 0, (path, width)
            assert 10_000 < onlooker.page.evaluate(WEIGHT) < MOST_BYTES, path
            assert not _faults(onlooker), (path, width)
            onlooker.shot(f"{path.removeprefix('/console/').replace('/', '-').replace('?', '-')}-{width}")
        onlooker.page.keyboard.press("Control+k")
        onlooker.page.keyboard.type("/re")
        expect(onlooker.page.locator("#bar-list [role=option]").first).to_be_visible()
        assert not _faults(onlooker), ("bar", width)
        onlooker.shot(f"bar-{width}")
        assert onlooker.complaints == []


def _faults(onlooker: Onlooker) -> list[str]:
    found = Axe().run(onlooker.page).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:200] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_an_owner_has_no_command_on_screen(demo: Demo, browser: Browser) -> None:
    onlooker = look(browser, width=420, height=780)
    _sign_in(demo, onlooker, "cpo")
    onlooker.page.goto(demo.url + "/console/chargers")
    expect(onlooker.page.locator("[data-row]")).to_have_count(2)
    onlooker.page.goto(demo.url + "/console/chargers/100010")
    expect(onlooker.page.locator("#state")).to_be_visible()
    expect(onlooker.page.locator("[data-command], #log")).to_have_count(0)
    onlooker.page.goto(demo.url + "/console/chargers/100003")
    expect(onlooker.page.locator("h1")).to_contain_text("Nothing here")
