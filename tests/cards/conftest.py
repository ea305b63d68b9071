"""The team's chats without Telegram: rows of the outbox are taken at once, and kept as a chat would show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cards import CardClerk
from desk import chargers, members, outbox, team_chats
from desk.office import Office
from desk.work import House, Work
from models.access import OPERATOR, Actor, Department, Role
from models.charger import CurrentType
from models.outbox import Accepted, Moved, Parcel, Refused, SendResult
from models.reply import Extra
from phrases.say import say

GROUP, OTHER = "-100111", "-100222"


@dataclass
class Shown:
    """A message of a chat as it stands: edited in place, it keeps its id."""

    id: str
    chat: str
    text: str
    buttons: dict[str, str]
    answers: str | None
    edits: int = 0


@dataclass
class Chats:
    """Fits the place of Telegram. `said` is when each message or edit reached which group."""

    office: Office
    clock: Any
    clerk: CardClerk
    shown: list[Shown] = field(default_factory=list)
    said: list[tuple[str, datetime]] = field(default_factory=list)
    refuse: Callable[[Parcel], SendResult | None] = lambda _: None
    parcels: list[Parcel] = field(default_factory=list)

    async def settle(self) -> None:
        """Let the clerk and the outbox work until nothing is to be done at this moment."""
        while True:
            await self.clerk.tick()
            parcels = await self.office.run(OPERATOR, outbox.claim, 50, "test")
            if not parcels:
                return
            for parcel in parcels:
                await self.office.run(OPERATOR, outbox.record, parcel.id, parcel.lease_seq, self._take(parcel))

    async def later(self, seconds: float, step: float = 5) -> None:
        """Time passes; the clerk looks now and then."""
        for _ in range(int(seconds / step)):
            self.clock.leap(step)
            await self.settle()

    def in_(self, chat: str) -> list[Shown]:
        """What a chat shows, oldest first."""
        return [each for each in self.shown if each.chat == chat]

    def _take(self, parcel: Parcel) -> SendResult:
        self.parcels.append(parcel)
        if (answer := self.refuse(parcel)) is not None:
            return answer
        if parcel.channel != "team":
            return Accepted(f"SM{parcel.id}", "")
        text = say(parcel.code, parcel.facts, parcel.language, timezone="Asia/Colombo")
        buttons = {say(each["code"], each["facts"], parcel.language): each["id"] for each in parcel.choices}
        self.said.append((parcel.address.partition("/")[0], self.clock.now()))
        edited = parcel.extra.get(Extra.EDIT)
        for each in self.shown:
            if each.chat == parcel.address and each.id == edited:
                each.text, each.buttons, each.edits = text, buttons, each.edits + 1
                return Accepted(each.id, text)
        if edited is not None:
            return Refused("message_gone", "message to edit not found")
        made = Shown(f"m{parcel.id}", parcel.address, text, buttons, parcel.extra.get(Extra.REPLY_TO))
        self.shown.append(made)
        return Accepted(made.id, text)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with both of the team's doors."""
    return House(
        team_account="whatsapp:+94110000000", team_bot="777", secret=b"k" * 32, media_dir=str(tmp_path / "media")
    )


@pytest.fixture
async def chats(office: Office, clock: Any) -> Chats:
    """An English and a Spanish group, a charger at a site."""
    await office.run(OPERATOR, team_chats.register, GROUP, title="Ops", language="en")
    await office.run(OPERATOR, team_chats.register, OTHER, title="Operaciones", language="es")
    await office.run(OPERATOR, _furnish)
    chats = Chats(office, clock, CardClerk(office, office.bus))
    await chats.settle()
    return chats


def _furnish(work: Work) -> None:
    for number in range(100001, 100080):
        chargers.add(
            work, str(number), name=f"Plaza {number}", current_type=CurrentType.DC, connector_count=2, site="Colombo 1"
        )


@pytest.fixture
async def kamala(office: Office) -> Actor:
    """A dispatcher with both doors."""

    def hire(work: Work) -> Actor:
        member = members.add(
            work, email="kamala@example.org", name="Kamala", role=Role.DISPATCHER, departments=list(Department),
            whatsapp="+94770000001", telegram_id=5001,
        )  # fmt: skip
        return members.actor(work, member)

    return await office.run(OPERATOR, hire)


MOVED = Moved
