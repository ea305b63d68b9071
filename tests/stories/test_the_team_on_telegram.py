"""The team works in a Telegram group: let in by a link, a charger restarted by a button, a start after a pause."""

from __future__ import annotations

import re
from pathlib import Path

from desk import member_links, members, team_chats
from models.access import OPERATOR, Role
from models.member import MemberIdentityKind
from tests.fakes.telegram import FakeChat
from tests.people import TelegramPerson
from tests.world import TEAM_BOT, World, world


async def joins(here: World, name: str, group: FakeChat) -> TelegramPerson:
    """A member opens the link that an admin made, and comes into the group."""
    assert here.telegram is not None
    code = await here.app.office.run(
        OPERATOR, lambda work: member_links.create_link(work, members.get(work, f"{name.lower()}@team.example"))
    )
    user, bot = here.telegram.user(name), here.bot(TEAM_BOT)
    alone = TelegramPerson(user, bot, here.telegram.private(user, bot), here.telegram, here.clock)
    here.on_telegram.append(alone)
    alone.starts(code)
    await alone.hears("Welcome", name)
    here.telegram.joins(user, group)
    return TelegramPerson(user, bot, group, here.telegram, here.clock)


async def test_a_charger_is_restarted_from_the_group(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, team_telegram=True) as here:
        assert here.telegram is not None
        group = here.telegram.group("Operations", here.bot(TEAM_BOT))
        await here.member(Role.ADMIN, name="Asha")
        await here.member(Role.DISPATCHER, name="Dinesh")
        asha, dinesh = await joins(here, "Asha", group), await joins(here, "Dinesh", group)
        asha.says("/here")
        await asha.hears("The team works here now.")
        await here.charger("100001", connectors=2)
        dinesh.says("/reboot 100001")
        question = await asha.hears("Restart", "100001")
        press = asha.presses("Yes, do it", question)
        await here.until(lambda _work: press.answer is not None, moving=False)
        assert press.alert
        assert "Dinesh" in press.text
        dinesh.presses("Yes, do it", question)
        await here.until(lambda _work: "Restarting" in question.text, moving=False)
        await here.until(lambda _work: re.search("back|restarted", question.text))
        assert not question.buttons
        assert await here.app.office.read(OPERATOR, team_chats.bot_name) == "ChargehandTeamBot"


async def test_what_happened_while_the_process_was_away_is_asked_again(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, team_telegram=True) as here:
        assert here.telegram is not None
        group = here.telegram.group("Operations", here.bot(TEAM_BOT))
        await here.member(Role.ADMIN, name="Asha")
        asha = await joins(here, "Asha", group)
        asha.says("/here")
        await asha.hears("The team works here now.")
        await here.stop()
        asha.says("/heal off")
        here.clock.leap(660)
        await here.restart()
        question = await asha.hears("/heal off")
        assert question.buttons


async def test_a_number_is_enrolled_by_a_code_that_is_typed(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        await here.member(Role.DISPATCHER, name="Dinesh")
        code = await here.app.office.run(
            OPERATOR,
            lambda work: member_links.create_link(
                work, members.get(work, "dinesh@team.example"), MemberIdentityKind.WHATSAPP
            ),
        )
        phone = here.driver("+94770000077")
        await phone.says(f"Link {code[:4]}-{code[4:]}")
        await phone.hears("Welcome, Dinesh.")
        await phone.says("/whoami")
        await phone.hears("Dinesh")
