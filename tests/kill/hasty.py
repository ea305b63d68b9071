"""What the outside world is like while the product is killed: a Twilio with traps, a clock that does not dawdle."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from bot.clock import SystemClock
from integrations.ocpp import frames
from integrations.ocpp.frames import BadFrame, Call
from integrations.ocpp.simulator.wire import Wire
from tests.fakes.twilio import FakeMessage, FakeTwilio
from tests.fakes.twilio_http import Reply, Request


class TrappedTwilio(FakeTwilio):
    """Takes a little time to answer; `trap` is sprung when a message was taken and not answered yet, once."""

    def __init__(self, rng: random.Random, **more: Any) -> None:
        super().__init__(auto=("sent", "delivered"), **more)
        self.trap: Callable[[], None] | None = None
        self._rng = rng

    def _take(self, form: dict[str, str]) -> FakeMessage:
        message = super()._take(form)
        if self.trap is not None:
            trap, self.trap = self.trap, None
            trap()
        return message

    async def _post_message(self, request: Request) -> Reply:
        await asyncio.sleep(self._rng.uniform(0, 0.04))
        reply = await super()._post_message(request)
        await asyncio.sleep(self._rng.uniform(0, 0.08))
        return reply


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
