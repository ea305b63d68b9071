"""kill -9 while the team works on Telegram: each line and press counts once, each card stands once and says what is."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from integrations.ocpp.simulator.scenarios import SCENARIOS
from tests.kill import books, charges, team
from tests.kill.hasty import TrappedTelegram, TrappedTwilio
from tests.kill.network import HARD, TRANSIENT, DoomingCharger, Moment, online
from tests.kill.product import PUBLIC_URL, Product
from tests.kill.stream import Stream

KILLS = 4
LINES = 5
AT = ("sendMessage", "editMessageText", "answerCallbackQuery", "getUpdates")
SETTLE_S = 60.0
ILL = ("200001", "200002", "200003")
"""Chargers that members clear."""
BROKEN = ("200004", "200005")
"""Chargers that customers write about, and that nothing clears."""


@pytest.mark.slow
async def test_what_the_team_types_and_presses_counts_once_when_the_process_is_killed(
    empty_url: str, tmp_path: Path, rng: random.Random
) -> None:
    mode = "polling" if empty_url.startswith("sqlite") else "webhook"
    async with TrappedTwilio(rng) as twilio, TrappedTelegram(rng, AT) as telegram:
        ops = team.Ops.meet(telegram, rng)
        product = Product(empty_url, tmp_path, twilio, more=ops.settings(mode))
        for fake in (twilio, telegram):
            fake.connect(PUBLIC_URL, deliver_to=product.http)
        await ops.furnish(empty_url, [*ILL, *BROKEN])
        chargers = [
            DoomingCharger(one, product.ocpp, scenario=TRANSIENT if one in ILL else HARD, version="1.6")
            for one in (*ILL, *BROKEN)
        ]
        lives = [asyncio.create_task(charger.run()) for charger in chargers]
        stream = Stream(twilio, rng, again_share=0)
        try:
            async with asyncio.timeout(300):
                await product.start()
                await online(*chargers)
                lives.append(asyncio.create_task(ops.watch()))
                await asyncio.gather(
                    *(ops.talk(n, LINES, one) for n, one in enumerate(ILL)),
                    *(stream.say(f"+9477{one}0", f"charger {one} is not starting, red light") for one in BROKEN),
                    _torment(product, telegram, rng),
                )
                await _settled(empty_url, telegram, twilio)
            assert product.kills == KILLS
            with books.reading(empty_url) as session:
                print(team.check(session, ops))
            assert not telegram.complaints, telegram.complaints
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
            product.stop()
            print(product.tail())


STARTS = (
    Moment("start, unanswered", "RemoteStartTransaction"),
    Moment("start, answered", "RemoteStartTransaction", after_s=0.05),
    None,  # as the member hears that the press was taken
)


@pytest.mark.slow
async def test_a_charge_is_ordered_once_and_paid_once_when_the_process_is_killed_as_it_begins(
    empty_url: str, tmp_path: Path, rng: random.Random
) -> None:
    async with TrappedTwilio(rng) as twilio, TrappedTelegram(rng, ("answerCallbackQuery",)) as telegram:
        ops = team.Ops.meet(telegram, rng)
        product = Product(empty_url, tmp_path, twilio, more=ops.settings("polling"))
        chargers = [
            DoomingCharger(one, product.ocpp, scenario=SCENARIOS["healthy"], version="1.6")
            for one in ILL[: len(STARTS)]
        ]
        await ops.furnish(empty_url, list(ILL))
        lives = [asyncio.create_task(charger.run()) for charger in chargers]
        try:
            async with asyncio.timeout(300):
                for charger, moment in zip(chargers, STARTS, strict=True):
                    await product.start()
                    await online(*chargers)
                    charger.moment, charger.kill = moment, product.kill
                    question = await ops.asks(f"/charge nimal{charger.charger_id} {charger.charger_id} 1 30m")
                    telegram.trap = product.kill if moment is None else None
                    telegram.presses(ops.people[0], question, team.YES)
                    while product.alive:
                        await asyncio.sleep(0.02)
                await product.start()
                await _settled(empty_url, telegram, twilio)
                for charger in chargers:
                    await _unplugged(charger)
                await charges.over(empty_url)
                await _settled(empty_url, telegram, twilio)
            with books.reading(empty_url) as session:
                print(charges.check(session, chargers, ops.group))
            assert not telegram.complaints, telegram.complaints
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
            product.stop()
            print(product.tail())


async def _unplugged(charger: DoomingCharger) -> None:
    """The car takes a good deal in a second, and leaves."""
    session = charger.outlets[0].session
    if session is not None:
        session.power_w = 900_000
        await asyncio.sleep(1)
        charger.unplug()


async def _torment(product: Product, telegram: TrappedTelegram, rng: random.Random) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.1, 1.0))
        telegram.trap = product.kill
        end = time.monotonic() + 2
        while product.alive and time.monotonic() < end:
            await asyncio.sleep(0.02)
        telegram.trap = None
        product.kill()
        await product.start()


async def _settled(url: str, telegram: TrappedTelegram, twilio: TrappedTwilio) -> None:
    """Until nothing is under way any more, as seen twice."""
    end, calm = time.monotonic() + SETTLE_S, 0
    while calm < 2:
        await telegram.settle()
        await books.drained(url, twilio, within_s=SETTLE_S)
        with books.reading(url) as session:
            left = team.unsettled(session)
        calm = 0 if left else calm + 1
        assert time.monotonic() < end, f"{left} changes are in no message after {SETTLE_S:.0f} s"
        await asyncio.sleep(0.5)
