"""The people of a story: with WhatsApp, with Telegram, at the web chat. Each message is heard in its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chat import Browser
from tests.clock import JumpingClock
from tests.fakes.telegram import FakeBot, FakeChat, FakeTelegram, FakeUser, Press
from tests.fakes.telegram import FakeMessage as TelegramMessage
from tests.fakes.twilio import FakeMessage, FakeTwilio

HEAR_S = 20.0
"""Real seconds that an answer may take."""
PACED_S = 10.0
"""Of the clock: so long a message may wait because its chat gets no more than one a second."""
STEP_S = 5.0
"""How far the clock goes between two looks, where a story lets time pass while somebody waits."""


async def wait(clock: JumpingClock, ready: Callable[[], bool], passing_s: float, what: Callable[[], str]) -> None:
    """Until `ready`; meanwhile up to `passing_s` of the clock pass. AssertionError with `what` when it never is."""
    target = asyncio.get_running_loop().time() + HEAR_S
    while not ready():
        if passing_s > 0:
            await clock.fast_forward(seconds=min(STEP_S, passing_s))
            passing_s -= STEP_S
        else:
            assert asyncio.get_running_loop().time() < target, what()
            await asyncio.sleep(0.01)


@dataclass
class Phone:
    """Somebody with WhatsApp: a driver or a member of the team."""

    number: str
    twilio: FakeTwilio
    clock: JumpingClock
    read: int = 0

    async def says(self, text: str = "", **fields: Any) -> FakeMessage:
        """Write; our webhook must take it."""
        message = self.twilio.written(text, from_=self.number, **fields)
        answer = await self.twilio.deliver(message)
        assert answer.status_code == 200, answer.text
        return message

    async def shares(self, latitude: float, longitude: float) -> None:
        """Send a location."""
        await self.says(MessageType="location", Latitude=str(latitude), Longitude=str(longitude))

    async def presses(self, label: str) -> None:
        """Press a button, or choose a row, of the last message heard."""
        answer = await self.twilio.press(self.got[self.read - 1], label)
        assert answer.status_code == 200, answer.text

    async def hears(self, *parts: str, passing_s: float = 0) -> FakeMessage:
        """Wait for the next message; it must contain all `parts`. Up to `passing_s` of the clock go by meanwhile."""
        await wait(self.clock, lambda: len(self.got) > self.read, passing_s, lambda: f"{self.number} hears no {parts}")
        message = self.got[self.read]
        self.read += 1
        for part in parts:
            assert part in message.body, f"{self.number} heard {message.body!r}, not {part!r}"
        return message

    @property
    def got(self) -> list[FakeMessage]:
        """Everything that arrived."""
        return self.twilio.to(self.number)

    @property
    def unheard(self) -> list[str]:
        """What arrived and no line of the story heard."""
        return [message.body for message in self.got[self.read :]]


@dataclass
class TelegramPerson:
    """Somebody with Telegram in one chat: a driver in a private one, or a member of the team there or in a group.

    Hears what our bot posts in that chat, in its turn. What a message says later, after an edit, is not a new one.
    """

    user: FakeUser
    bot: FakeBot
    chat: FakeChat
    telegram: FakeTelegram
    clock: JumpingClock
    read: int = 0

    def says(self, text: str, **fields: Any) -> TelegramMessage:
        """Write."""
        return self.telegram.says(self.user, text, self.chat, **fields)

    def starts(self, payload: str = "") -> TelegramMessage:
        """Press Start, perhaps by a link."""
        return self.telegram.starts(self.user, self.bot, payload)

    def sends(self, kind: str, content: bytes, **fields: Any) -> TelegramMessage:
        """Send a photo, voice, video, document …"""
        return self.telegram.sends(self.user, kind, content, self.chat, **fields)

    def shares(self, latitude: float, longitude: float) -> TelegramMessage:
        """Send a location."""
        return self.telegram.shares(self.user, latitude, longitude, self.chat)

    def shares_contact(self, of: FakeUser | None = None) -> TelegramMessage:
        """Send a contact card: the own one, as the button does, or somebody else's."""
        return self.telegram.shares_contact(self.user, self.chat, of=of)

    def presses(self, label: str, message: TelegramMessage | None = None) -> Press:
        """Press a button of the last message heard, or of another one."""
        return self.telegram.presses(self.user, message or self.got[self.read - 1], label)

    async def hears(self, *parts: str, passing_s: float = PACED_S) -> TelegramMessage:
        """Wait for the next message; it must contain all `parts`. Up to `passing_s` of the clock go by meanwhile."""
        await wait(
            self.clock, lambda: len(self.got) > self.read, passing_s, lambda: f"{self.user.name} hears no {parts}"
        )  # fmt: skip
        message = self.got[self.read]
        self.read += 1
        for part in parts:
            assert part in message.text, f"{self.user.name} heard {message.text!r}, not {part!r}"
        return message

    @property
    def got(self) -> list[TelegramMessage]:
        """Everything that our bot posted in this chat."""
        return [message for message in self.chat.messages if message.sender is self.bot]

    @property
    def unheard(self) -> list[str]:
        """What arrived and no line of the story heard."""
        return [message.text for message in self.got[self.read :]]


@dataclass
class Visitor:
    """Somebody at the web chat."""

    browser: Browser
    clock: JumpingClock

    async def says(self, text: str) -> None:
        """Write, and wait until it is stored."""
        await self.browser.says(text)

    async def presses(self, choice: str) -> None:
        """Press a button by its id."""
        await self.browser.presses(choice)

    async def hears(self, *parts: str, passing_s: float = 0) -> dict[str, Any]:
        """Wait for the next line; it must contain all `parts`. Up to `passing_s` of the clock go by meanwhile."""
        lines = self.browser.lines
        await wait(self.clock, lambda: bool(lines), passing_s, lambda: f"the web chat hears no {parts}")
        line = lines.pop(0)
        for part in parts:
            assert part in line["text"], f"the web chat heard {line['text']!r}, not {part!r}"
        return line

    @property
    def unheard(self) -> list[str]:
        """What arrived and no line of the story heard."""
        return [line["text"] for line in self.browser.lines]
