"""How members are let in: one-time links; how groups become the team's; which commands are shown to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import member_links, members, team_chats
from desk.work import Work
from models.access import OPERATOR, Role
from models.audit import AuditRow
from models.errors import NotAllowed, Refusal
from models.member import MemberIdentityKind
from models.team import MemberLink
from tests.team_room import Room

CPO = f"{Role.CPO.value}@example.org"


async def new_link(room: Room, email: str = CPO, kind: MemberIdentityKind = MemberIdentityKind.TELEGRAM) -> str:
    """A code that an admin made."""

    def create(work: Work) -> str:
        return member_links.create_link(work, members.get(work, email), kind)

    return await room.office.run(room.staff.actors[Role.ADMIN], create)


async def test_a_link_lets_a_member_in_once(room: Room) -> None:
    newcomer = room.people[Role.CPO]
    own = room.private(newcomer)
    code = await new_link(room)
    room.telegram.starts(newcomer, room.bot, code)
    await room.quiet()
    assert room.last(own).text.startswith("Welcome, Cpo.")
    await room.says(newcomer, "/status 100001")
    assert room.last().text.startswith("Charger 100001")
    stranger = room.telegram.user("Eve")
    room.telegram.starts(stranger, room.bot, code)
    await room.quiet()
    assert room.last(room.private(stranger)).text.startswith("This link was used already")
    room.telegram.starts(newcomer, room.bot, code)
    await room.quiet()
    assert room.last(own).text.startswith("Hello Cpo.")
    trail = await room.office.read(OPERATOR, lambda work: list(work.session.scalars(select(AuditRow))))
    [linked] = [row for row in trail if row.action == "member.linked"]
    assert (linked.actor_name, linked.facts["account"]) == ("Cpo", str(newcomer.id))
    [kept] = await room.office.read(OPERATOR, lambda work: list(work.session.scalars(select(MemberLink))))
    assert code not in kept.digest


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("guess", "I do not know this link."),
        ("wait", "This link is too old"),
        ("replace", "This link is too old"),
        ("leave", "I do not know this link."),
    ],
)
async def test_a_link_that_is_no_good_says_why(room: Room, spoil: str, sentence: str) -> None:
    newcomer = room.people[Role.CPO]
    code = await new_link(room)
    if spoil == "guess":
        code = code[:-1] + ("A" if code[-1] != "A" else "B")
    elif spoil == "wait":
        room.clock.set(room.clock.now() + timedelta(hours=24, seconds=1))
    elif spoil == "replace":
        await new_link(room)
    else:
        await room.office.run(OPERATOR, lambda work: members.disable(work, members.get(work, CPO)))
    room.telegram.starts(newcomer, room.bot, code)
    await room.quiet()
    assert room.last(room.private(newcomer)).text.startswith(sentence)
    await room.says(newcomer, "/status 100001")
    assert room.last().text.startswith("I answer linked members")


async def test_an_account_belongs_to_one_member_and_a_new_account_takes_the_place_of_the_old(room: Room) -> None:
    dispatcher = room.people[Role.DISPATCHER]
    code = await new_link(room)
    with pytest.raises(Refusal, match=r"link\.already"):
        await room.office.run(OPERATOR, member_links.use_link, code, str(dispatcher.id), "Dispatcher")
    again = await new_link(room, "dispatcher@example.org")
    other = room.telegram.user("Dispatcher's new phone")
    room.telegram.joins(other, room.group)
    await room.says(other, f"/start {again}", chat=room.private(other))
    await room.says(other, "/whoami")
    assert "Dispatcher" in room.last().text
    await room.says(dispatcher, "/whoami")
    assert room.last().text.startswith("I answer linked members")


async def test_a_member_makes_a_link_for_nobody_else_unless_he_manages_the_team(room: Room) -> None:
    for role, email, allowed in (
        (Role.INSTALLER, "installer@example.org", True),
        (Role.INSTALLER, CPO, False),
        (Role.MANAGER, CPO, False),
        (Role.ADMIN, CPO, True),
    ):

        def create(work: Work, email: str = email) -> str:
            return member_links.create_link(work, members.get(work, email))

        if allowed:
            assert member_links.deep_link("OpsTeamBot", await room.office.run(room.staff.actors[role], create))
        else:
            with pytest.raises(NotAllowed):
                await room.office.run(room.staff.actors[role], create)


async def test_a_link_is_no_use_in_a_group(room: Room) -> None:
    code = await new_link(room)
    await room.says(Role.CPO, f"/start {code}")
    assert room.last().text.startswith("I answer linked members")
    room.telegram.starts(room.people[Role.CPO], room.bot, code)
    await room.quiet()
    assert room.last(room.private(room.people[Role.CPO])).text.startswith("Welcome")


async def test_a_code_for_whatsapp_is_typed(room: Room) -> None:
    code = await new_link(room, kind=MemberIdentityKind.WHATSAPP)
    assert member_links.typed(f" link {code[:4].lower()}-{code[4:]} ") == code
    assert member_links.typed("link 1234") is None
    assert member_links.typed("please link my account") is None
    kind = MemberIdentityKind.WHATSAPP

    def use(work: Work) -> str:
        return member_links.use_link(work, code, "+94770001234", "Cpo", kind=kind).name

    assert await room.office.run(OPERATOR, use) == "Cpo"
    with pytest.raises(Refusal, match=r"link\.used"):
        await room.office.run(OPERATOR, use)


# Groups ---------------------------------------------------------------------------------------------------------


async def test_the_group_of_the_settings_is_the_teams_and_another_one_is_made_so_by_an_admin(room: Room) -> None:
    everybody = list(room.people.values())
    other = room.telegram.group("Jaffna", *everybody, room.bot)
    await room.says(Role.DISPATCHER, "/status 100001", chat=other)
    assert room.last(other).text.startswith("This group is not registered for the team.")
    await room.says(Role.MANAGER, "/here", chat=other)
    assert "manage_team" in room.last(other).text or "may not" in room.last(other).text
    await room.says(Role.ADMIN, "/here ta", chat=other)
    assert room.last(other).text.startswith("இனி")
    await room.says(Role.DISPATCHER, "/whoami", chat=other)
    assert "Dispatcher" in room.last(other).text
    found = await room.office.read(OPERATOR, team_chats.active)
    assert [(chat.address, chat.language, chat.title) for chat in found] == [
        (str(room.group.id), "en", ""),
        (str(other.id), "ta", "Jaffna"),
    ]


async def test_an_admin_changes_the_language_and_ends_it(room: Room) -> None:
    await room.says(Role.ADMIN, "/here tlh")
    assert room.last().text.startswith("I do not speak “tlh”.")
    await room.says(Role.ADMIN, "/here@OpsTeamBot es")
    assert room.last().text.startswith("El equipo trabaja aquí")
    await room.says(Role.ADMIN, "/here off")
    assert room.last().text.startswith("El equipo ya no trabaja aquí")
    await room.says(Role.DISPATCHER, "/status 100001")
    assert room.last().text.startswith("This group is not registered")
    assert await room.office.read(OPERATOR, team_chats.active) == []
    await room.end()
    await room.begin()
    await room.quiet()
    assert await room.office.read(OPERATOR, team_chats.active) == [], "a start does not undo what an admin did"


async def test_here_makes_no_sense_alone(room: Room) -> None:
    own = room.private(room.people[Role.ADMIN])
    await room.says(Role.ADMIN, "/here", chat=own)
    assert room.last(own).text.startswith("/here registers a group.")


async def test_a_topic_may_be_the_teams_place(room: Room) -> None:
    room.group.forum = True
    topic = room.telegram.topic(room.group, "Alerts")
    await room.says(Role.ADMIN, "/here si", topic=topic)
    found = await room.office.read(OPERATOR, team_chats.active)
    assert [chat.address for chat in found] == [str(room.group.id), f"{room.group.id}/{topic}"]
    await room.says(Role.DISPATCHER, "/whoami")
    assert room.last().text.isascii()


# Menus ----------------------------------------------------------------------------------------------------------


def menu(room: Room, role: Role, chat: int | None = None) -> set[str]:
    """The commands that Telegram shows to somebody in the group, or alone with the bot."""
    user = room.people[role].id
    scope = f"chat:{user}" if chat is None else f"chat_member:{chat}/{user}"
    return {line["command"] for line in room.bot.menus.get(scope, [])}


async def until(look: Callable[[], bool]) -> None:
    """Menus are kept beside everything else."""
    async with asyncio.timeout(10):
        while not look():
            await asyncio.sleep(0.02)


async def test_each_member_is_shown_what_the_member_may_use(room: Room) -> None:
    here = room.group.id
    await until(lambda: "status" in menu(room, Role.INSTALLER, here) | menu(room, Role.OPS_AGENT, here))
    await until(lambda: "note" in menu(room, Role.INSTALLER, here))
    assert {"reboot", "here", "status"} <= menu(room, Role.ADMIN, here)
    assert "here" not in menu(room, Role.ADMIN)
    assert "reboot" not in menu(room, Role.INSTALLER, here)
    assert "note" in menu(room, Role.INSTALLER)
    assert menu(room, Role.CPO) == menu(room, Role.CPO, here) == set()
    assert "default" not in room.bot.menus

    def change(work: Work) -> None:
        members.get(work, "admin@example.org").role = Role.INSTALLER
        work.session.delete(members.identity(work, MemberIdentityKind.TELEGRAM, str(room.people[Role.INSTALLER].id)))
        work.wake(team_chats.TOPIC)

    await room.office.run(OPERATOR, change)
    await until(lambda: "reboot" not in menu(room, Role.ADMIN, here) and not menu(room, Role.INSTALLER))
