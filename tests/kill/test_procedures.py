"""kill -9 in the middle of a remedy: no charger stays out of service for it, and nobody is told a better end."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from unittest import mock

import pytest

from integrations.ocpp.simulator import charger as simulator
from tests.kill import books, procedures
from tests.kill.hasty import Overheard, TrappedTwilio
from tests.kill.network import MOMENTS, DoomingCharger, Moment, build, furnish, online
from tests.kill.product import PUBLIC_URL, Product
from tests.kill.stream import Stream

TRAP_S = 25.0


@pytest.mark.slow
async def test_no_charger_stays_out_of_service_when_the_process_is_killed_during_a_remedy(
    empty_url: str, tmp_path: Path, rng: random.Random
) -> None:
    heard = Overheard()
    with mock.patch.object(simulator, "Wire", heard.wire()):
        async with TrappedTwilio(rng) as twilio:
            product = Product(empty_url, tmp_path, twilio)
            twilio.connect(PUBLIC_URL, deliver_to=product.http)
            moments = rng.sample(MOMENTS, len(MOMENTS))
            pairs = build(product.ocpp, moments, rng)
            chargers = [charger for pair in pairs for charger in pair]
            await furnish(empty_url, [charger.charger_id for charger in chargers])
            lives = [asyncio.create_task(charger.run()) for charger in chargers]
            stream = Stream(twilio, rng, again_share=0)
            try:
                async with asyncio.timeout(200):
                    await _kill_at_each_moment(product, moments, pairs, stream, rng)
                    await procedures.ended(empty_url)
                    await books.drained(empty_url, twilio)
                results = procedures.check(empty_url, chargers, heard)
                print(f"{product.kills} kills: {dict(results)}")
                print(books.check(empty_url, twilio, stream).line())
                assert results["worker died"] >= len(MOMENTS)
                assert results["CLEARED"] >= 1, "a reset that worked was seen to have worked"
            finally:
                for life in lives:
                    life.cancel()
                await asyncio.gather(*lives, return_exceptions=True)
                product.stop()
                print(product.tail())


async def _kill_at_each_moment(
    product: Product, moments: list[Moment], pairs: list[tuple[DoomingCharger, DoomingCharger]], stream: Stream,
    rng: random.Random,
) -> None:  # fmt: skip
    """Two remedies at a time: one dies at a chosen order, the other wherever it is then."""
    for moment, (first, other) in zip(moments, pairs, strict=True):
        await product.start()
        await online(first, other)
        first.moment, first.kill = moment, product.kill
        for charger in (first, other) if rng.random() < 0.5 else (other, first):
            await stream.say(f"+9477{charger.charger_id}0", f"charger {charger.charger_id} is not starting, red light")
            await procedures.begun(product.database_url, charger.charger_id)
        try:
            async with asyncio.timeout(TRAP_S):
                await first.doomed.wait()
        except TimeoutError:
            pytest.fail(f"{first.charger_id} never came to '{moment.name}': {first.orders}")
        assert not product.alive
    await product.start()
