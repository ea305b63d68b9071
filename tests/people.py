"""The people of a story: somebody with WhatsApp, somebody at the web chat. Each message is heard in its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chat import Browser
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeMessage, FakeTwilio

HEAR_S = 20.0
"""Real seconds that an answer may take."""
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
