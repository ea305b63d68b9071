"""Several processes on one PostgreSQL: orders find the socket, messages are handled once and in order."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kill import books
from tests.kill.hasty import TrappedTwilio
from tests.kill.network import MOMENTS, TRANSIENT, DoomingCharger, furnish
from tests.kill.product import PUBLIC_URL, Product
from tests.kill.stream import TEXTS, Stream

CHARGER = "200001"
CONVERSATIONS, EACH = 20, 10
END_S = 60.0
RESET = MOMENTS[-1]

pytestmark = pytest.mark.slow


@contextmanager
def _ending(*products: Product) -> Iterator[None]:
    """Both are ended and their logs shown, whatever happens."""
    try:
        yield
    finally:
        for product in products:
            product.stop()
            print(product.tail())


async def _command(desk: httpx.AsyncClient, text: str) -> dict[str, Any]:
    """Type a dangerous command, say yes, and follow its procedure to its end."""
    asked = (await desk.post("/commands", json={"text": text})).json()
    assert asked["code"] == "confirm", asked
    begun = (await desk.post("/commands", json={"confirm": asked["facts"]["token"]})).json()
    assert begun["code"] == "started", begun
    end = time.monotonic() + END_S
    while True:
        run: dict[str, Any] = (await desk.get(f"/procedures/{begun['facts']['run']}")).json()
        if run["state"] == "ended":
            return run
        assert time.monotonic() < end, f"{text} is not over after {END_S:.0f} s: {run}"
        await asyncio.sleep(0.1)


def _desk(product: Product, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=f"{product.http}/api/v1", headers=headers, timeout=60, trust_env=False)


async def _online(charger: DoomingCharger) -> None:
    async with asyncio.timeout(20):
        while not charger.online:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


async def test_a_command_reaches_a_charger_whose_socket_another_process_holds(
    empty_postgres: str, tmp_path: Path, rng: random.Random
) -> None:
    token = await furnish(empty_postgres, [CHARGER])
    async with TrappedTwilio(rng) as twilio:
        front = Product(empty_postgres, tmp_path, twilio, roles=("web", "worker", "clock"), name="front")
        wire = Product(empty_postgres, tmp_path, twilio, roles=("ocpp",), name="wire")
        charger = DoomingCharger(CHARGER, wire.ocpp, scenario=TRANSIENT, version="1.6")
        life = asyncio.create_task(charger.run())
        with _ending(front, wire):
            await asyncio.gather(front.start(), wire.start())
            await _online(charger)
            async with _desk(front, token) as desk:
                seen = (await desk.post("/commands", json={"text": f"/status {CHARGER}"})).json()
                assert seen["facts"]["charger"]["state"] == "Faulted", seen
                run = await _command(desk, f"/reboot {CHARGER}")
            assert run["result"] == "REBOOTED", run
            assert charger.obeyed(RESET) == 1
            assert charger.outlets[0].fault is None
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


async def test_an_order_that_dies_with_the_process_that_sent_it_is_not_waited_for_and_not_sent_again(
    empty_postgres: str, tmp_path: Path, rng: random.Random
) -> None:
    token = await furnish(empty_postgres, [CHARGER])
    async with TrappedTwilio(rng) as twilio:
        front = Product(empty_postgres, tmp_path, twilio, roles=("web", "worker", "clock"), name="front")
        wire = Product(empty_postgres, tmp_path, twilio, roles=("ocpp",), name="wire")
        charger = DoomingCharger(CHARGER, wire.ocpp, scenario=TRANSIENT, version="2.0.1")
        life = asyncio.create_task(charger.run())
        with _ending(front, wire):
            await asyncio.gather(front.start(), wire.start())
            await _online(charger)
            charger.moment, charger.kill = RESET, wire.kill
            async with _desk(front, token) as desk:
                asking = asyncio.create_task(_command(desk, f"/reboot {CHARGER}"))
                await asyncio.wait({asking, asyncio.create_task(charger.doomed.wait())}, return_when="FIRST_COMPLETED")
                assert wire.kills == 1
                await wire.start()
                run = await asking
            assert run["result"] == "REBOOTED", run
            assert charger.obeyed(RESET) == 1
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


async def _converse(stream: Stream, number: str) -> None:
    for n in range(EACH):
        await stream.say(number, stream.rng.choice(TEXTS).format(n=f"{number[-2:]}{n}"))
        await asyncio.sleep(stream.rng.uniform(0, 0.1))


async def _sends(product: Product) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        page = (await client.get(f"{product.http}/metrics")).text
    found = re.search(r'chargehand_sends_total\{channel="whatsapp",outcome="accepted"\} (\S+)', page)
    return int(float(found[1])) if found else 0


@pytest.mark.parametrize("dies", [False, True], ids=["both_live", "one_dies"])
async def test_two_workers_handle_every_message_once_and_in_order(
    empty_postgres: str, tmp_path: Path, rng: random.Random, dies: bool
) -> None:
    async with TrappedTwilio(rng) as twilio:
        one = Product(empty_postgres, tmp_path, twilio, roles=("web", "worker", "clock"), name="one")
        two = Product(empty_postgres, tmp_path, twilio, roles=("web", "worker"), name="two")
        twilio.connect(PUBLIC_URL, deliver_to=one.http)
        stream = Stream(twilio, rng)
        with _ending(one, two):
            await asyncio.gather(one.start(), two.start())
            async with asyncio.timeout(120), asyncio.TaskGroup() as group:
                for n in range(CONVERSATIONS):
                    group.create_task(_converse(stream, f"+94772000{n:03d}"))
                if dies:
                    await asyncio.sleep(rng.uniform(0.5, 2.5))
                    two.kill()
            await stream.finish()
            await books.drained(empty_postgres, twilio)
            figures = books.check(empty_postgres, twilio, stream)
            print(figures.line())
            assert figures.inbound == CONVERSATIONS * EACH
            if not dies:
                assert min(await _sends(one), await _sends(two)) > 0, "one worker did everything"
