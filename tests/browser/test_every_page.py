"""Every page of the console by every role, on a desk and on a phone, light and dark, in a real browser."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, StorageState, expect

from console.table import PAGES
from models.access import Role
from tests.browser.console import sign_in
from tests.browser.onlooker import Demo, Onlooker, look, start_demo
from tests.browser.story import Story, tell

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROLES = {
    "A": Role.ADMIN, "M": Role.MANAGER, "D": Role.DISPATCHER, "O": Role.OPS_AGENT, "I": Role.INSTALLER, "C": Role.CPO,
}  # fmt: skip
WINDOWS = {
    "desk-light": (1360, 850, False), "desk-dark": (1360, 850, True),
    "phone-light": (360, 740, False), "phone-dark": (360, 740, True),
}  # fmt: skip
MOST_BYTES = 100_000
"""Of scripts and styles that a page may need, compressed."""
SHOWN: dict[str, tuple[str, str]] = {
    "/console/": ("/console/", "AMDOIC"),
    "/console/requests": ("/console/requests", "AMDOI-"),
    "/console/requests/{message_id:int}": ("/console/requests/{message}", "AMDOI-"),
    "/console/tickets": ("/console/tickets?status=all", "AMDOI-"),
    "/console/tickets/new": ("/console/tickets/new?message={unanswered}", "AMDO--"),
    "/console/tickets/{ref}": ("/console/tickets/{ticket}", "AMDOI-"),
    "/console/contacts": ("/console/contacts?order=name", "AMDO--"),
    "/console/contacts/new": ("/console/contacts/new", "AMDO--"),
    "/console/contacts/{contact_id:int}": ("/console/contacts/{contact}", "AMDO--"),
    "/console/contacts/{contact_id:int}/edit": ("/console/contacts/{contact}/edit", "AMDO--"),
    "/console/chargers": ("/console/chargers", "AMDO-C"),
    "/console/chargers/{charger_id}": ("/console/chargers/{charger}", "AMDO-C"),
    "/console/chargers-map": ("/console/chargers-map", "AMDO-C"),
    "/console/understanding": ("/console/understanding", "AMDOI-"),
    "/console/status": ("/console/status", "AMDO--"),
    "/console/team": ("/console/team", "A-----"),
    "/console/team/new": ("/console/team/new", "A-----"),
    "/console/team/{member_id:int}": ("/console/team/{member}", "A-----"),
    "/console/audit": ("/console/audit", "AMD---"),
    "/console/me": ("/console/me", "AMDOIC"),
    "/console/me/password": ("/console/me/password", "AMDOIC"),
    "/console/me/second-step": ("/console/me/second-step", "AMDOIC"),
}
"""What is opened as a whole page: an address of it, and by whom."""
PARTS = {
    "/console/requests/{message_id:int}/talk", "/console/tickets/new/contacts", "/console/tickets/new/charger",
    "/console/tickets/new/assignees", "/console/chargers/{charger_id}/card", "/console/chargers/{charger_id}/now",
    "/console/chargers/{charger_id}/history", "/console/chargers/{charger_id}/frames", "/console/chargers-map/sites",
    "/console/runs/{run_id:int}", "/console/bar", "/console/media/{media_id:int}",
}  # fmt: skip
"""Pieces that pages above ask for, and files."""
DOORS = {"/console/sign-in", "/console/sign-in/code", "/console/start"}
"""Before somebody is in, and the way to where they begin."""
SIDEBAR = {
    "/console/": "AMDOIC", "/console/requests": "AMDOI-", "/console/tickets": "AMDOI-", "/console/chargers": "AMDO-C",
    "/console/contacts": "AMDO--", "/console/team": "A-----", "/console/audit": "AMD---", "/console/status": "AMDO--",
    "/console/understanding": "AMDOI-",
}  # fmt: skip
OWN: dict[Role, dict[str, str]] = {
    Role.INSTALLER: {"ticket": "{visit}", "message": "{installers}"}, Role.CPO: {"charger": "100011"},
}  # fmt: skip
"""What is theirs, for those who do not see everything."""
SAME = {Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT}
"""Who see the admin's pages with fewer buttons: axe looks at these pages of theirs only."""
DIFFERENT = {"/console/", "/console/tickets/{ref}", "/console/chargers/{charger_id}", "/console/audit"}

AXE = Axe()
WIDE = """[...document.querySelectorAll(".cards")].filter((one) => one.scrollWidth > one.parentElement.clientWidth + 1)
  .map((one) => one.textContent.trim().slice(0, 80))"""
"""Tables that are cards on a phone and yet wider than their place."""
NEEDED = """[...new Set(performance.getEntriesByType("resource").map((one) => one.name)
  .filter((name) => /\\.(js|css)(\\?|$)/.test(name)))]"""
FOCUS = """() => {
  const style = getComputedStyle(document.activeElement);
  return document.activeElement !== document.body
    && ((style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none");
}"""


