"""The team's pages: who sees them, what they change, and what they refuse."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import select

from desk import members, team_chats
from desk.work import House, Work
from models.access import OPERATOR, Department, Role
from models.member import Member
from tests.console.front import Front


async def test_somebody_new_signs_in_with_what_was_shown_once(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    answer = await window.post(
        "/console/team/new", name="Nimal Silva", email="Nimal@Example.org", role="installer", language="si",
        department=["technical", "no such"], whatsapp="077 765 4321",
    )  # fmt: skip
    found = re.search(r'id="temporary">([2-9a-z-]{19})<', answer.text)
    assert found is not None
    theirs = console.window()
    assert (await theirs.sign_in("nimal@example.org", found[1])).status_code == 303
    assert (await theirs.get("/console/start")).headers["location"] == "/console/me/password"
    assert "තාවකාලික" not in answer.text, "the admin reads English"

    page = await window.read("/console/team")
    assert "Nimal Silva" in page
    assert "WhatsApp +94777654321" in page
    member = await console.office.read(OPERATOR, members.by_whatsapp, "+94777654321")
    assert member is not None
    actor = await console.office.read(OPERATOR, lambda work: members.actor(work, members.get(work, member.id)))
    assert actor.departments == {Department.TECHNICAL}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "N", "email": "admin@example.org", "role": "admin"}, "already belongs"),
        ({"name": "N", "email": "no email", "role": "admin"}, "is not an email address"),
        ({"name": "", "email": "n@example.org", "role": "admin"}, "Please fill in"),
        ({"name": "N", "email": "n@example.org", "role": "king"}, "Please choose"),
        ({"name": "N", "email": "n@example.org", "role": "cpo"}, "needs a fleet"),
        ({"name": "N", "email": "n@example.org", "role": "cpo", "fleet": "999"}, "no such fleet"),
        ({"name": "N", "email": "n@example.org", "role": "admin", "whatsapp": "no number"}, "no phone number"),
    ],
)
async def test_what_does_not_fit_comes_back_with_a_sentence(console: Front, fields: dict[str, str], words: str) -> None:
    window = await console.signed_in(Role.ADMIN)
    answer = await window.post("/console/team/new", **fields)
    assert answer.status_code in (409, 422)
    assert words in answer.text
    assert fields["name"] in answer.text


async def test_the_last_admin_stays(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    path = f"/console/team/{await console.member_id(Role.ADMIN)}"
    answer = await window.post(f"{path}/change", name="Admin", role="manager")
    assert (answer.status_code, "The last admin stays" in answer.text) == (409, True)
    assert (await window.post(f"{path}/deactivate")).status_code == 409
    assert (await window.get("/console/team")).status_code == 200


async def test_of_two_admins_who_demote_each_other_one_remains(console: Front) -> None:
    one = await console.signed_in(Role.ADMIN)
    second = f"/console/team/{await console.member_id(Role.MANAGER)}"
    await one.post(f"{second}/change", name="Manager", role="admin")
    two = await console.signed_in(Role.MANAGER)
    first = f"/console/team/{await console.member_id(Role.ADMIN)}"
    await asyncio.gather(
        one.post(f"{second}/change", name="Manager", role="manager"),
        two.post(f"{first}/change", name="Admin", role="manager"),
    )

    def admins(work: Work) -> int:
        return len(work.session.scalars(select(Member.id).where(Member.role == Role.ADMIN, Member.active)).all())

    assert await console.office.read(OPERATOR, admins) == 1


async def test_who_leaves_is_locked_out_and_may_come_back(console: Front) -> None:
    window, theirs = await console.signed_in(Role.ADMIN), await console.signed_in(Role.DISPATCHER)
    path = f"/console/team/{await console.member_id(Role.DISPATCHER)}"
    assert (await window.post(f"{path}/deactivate")).status_code == 303
    assert (await theirs.get("/console/me")).status_code == 303
    assert "Dispatcher is deactivated." in await window.read("/console/me")
    assert "Dispatcher" not in (await window.read("/console/team")).partition("<tbody>")[2]
    assert "Dispatcher" in (await window.read("/console/team?left=1")).partition("<tbody>")[2]
    assert (await window.post(f"{path}/password")).status_code == 409, "nobody who left gets a password"
    shown = await window.post(f"{path}/reactivate")
    found = re.search(r'id="temporary">([2-9a-z-]{19})<', shown.text)
    assert found is not None
    assert (await console.window().sign_in(Role.DISPATCHER, found[1])).status_code == 303
    assert "member.disabled" in await window.read(path), "what was done stays on record"


async def test_numbers_are_linked_and_unlinked(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    path = f"/console/team/{await console.member_id(Role.OPS_AGENT)}"
    assert (await window.post(f"{path}/whatsapp", whatsapp="0777654321")).status_code == 303
    other = f"/console/team/{await console.member_id(Role.MANAGER)}"
    assert (await window.post(f"{other}/whatsapp", whatsapp="+94777654321")).status_code == 409
    found = re.search(r"/identities/(\d+)/unlink", await window.read(path))
    assert found is not None
    assert (await window.post(f"{other}/identities/{found[1]}/unlink")).status_code == 404
    assert (await window.post(f"{path}/identities/{found[1]}/unlink")).status_code == 303
    assert await console.office.read(OPERATOR, members.by_whatsapp, "+94777654321") is None


class TestWithTheTeamsBot:
    """Where the team's bot is on."""

    @pytest.fixture
    def house(self, house: House) -> House:
        """The same installation, with the bot."""
        return House(**{**vars(house), "team_bot": "4711"})

    async def test_a_member_ties_their_telegram_by_a_link_good_once(self, console: Front) -> None:
        await console.office.run(OPERATOR, team_chats.keep_bot_name, "desk_bot")
        window = await console.signed_in(Role.ADMIN)
        answer = await window.post(f"/console/team/{await console.member_id(Role.OPS_AGENT)}/telegram")
        assert re.search(r"https://t\.me/desk_bot\?start=[\w-]{32}", answer.text)
        assert "<svg" in answer.text


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_only_an_admin_manages_the_team(console: Front, role: Role) -> None:
    window = await console.signed_in(role)
    key = await console.member_id(Role.MANAGER)
    for path in ("/console/team", "/console/team/new", f"/console/team/{key}"):
        assert (await window.get(path)).status_code == 403
    before = await console.staff.rows()
    for what in ("change", "deactivate", "reactivate", "password", "second-step", "sessions", "tokens", "whatsapp",
                 "telegram", "identities/1/unlink"):  # fmt: skip
        answer = await window.post(f"/console/team/{key}/{what}", name="X", role="admin", whatsapp="0777654321")
        assert answer.status_code == 403, what
    assert await console.staff.rows() == before
    assert 'href="/console/team"' not in await window.read("/console/me")


async def test_a_long_team_has_pages(console: Front) -> None:
    def many(work: Work) -> None:
        for number in range(120):
            members.add(work, email=f"m{number}@example.org", name=f"Member {number:03}", role=Role.OPS_AGENT)

    await console.office.run(OPERATOR, many)
    window = await console.signed_in(Role.ADMIN)
    path: str | None = "/console/team"
    seen: list[str] = []
    while path is not None:
        page = await window.read(path)
        seen += re.findall(r'<a class="link link-hover font-medium" href="/console/team/(\d+)">', page)
        found = re.search(r'rel="next"[^>]*href="([^"]+)"', page)
        path = found[1] if found else None
    assert len(seen) == len(set(seen)) == 126
