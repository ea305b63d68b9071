"""What the outside world is like while the product is killed: a Twilio and a Telegram with traps, a clock that does not
dawdle.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from bot.clock import SystemClock
from integrations.ocpp import frames
from integrations.ocpp.frames import BadFrame, Call
from integrations.ocpp.simulator.wire import Wire
from tests.fakes.telegram import FakeBot, FakeTelegram
from tests.fakes.telegram_http import Upload
from tests.fakes.twilio import FakeMessage, FakeTwilio
from tests.fakes.twilio_http import Reply, Request


class TrappedTwilio(FakeTwilio):
    """Takes a little time to answer. `trap` is sprung once, when a message comes: before it is taken, or after that
    and before anybody hears of it (`trap_after`)."""

    def __init__(self, rng: random.Random, **more: Any) -> None:
        super().__init__(auto=("sent", "delivered"), **more)
        self.trap: Callable[[], None] | None = None
        self.trap_after = True
        self._rng = rng

    async def __aenter__(self) -> TrappedTwilio:
        await self.start()
        return self

    def _spring(self) -> None:
        if self.trap is not None:
            trap, self.trap = self.trap, None
            trap()

    def _take(self, form: dict[str, str]) -> FakeMessage:
        message = super()._take(form)
        if self.trap_after:
            self._spring()
        return message

    async def _post_message(self, request: Request) -> Reply:
        await asyncio.sleep(self._rng.uniform(0, 0.04))
        if self.trap is not None and not self.trap_after:
            self._spring()
            return Reply(drop=True)
        reply = await super()._post_message(request)
        await asyncio.sleep(self._rng.uniform(0, 0.08))
        return reply


class TrappedTelegram(FakeTelegram):
    """`trap` is sprung once, by one of `at`: before Telegram acts on it, or after, when nobody hears of it."""

    def __init__(self, rng: random.Random, at: tuple[str, ...] = ("sendMessage", "getUpdates")) -> None:
        super().__init__()
        self.rng = rng
        self.at = at
        self.trap: Callable[[], None] | None = None

    async def __aenter__(self) -> TrappedTelegram:
        await self.start()
        return self

    async def _call(
        self, bot: FakeBot, method: str, fields: dict[str, str], files: dict[str, Upload], request: Request
    ) -> Reply:
        if self.trap is None or method not in self.at:
            return await super()._call(bot, method, fields, files, request)
        trap, self.trap = self.trap, None
        reply = await super()._call(bot, method, fields, files, request) if self.rng.random() < 0.7 else Reply()
        trap()
        return Reply(drop=True) if reply.body else reply


class HastyClock(SystemClock):
    """The time on the wall; a sleeper is woken after `longest_s` at the latest."""

    def __init__(self, longest_s: float = 0.5) -> None:
        self.longest_s = longest_s

    async def sleep(self, seconds: float) -> None:
        """Wait, not for long."""
        await asyncio.sleep(min(seconds, self.longest_s))


class Overheard:
    """Every order that reached any charger, by its message id, in order."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def wire(self) -> type[Wire]:
        """A charger's socket that writes down what comes over it."""
        ids = self.ids

        class Recording(Wire):
            async def _receive(self, raw: str | bytes) -> None:
                match frames.read(raw):
                    case Call(id=message_id):
                        ids.append(str(message_id))
                    case BadFrame():
                        raise AssertionError(f"a charger got a frame that is none: {raw!r}")
                await super()._receive(raw)

        return Recording
