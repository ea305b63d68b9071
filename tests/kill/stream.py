"""People who write while the product is killed, and a provider that repeats what was not acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field

import httpx

from tests.fakes.twilio import FakeMessage
from tests.kill.hasty import TrappedTwilio
from tests.kill.product import Product

EACH = 7
"""Messages of one person: fewer than what the assistant would mute."""
GIVE_UP_S = 90.0
TEXTS = (
    "hello there number {n}",
    "how much is a kWh at Liberty Plaza {n}",
    "thank you very much {n}",
    "what are your opening hours {n}",
    "I want my money back, the payment {n} failed",
    "the app shows my balance wrong {n}",
    "where is the nearest fast charger in Galle {n}",
    "oyata kohomada {n}",
)


@dataclass
class Stream:
    """Several people write at once; `acknowledged` has for each number its SIDs in the order of their 200s."""

    twilio: TrappedTwilio
    rng: random.Random
    pause_s: tuple[float, float] = (0.02, 0.25)
    again_share: float = 0.15
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    refusals: int = 0
    repeats: int = 0
    _people: itertools.count[int] = field(default_factory=itertools.count)
    _extra: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, writers: int, until: asyncio.Event) -> None:
        """Write until told to stop; whoever has begun says all of it."""
        await asyncio.gather(*(self._write(until) for _ in range(writers)))
        await self.finish()

    async def finish(self) -> None:
        """Wait for the calls that are made once more."""
        await asyncio.gather(*self._extra)

    async def _write(self, until: asyncio.Event) -> None:
        while not until.is_set():
            number = f"+9477{1_000_000 + next(self._people)}"
            self.acknowledged[number] = []
            for n in range(EACH):
                text = self.rng.choice(TEXTS).format(n=f"{number[-3:]}{n}")
                await self.say(number, text)
                await asyncio.sleep(self.rng.uniform(*self.pause_s))

    async def say(self, number: str, text: str) -> None:
        """One message, called for until it is acknowledged; some are called for once more later."""
        message = self.twilio.written(text, from_=number)
        await self._deliver(message)
        self.acknowledged.setdefault(number, []).append(message.sid)
        if self.rng.random() < self.again_share:
            task = asyncio.create_task(self._again(message))
            self._extra.add(task)

    async def _deliver(self, message: FakeMessage) -> None:
        end = time.monotonic() + GIVE_UP_S
        while True:
            try:
                answer = await self.twilio.deliver(message)
                if answer.status_code == 200:
                    return
                assert answer.status_code == 503, f"{answer.status_code}: {answer.text}"
            except httpx.TransportError:
                pass
            self.refusals += 1
            assert time.monotonic() < end, f"no 200 for {message.sid} within {GIVE_UP_S:.0f} s"
            await asyncio.sleep(self.rng.uniform(0.05, 0.3))

    async def _again(self, message: FakeMessage) -> None:
        await asyncio.sleep(self.rng.uniform(0.2, 2))
        self.repeats += 1
        await self._deliver(message)

    @property
    def sids(self) -> list[str]:
        """Everything acknowledged."""
        return [sid for sids in self.acknowledged.values() for sid in sids]


async def torment(product: Product, twilio: TrappedTwilio, rng: random.Random, kills: int) -> None:
    """Kill and start again: while it works, while it sends (Twilio has the message, or never gets it), while it starts.

    Ends with a product that runs.
    """
    for n in range(kills):
        if n % 5 == 0:
            product.spawn()
            await asyncio.sleep(rng.uniform(0.3, 2.5))
        else:
            await product.start()
            await asyncio.sleep(rng.uniform(0.1, 1.5))
            if n % 2 == 1:
                twilio.trap, twilio.trap_after = product.kill, n % 4 == 1
                await _until_dead(product, 5.0)
        twilio.trap = None
        product.kill()
        await asyncio.sleep(rng.uniform(0, 0.3))
    await product.start()


async def _until_dead(product: Product, within_s: float) -> None:
    end = time.monotonic() + within_s
    while product.alive and time.monotonic() < end:
        await asyncio.sleep(0.005)
