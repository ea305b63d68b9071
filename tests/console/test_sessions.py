"""What ends a session, and what a member sees and does about their own account."""

from __future__ import annotations

import re

import pytest

from desk import members, team_admin
from desk.work import Work
from models.access import OPERATOR, Department, Role
from tests.console.front import PASSWORD, Front, Window, hashed


async def _is_in(window: Window) -> bool:
    return (await window.get("/console/me")).status_code == 200


async def test_a_member_sees_their_sessions_and_ends_them(console: Front) -> None:
    here, there, third = [await console.signed_in(Role.OPS_AGENT) for _ in range(3)]
    page = await here.read("/console/me")
    assert page.count("Firefox · Linux") == 3
    assert page.count("This browser") == 1
    other = re.findall(r"/console/me/sessions/(\d+)/end", page)
    assert len(other) == 2
    assert (await here.post(f"/console/me/sessions/{max(other, key=int)}/end")).status_code == 303
    assert [await _is_in(window) for window in (here, there, third)] == [True, True, False]
    await here.post("/console/me/sessions/end-others")
    assert [await _is_in(window) for window in (here, there)] == [True, False]


async def test_nobody_ends_anothers_session_that_way(console: Front) -> None:
    mine, theirs = await console.signed_in(Role.OPS_AGENT), await console.signed_in(Role.ADMIN)
    for session_id in range(1, 4):
        assert (await mine.post(f"/console/me/sessions/{session_id}/end")).status_code in (303, 404)
        if not await _is_in(mine):
            mine = await console.signed_in(Role.OPS_AGENT)
    assert await _is_in(theirs)


async def test_a_new_password_ends_every_other_session(console: Front) -> None:
    here, there = await console.signed_in(Role.ADMIN), await console.signed_in(Role.ADMIN)
    new = "another correct horse"
    for old, first, again in (("wrong", new, new), (PASSWORD, new, new + "x"), (PASSWORD, "short", "short"),
                              (PASSWORD, PASSWORD, PASSWORD)):  # fmt: skip
        answer = await here.post("/console/me/password", at="/console/me/password", old=old, new=first, again=again)
        assert answer.status_code == 422
    answer = await here.post("/console/me/password", at="/console/me/password", old=PASSWORD, new=new, again=new)
    assert answer.status_code == 303
    assert [await _is_in(window) for window in (here, there)] == [True, False]
    assert (await console.window().sign_in(Role.ADMIN)).status_code == 422
    assert (await console.window().sign_in(Role.ADMIN, new)).status_code == 303


async def test_a_stolen_session_cannot_guess_the_password(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    form = {"new": "another correct horse", "again": "another correct horse"}
    for _ in range(5):
        await window.post("/console/me/password", at="/console/me/password", old="guess", **form)
    answer = await window.post("/console/me/password", at="/console/me/password", old=PASSWORD, **form)
    assert answer.status_code == 409
    assert await _is_in(window)


@pytest.mark.parametrize("how", ["disabled", "role", "password"])
async def test_what_an_admin_changes_ends_the_sessions_at_once(console: Front, how: str) -> None:
    window = await console.signed_in(Role.DISPATCHER)
    key = await console.member_id(Role.DISPATCHER)

    def change(work: Work) -> None:
        if how == "disabled":
            members.disable(work, members.get(work, key))
        elif how == "password":
            team_admin.new_password(work, key, hashed())
        else:
            team_admin.change(
                work, key, name="Dispatcher", role=Role.OPS_AGENT, departments=[Department.SERVICE], fleet_id=None
            )

    await console.office.run(OPERATOR, change)
    assert not await _is_in(window)


async def test_departments_alone_end_nothing(console: Front) -> None:
    window = await console.signed_in(Role.DISPATCHER)
    key = await console.member_id(Role.DISPATCHER)
    await console.office.run(
        OPERATOR, team_admin.change, key, name="Dispatcher", role=Role.DISPATCHER, departments=[Department.HOTLINE],
        fleet_id=None,
    )  # fmt: skip
    assert "Hotline" in await window.read("/console/me")


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Your account"), ("si", "ඔබේ ගිණුම"), ("ta", "உங்கள் கணக்கு"), ("es", "Su cuenta")],
)
async def test_another_language_is_everywhere_at_once(console: Front, language: str, words: str) -> None:
    window = await console.signed_in(Role.ADMIN)
    await window.post("/console/me/language", language=language, next="/console/team")
    page = await window.read("/console/me")
    assert words in page
    assert f'<html lang="{language}"' in page
    await window.post("/console/sign-out")
    assert f'<html lang="{language}"' in await window.read("/console/sign-in")


async def test_a_zone_moves_every_time_that_is_shown(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    assert "Mar 2, 2026, 1:30 PM" in await window.read("/console/audit"), "the installation is in Colombo"
    await window.post("/console/me/profile", language="en", timezone="America/Lima")
    assert "Mar 2, 2026, 3:00 AM" in await window.read("/console/audit")
    assert (await window.post("/console/me/profile", language="en", timezone="Mars/Base")).status_code == 422
    assert (await window.post("/console/me/language", language="xx")).status_code == 422


async def test_light_or_dark_is_kept_in_the_browser(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    await window.post("/console/me/theme", theme="dark", next="/console/me")
    assert 'data-theme="dark"' in await window.read("/console/me")
    await window.post("/console/me/theme", theme="system")
    assert "data-theme" not in await window.read("/console/me")


async def test_a_members_own_api_token_is_shown_once_and_revoked(console: Front) -> None:
    window = await console.signed_in(Role.INSTALLER)
    answer = await window.post("/console/me/tokens", label="my script")
    found = re.search(r"cht_[\w-]{40,}", answer.text)
    assert found is not None
    actor = await console.office.read(OPERATOR, members.by_token, found[0])
    assert actor is not None
    assert actor.role is Role.INSTALLER
    page = await window.read("/console/me")
    assert found[0] not in page
    tokens = re.findall(r"/console/me/tokens/(\d+)/revoke", page)
    foreign = await console.signed_in(Role.ADMIN)
    assert (await foreign.post(f"/console/me/tokens/{tokens[0]}/revoke")).status_code == 404
    await window.post(f"/console/me/tokens/{tokens[0]}/revoke")
    assert await console.office.read(OPERATOR, members.by_token, found[0]) is None


async def test_a_note_is_said_once_and_cannot_be_made_up(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    await window.post("/console/me/profile", language="en", timezone="")
    assert "Saved." in await window.read("/console/me")
    assert "Saved." not in await window.read("/console/me")
    window.http.cookies.set("chargehand_note", "eyJjb2RlIjoieCJ9.AAAA", domain="127.0.0.1", path="/")
    assert (await window.get("/console/me")).status_code == 200
