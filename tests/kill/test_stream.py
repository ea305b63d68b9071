"""kill -9 under a stream of signed webhooks: nothing lost, nothing said twice without a mark, order kept."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.kill import books
from tests.kill.hasty import TrappedTwilio
from tests.kill.product import PUBLIC_URL, Product
from tests.kill.stream import Stream, torment

KILLS = 6
WRITERS = 4


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_and_nothing_is_said_twice_when_the_process_is_killed(
    empty_url: str, tmp_path: Path, rng: random.Random
) -> None:
    async with TrappedTwilio(rng) as twilio:
        product = Product(empty_url, tmp_path, twilio)
        twilio.connect(PUBLIC_URL, deliver_to=product.http)
        stream = Stream(twilio, rng)
        enough = asyncio.Event()
        try:
            async with asyncio.timeout(150), asyncio.TaskGroup() as group:
                group.create_task(stream.run(WRITERS, enough))
                await torment(product, twilio, rng, KILLS)
                enough.set()
            await books.drained(empty_url, twilio)
            figures = books.check(empty_url, twilio, stream)
            print(f"{product.kills} kills, {stream.refusals} calls without a 200: {figures.line()}")
            assert product.kills == KILLS
            assert figures.acknowledged > KILLS * WRITERS
            assert figures.sent > KILLS
        finally:
            product.stop()
            print(product.tail())
