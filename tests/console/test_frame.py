"""The frame of every page: what each role finds in it; and what a page says when something is wrong."""

from __future__ import annotations

import re

import pytest

from console.pages.page import inside
from desk import audit
from desk.work import Work
from models.access import OPERATOR, Role
from models.errors import Unavailable
from phrases.catalogue import LANGUAGES
from tests.console.front import Front, Window

SEEN = {
    Role.ADMIN: ["", "requests", "tickets", "chargers", "contacts", "team", "audit", "status"],
    Role.MANAGER: ["", "requests", "tickets", "chargers", "contacts", "audit", "status"],
    Role.DISPATCHER: ["", "requests", "tickets", "chargers", "contacts", "audit", "status"],
    Role.OPS_AGENT: ["", "requests", "tickets", "chargers", "contacts", "status"],
    Role.INSTALLER: ["", "requests", "tickets"],
    Role.CPO: ["", "chargers"],
}


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_finds_its_own_entries_in_the_sidebar(console: Front, role: Role) -> None:
    window = await console.signed_in(role)
    page = await window.read("/console/me")
    entries = re.findall(r'<a class="entry" href="/console/([a-z-]*)"', page)
    assert [entry for entry in entries if entry in SEEN[Role.ADMIN]] == SEEN[role]
    assert (await window.get("/console/start")).headers["location"] == "/console/"
    for path in SEEN[Role.ADMIN]:
        status = (await window.get(f"/console/{path}")).status_code
        assert status == (200 if path in SEEN[role] else 403), path


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", [Role.ADMIN, Role.INSTALLER, Role.CPO])
async def test_every_page_of_the_sidebar_is_drawn_in_every_language(console: Front, language: str, role: Role) -> None:
    window = await console.signed_in(role)
    await window.post("/console/me/language", language=language)
    for path in [*SEEN[role], "me", "me/password"]:
        page = await window.read(f"/console/{path}")
        assert f'<html lang="{language}"' in page
        assert not re.findall(r">\s*(?:state|word|button|nav|trouble|team|audit|me)\.[a-z_]+\s*<", page), path


async def test_an_address_that_is_none_says_so_to_members_and_nothing_to_others(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    for path in (
        "/console/nothing",
        "/console/team/999999",
        "/console/team/99999999999999999999999",
        "/console/team/x",
    ):
        assert "Nothing here" in await window.read(path, 404), path
    assert (await console.window().get("/console/nothing")).status_code == 303


async def test_a_refusal_under_htmx_is_a_toast_that_leaves_the_page(console: Front) -> None:
    window = await console.signed_in(Role.CPO)
    answer = await window.get("/console/team", **{"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-reswap"]) == (403, "none")
    assert "toast" in answer.headers["hx-trigger"]
    assert answer.text == ""
    gone = await console.window().get("/console/team", **{"hx-request": "true"})
    assert (gone.status_code, gone.headers["hx-redirect"]) == (401, "/console/sign-in?next=/console/")


async def test_a_mistake_of_ours_is_a_page_with_a_number(
    console: Front, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    window = await console.signed_in(Role.ADMIN)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(audit, "found", broken)
    page = await window.read("/console/audit", 500)
    found = re.search(r"incident ([0-9a-f]{8});", page)
    assert found is not None
    assert "ZeroDivision" not in page
    assert any(getattr(record, "incident", "") == found[1] for record in caplog.records)


@pytest.mark.parametrize("signed_in", [True, False])
async def test_while_the_database_is_away_a_page_tries_again_by_itself(
    console: Front, monkeypatch: pytest.MonkeyPatch, signed_in: bool
) -> None:
    window = await console.signed_in(Role.ADMIN) if signed_in else console.window()
    token = await window.token("/console/me" if signed_in else "/console/sign-in")

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(console.office, "read", away)
    monkeypatch.setattr(console.office, "run", away)
    if signed_in:
        answer = await window.get("/console/team")
        assert '<meta http-equiv="refresh" content="5">' in answer.text
        part = await window.get("/console/team", **{"hx-request": "true"})
        assert (part.status_code, part.headers["hx-reswap"]) == (503, "none")
        assert (await window.get("/console/events")).status_code == 503
    else:
        answer = await window.http.post("/console/sign-in", data={"csrf": token, "email": "a@b", "password": "x"})
        assert "refresh" not in answer.text, "a form is not sent again by itself"
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "The database does not answer" in answer.text


@pytest.mark.parametrize("path", ["/console/", "/console/team?after=3", "/console/tickets/TKT-000001#notes"])
def test_a_way_inside_is_kept(path: str) -> None:
    assert inside(path) == path


# The audit trail ----------------------------------------------------------------------------------------------------


async def _trail(window: Window, query: str = "") -> list[str]:
    page = await window.read(f"/console/audit{query}")
    return re.findall(r'<code class="text-\[0.9rem\]">([^<]+)</code>', page)


async def test_the_trail_is_filtered_by_what_who_whom_and_when(console: Front) -> None:
    window = await console.signed_in(Role.MANAGER)
    key = await console.member_id(Role.MANAGER)
    assert (await _trail(window))[0] == "sign_in.ok"
    assert set(await _trail(window, "?action=member.added")) == {"member.added"}
    assert await _trail(window, f"?target=member:{key}&action=sign_in.ok") == ["sign_in.ok"]
    assert await _trail(window, f"?actor=member:{key}") == ["sign_in.ok"]
    assert "member.added" in await _trail(window, "?actor=operator&from=2026-03-02&to=2026-03-02")
    assert await _trail(window, "?from=2026-03-03") == []
    assert await _trail(window, "?to=2026-03-01") == []
    assert (await window.get("/console/audit?from=yesterday")).status_code == 422


async def test_the_trail_has_pages_that_miss_nothing(console: Front) -> None:
    def act(work: Work) -> None:
        for number in range(120):
            audit.record(work, "test.done", f"charger:{number:06}")

    await console.office.run(OPERATOR, act)
    window = await console.signed_in(Role.MANAGER)
    path: str | None = "/console/audit?action=test.done"
    seen: list[str] = []
    while path is not None:
        page = await window.read(path)
        seen += re.findall(r">charger:(\d{6})<", page)
        found = re.search(r'rel="next"[^>]*href="([^"]+)"', page)
        path = found[1] if found else None
    assert seen == [f"{number:06}" for number in reversed(range(120))]
