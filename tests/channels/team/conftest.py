"""The team's group for these tests, on each database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from desk import members, team_chats
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import OPERATOR, Role
from models.member import MemberIdentityKind
from tests.clock import JumpingClock
from tests.fakes.telegram import FakeTelegram, FakeUser
from tests.staff import hire
from tests.team_room import HEAR_S, TOKEN, Room


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with both of the team's doors."""
    return House(
        team_account="whatsapp:+94110000000", team_bot=TOKEN.partition(":")[0], media_dir=str(tmp_path / "media"),
        secret=b"a secret of thirty-two characters", public_url="https://desk.example",
    )  # fmt: skip


@pytest.fixture
async def room(office: Office, bus: LocalBus, clock: JumpingClock) -> AsyncIterator[Room]:
    """Everybody is linked but the CPO, who is in the group all the same; the group is registered, in English."""
    async with FakeTelegram(now=clock.now) as telegram:
        staff = await hire(office)
        bot = telegram.bot(TOKEN, "OpsTeamBot", privacy=False)
        people = {role: telegram.user(role.value.title()) for role in Role}
        group = telegram.group("Operations", *people.values(), bot)
        for role, user in people.items():
            telegram.says(user, "/start", telegram.private(user, bot))
            if role is not Role.CPO:
                await office.run(OPERATOR, link, role, user)
        bot.queue.clear()
        here = Room(telegram, bot, group, staff, office, bus, clock, people)
        await here.begin()
        async with asyncio.timeout(HEAR_S):
            while not await office.read(OPERATOR, team_chats.active):
                await asyncio.sleep(0.02)
        await here.quiet()
        try:
            yield here
            await here.end()
            assert not telegram.complaints, telegram.complaints
        finally:
            with contextlib.suppress(Exception):
                await here.end()


def link(work: Work, role: Role, user: FakeUser) -> None:
    """Tie an account to the member of that role."""
    members.enrol(work, members.get(work, f"{role.value}@example.org"), MemberIdentityKind.TELEGRAM, str(user.id))