@dataclass
class Floor:
    """A running demonstration with its story, and a window of each kind for each role."""

    browser: Browser
    demo: Demo
    story: Story
    signed_in: dict[Role, StorageState] = field(default_factory=dict)
    windows: dict[tuple[Role, str], Onlooker] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)

    def window(self, role: Role, kind: str) -> Onlooker:
        """Where a member of that role sits; each signs in once."""
        if (role, kind) not in self.windows:
            for onlooker in self.windows.values():
                onlooker.context.close()
            self.windows = {(role, kind): self.fresh(role, kind)}
        return self.windows[role, kind]

    def fresh(self, role: Role, kind: str = "desk-light", **options: Any) -> Onlooker:
        """Another window of somebody who has signed in."""
        width, height, dark = WINDOWS[kind]
        if role not in self.signed_in:
            first = sign_in(self.browser, self.demo, role.value)
            self.signed_in[role] = first.context.storage_state()
            first.context.close()
        return look(
            self.browser, width=width, height=height, dark=dark, storage_state=self.signed_in[role], **options
        )  # fmt: skip

    def address(self, role: Role, path: str) -> str:
        """Where that page is for that role."""
        own = {name: self.story.fill(value) for name, value in OWN.get(role, {}).items()}
        return self.demo.url + path.format_map(
            {**self.story.names, "ticket": self.story.names["fault"], "charger": "100004", **own}
        )

    def weight(self, onlooker: Onlooker) -> int:
        """Bytes of scripts and styles of the page that is shown, compressed as well as gzip can."""
        total = 0
        for name in onlooker.page.evaluate(NEEDED):
            if name not in self.weights:
                self.weights[name] = len(gzip.compress(onlooker.context.request.get(name).body(), 9))
            total += self.weights[name]
        return total


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Floor]:
    """One for this file; nothing here changes what another test looks at, but for the tickets it names."""
    running = start_demo(tmp_path_factory.mktemp("every-page"))
    try:
        yield Floor(browser, running, tell(running))
    finally:
        running.end()


def may(letters: str, role: Role) -> bool:
    """Whether the table lets that role in."""
    return role in {ROLES[letter] for letter in letters if letter != "-"}


def serious(onlooker: Onlooker) -> list[str]:
    """What axe finds serious or critical."""
    found = AXE.run(onlooker.page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:200] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def settle(onlooker: Onlooker) -> None:
    """Until the page has fetched its parts."""
    expect(onlooker.page.locator(".htmx-request")).to_have_count(0)


def test_the_table_knows_every_page() -> None:
    declared = {page.path for page in PAGES if "GET" in page.methods}
    assert declared == set(SHOWN) | PARTS | DOORS


OPENED = [
    pytest.param(role, kind, path, id=f"{role.value}-{kind}-{path}")
    for role, kind, (path, (_, letters)) in itertools.product(Role, WINDOWS, SHOWN.items())
    if may(letters, role)
]
REFUSED = [
    pytest.param(role, path, id=f"{role.value}-{path}")
    for role, (path, (_, letters)) in itertools.product(Role, SHOWN.items())
    if not may(letters, role)
]


@pytest.mark.parametrize(("role", "kind", "path"), OPENED)
def test_it_opens_fits_and_can_be_used(floor: Floor, role: Role, kind: str, path: str) -> None:
    onlooker = floor.window(role, kind)
    page = onlooker.page
    onlooker.complaints.clear()
    answer = page.goto(floor.address(role, SHOWN[path][0]))
    assert answer is not None
    assert answer.status == 200
    settle(onlooker)
    onlooker.shot(f"{role.value}-{kind}{path.removeprefix('/console').replace('/', '-')}")
    assert onlooker.overflow_px <= 0, f"{onlooker.overflow_px} px wider than the window"
    assert kind.startswith("desk") or page.evaluate(WIDE) == []
    assert page.locator("h1:visible").count() == 1
    links = page.locator("#sidebar a.entry[href]:not([href='/console/me'])").evaluate_all(
        "links => links.map((link) => link.getAttribute('href'))"
    )
    assert set(links) == {href for href, letters in SIDEBAR.items() if may(letters, role)}
    assert 10_000 < floor.weight(onlooker) <= MOST_BYTES
    if role not in SAME or path in DIFFERENT:
        assert serious(onlooker) == []
    for _ in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    assert onlooker.complaints == []


@pytest.mark.parametrize(("role", "path"), REFUSED)
def test_what_is_not_theirs_says_so(floor: Floor, role: Role, path: str) -> None:
    onlooker = floor.window(role, "phone-light")
    answer = onlooker.page.goto(floor.address(role, SHOWN[path][0]))
    assert answer is not None
    assert answer.status in (403, 404)
    expect(onlooker.page.locator("h1")).to_have_count(1)
    expect(onlooker.page.get_by_role("alert")).to_be_visible()
    assert onlooker.overflow_px <= 0
