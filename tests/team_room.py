"""A team on a fake Telegram: our bot with its door, a group, members with their phones; what comes in goes through the
real inbox, what goes out through the real outbox.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from bot.app import TEAM_PACE
from bot.assistant.decide import Context
from bot.channels.team.channel import TeamChannel, TeamSettings
from bot.receive import Receiver
from bot.reporter import Reporter
from bot.send import Dispatcher
from bot.staff import StaffDoor
from bot.team_chat.news import followed
from desk import inbox, outbox
from desk.office import Office
from integrations.bus import LocalBus
from models.access import OPERATOR, Role
from models.outbox import Accepted, Parcel, SendResult
from models.ports import Sender
from models.reading import Reading, Registers
from tests.clock import JumpingClock
from tests.fakes.telegram import FakeBot, FakeChat, FakeMessage, FakeTelegram, FakeUser, Press
from tests.staff import Staff

TOKEN = "8001:a-token-of-the-team"
HEAR_S = 30.0
"""Real seconds that everything under way may take on a busy machine."""


class Unread:
    """Fits models.ports.MessageClassifier: nothing that is said to the team is classified."""

    def read(self, text: str, registers: Registers) -> Reading:
        raise AssertionError(f"{text!r} was classified")


@dataclass
class Customers:
    """Fits models.ports.Sender: what goes to customers arrives."""

    got: list[Parcel] = field(default_factory=list)

    async def send(self, parcel: Parcel) -> SendResult:
        self.got.append(parcel)
        return Accepted(f"SM{len(self.got)}", parcel.text or parcel.code)


def _no_context() -> Context:
    raise AssertionError("the assistant was asked")


@dataclass
class Room:
    """The team's group and everybody in it. `process` are the workers of ours that are alive."""

    telegram: FakeTelegram
    bot: FakeBot
    group: FakeChat
    staff: Staff
    office: Office
    bus: LocalBus
    clock: JumpingClock
    people: dict[Role, FakeUser]
    passed_over: list[str] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    customers: Customers = field(default_factory=Customers)
    channel: TeamChannel | None = None
    _tasks: list[asyncio.Future[None]] = field(default_factory=list)

    async def begin(self) -> None:
        """Our process starts."""
        office, clock, bus = self.office, self.clock, self.bus
        channel = self.channel = TeamChannel(
            TeamSettings(TOKEN, api_url=self.telegram.api_url, chat=str(self.group.id)), office, bus, clock,
            owner="me", timezone="Asia/Colombo", media_dir=Path(office.house.media_dir),
        )  # fmt: skip
        if office.sqlite:
            await office.run(OPERATOR, inbox.release_owned, "")
            await office.run(OPERATOR, outbox.interrupted, "")
        receiver = Receiver(
            office, clock=clock, bus=bus, classifier=Unread(), parsers={"team": channel.parse},
            context=_no_context, staff=StaffDoor(office, self.staff.wire), owner="me",
            team=channel.door(self.staff.wire, self.passed_over.append),
        )  # fmt: skip
        senders: dict[str, Sender] = {"team": channel.sender, "whatsapp": self.customers}
        dispatcher = Dispatcher(
            office, clock=clock, bus=bus, senders=senders, paces={"team": TEAM_PACE}, owner="me",
            counted=lambda where, how: self.sent.append((where, how)), follow={"team": followed},
        )  # fmt: skip
        work = (receiver.run, dispatcher.run, Reporter(office, bus, clock).run)
        self._tasks = [asyncio.ensure_future(run()) for run in (*work, *channel.workers().values())]

    async def end(self) -> None:
        """Our process ends; none of its workers may have ended before."""
        failed = [task for task in self._tasks if task.done() and not task.cancelled() and task.exception()]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for task in failed:
            task.result()
        if self.channel is not None:
            await self.channel.client.close()

    async def quiet(self) -> None:
        """Until everything that is under way has ended; the clock moves on while something has to wait."""
        async with asyncio.timeout(HEAR_S):
            while True:
                for _ in range(4):
                    await asyncio.sleep(0.03)
                    if not await self._idle():
                        break
                else:
                    return
                await self.clock.fast_forward(seconds=1)

    async def _idle(self) -> bool:
        if self.bot.queue:
            return False
        waiting = await self.office.read(OPERATOR, inbox.depth)
        leaving, _age = await self.office.read(OPERATOR, outbox.depth)
        return not waiting.waiting and not leaving

    # People ---------------------------------------------------------------------------------------------------------

    def private(self, user: FakeUser) -> FakeChat:
        """Somebody's own chat with the bot."""
        return self.telegram.private(user, self.bot)

    async def says(
        self, who: Role | FakeUser, text: str, *, chat: FakeChat | None = None, **how: object
    ) -> FakeMessage:
        """Somebody writes, and everything that follows happens; gives what was written."""
        user = self.people[who] if isinstance(who, Role) else who
        message = self.telegram.says(user, text, chat or self.group, **how)  # type: ignore[arg-type]
        await self.quiet()
        return message

    async def presses(self, who: Role | FakeUser, message: FakeMessage, label: str) -> Press:
        """Somebody presses a button, and everything that follows happens."""
        user = self.people[who] if isinstance(who, Role) else who
        press = self.telegram.presses(user, message, label)
        await self.quiet()
        return press

    async def forges(self, who: Role | FakeUser, message: FakeMessage, data: str) -> Press:
        """Somebody's changed client presses what is no button."""
        user = self.people[who] if isinstance(who, Role) else who
        press = self.telegram.forges(user, message, data)
        await self.quiet()
        return press

    def heard(self, chat: FakeChat | None = None) -> list[str]:
        """What the bot says in a chat now, oldest first."""
        return [message.text for message in self._ours(chat)]

    def last(self, chat: FakeChat | None = None) -> FakeMessage:
        """The bot's newest message."""
        return self._ours(chat)[-1]

    def _ours(self, chat: FakeChat | None) -> list[FakeMessage]:
        return [message for message in (chat or self.group).from_bots if message.sender is self.bot]
