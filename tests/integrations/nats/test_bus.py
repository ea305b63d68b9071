"""The bus over a real nats-server: heard elsewhere, not echoed, never in the way."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

from integrations.nats.link import NatsLink, address
from tests.integrations.nats.conftest import Join, make_node
from tests.integrations.nats.server import NatsServer, Other, eventually, free_port


async def _heard(queue: asyncio.Queue[str], within_s: float = 10.0) -> str:
    return await asyncio.wait_for(queue.get(), within_s)


async def test_an_announcement_reaches_this_process_and_the_others_once_each(server: NatsServer, join: Join) -> None:
    here, there = await join(server.url), await join(server.url)
    mine, theirs = here.bus.subscribe("order"), there.bus.subscribe("order")
    here.bus.announce("order.1")
    assert (await _heard(mine), await _heard(theirs)) == ("order.1", "order.1")
    there.bus.announce("order.2")
    assert (await _heard(mine), await _heard(theirs)) == ("order.2", "order.2")
    assert mine.empty()
    assert theirs.empty()
    assert (here.bus.sent, here.bus.heard, here.bus.dropped) == (1, 1, 0)


async def test_what_came_from_elsewhere_is_not_sent_on(server: NatsServer, join: Join) -> None:
    here, there = await join(server.url), await join(server.url)
    mine, theirs = here.bus.subscribe(""), there.bus.subscribe("")
    here.bus.hear("inbox")
    here.bus.announce("outbox")
    assert await _heard(theirs) == "outbox"
    assert [await _heard(mine), await _heard(mine)] == ["inbox", "outbox"]


async def test_another_process_hears_and_is_heard(server: NatsServer, other: Other, join: Join) -> None:
    node = await join(server.url)
    queue = node.bus.subscribe("heard.")
    await asyncio.to_thread(other.start)
    node.bus.announce("ask.42")
    assert await _heard(queue) == "heard.42"


def test_two_loops_in_two_threads_hear_each_other(server: NatsServer) -> None:
    heard: dict[str, str] = {}
    ready = threading.Barrier(2)

    async def talk(name: str, partner: str) -> None:
        node = make_node(server.url)
        queue = node.bus.subscribe(f"from.{partner}")
        await node.bus.start()
        await eventually(lambda: node.link.client)
        await asyncio.to_thread(ready.wait, 20)
        node.bus.announce(f"from.{name}")
        heard[name] = await _heard(queue)
        await node.bus.stop()

    threads = [threading.Thread(target=lambda pair=pair: asyncio.run(talk(*pair))) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert heard == {"a": "from.b", "b": "from.a"}


ODD = ("live.charger.*", "live.charger.>", "a..b", ".", "*", ">", "tag.A B\r\nPUB x 0\t", "රාජා.ගම", "%2E", "$SYS.x")


async def test_dots_and_wildcards_and_line_ends_in_a_topic_are_just_text(server: NatsServer, join: Join) -> None:
    here, there = await join(server.url), await join(server.url)
    everything, plain = there.bus.subscribe(""), there.bus.subscribe("live.charger.1")
    for topic in ODD:
        here.bus.announce(topic)
    assert sorted([await _heard(everything) for _ in ODD]) == sorted(ODD)
    assert plain.empty()
    assert (there.link.connections, here.link.connections) == (1, 1)


async def test_a_topic_too_long_to_travel_wakes_this_process_and_is_counted(server: NatsServer, join: Join) -> None:
    here = await join(server.url)
    mine = here.bus.subscribe("")
    here.bus.announce("x" * 5_000)
    assert len(await _heard(mine)) == 5_000
    await eventually(lambda: here.bus.dropped == 1)
    assert here.link.client is not None


async def test_a_thousand_announcements_from_threads_all_arrive(server: NatsServer, join: Join) -> None:
    here, there = await join(server.url), await join(server.url)
    theirs = there.bus.subscribe("order.")
    slowest: list[float] = []

    def announce(thread: int) -> None:
        for number in range(100):
            begun = time.perf_counter()
            here.bus.announce(f"order.{thread}.{number}")
            slowest.append(time.perf_counter() - begun)

    await asyncio.gather(*(asyncio.to_thread(announce, thread) for thread in range(10)))
    heard = {await _heard(theirs) for _ in range(1_000)}
    assert heard == {f"order.{thread}.{number}" for thread in range(10) for number in range(100)}
    assert here.bus.sent == 1_000
    assert max(slowest) < 1.0


async def test_the_same_topic_waits_once(server: NatsServer, join: Join) -> None:
    here, there = await join(server.url), await join(server.url)
    for _ in range(5_000):  # without giving the sender a turn
        here.bus.announce("inbox")
    await eventually(lambda: there.bus.heard == 1)
    assert (here.bus.sent, here.bus.dropped) == (1, 0)


async def test_nats_is_killed_and_comes_back(server: NatsServer, join: Join, caplog: pytest.LogCaptureFixture) -> None:
    here, there = await join(server.url), await join(server.url)
    mine, theirs = here.bus.subscribe(""), there.bus.subscribe("")
    with caplog.at_level(logging.INFO):
        await asyncio.to_thread(server.kill)
        begun = time.perf_counter()
        for number in range(1_000):
            here.bus.announce(f"lost.{number}")
        assert time.perf_counter() - begun < 1.0
        assert await _heard(mine) == "lost.0", "those at home hear it anyway"
        await eventually(lambda: here.link.client is None and there.link.client is None)
        here.bus.announce("lost.too")
        await asyncio.to_thread(server.start)
        await eventually(lambda: here.link.client and there.link.client)
    here.bus.announce("back")
    while (topic := await _heard(theirs)) != "back":
        assert topic.startswith("lost.")
    assert here.bus.sent + here.bus.dropped == 1_002
    assert here.bus.dropped >= 1
    assert here.bus.stats()["connections"] == 2
    assert [line for line in caplog.messages if "is away" in line]


async def test_a_server_that_hangs_holds_nobody_up(server: NatsServer, join: Join) -> None:
    here = await join(server.url)
    mine = here.bus.subscribe("")
    server.freeze()
    begun = time.perf_counter()
    for number in range(30_000):
        here.bus.announce(f"topic.{number}")
        if number % 100 == 0:
            await asyncio.sleep(0)
    assert time.perf_counter() - begun < 10.0
    assert await _heard(mine) == "topic.0"
    begun = time.perf_counter()
    await here.bus.stop()
    assert time.perf_counter() - begun < 3.0


async def test_a_start_without_a_server_returns_at_once_and_finds_it_later(nats_program: str, join: Join) -> None:
    server = NatsServer(nats_program, port=free_port())
    begun = time.perf_counter()
    here, there = await join(server.url, wait=False), await join(server.url, wait=False)
    assert time.perf_counter() - begun < 0.5
    mine, theirs = here.bus.subscribe(""), there.bus.subscribe("")
    here.bus.announce("alone")
    assert await _heard(mine) == "alone"
    assert here.bus.dropped == 1
    assert not await here.bus.wait("nothing", 0.05)
    server.start()
    try:
        await eventually(lambda: here.link.client and there.link.client)
        here.bus.announce("together")
        assert await _heard(theirs) == "together"
    finally:
        server.kill()


async def test_a_stopped_bus_still_serves_its_own_process(server: NatsServer, join: Join) -> None:
    here, there = await join(server.url), await join(server.url)
    mine, theirs = here.bus.subscribe(""), there.bus.subscribe("")
    await here.bus.stop()
    await here.bus.stop()
    here.bus.announce("late")
    assert await _heard(mine) == "late"
    await here.bus.start()
    await eventually(lambda: here.link.client)
    here.bus.announce("again")
    assert await _heard(theirs) == "again"


@pytest.mark.parametrize(
    ("arguments", "who"),
    [
        (("--user", "desk", "--pass", "p@ss:w/rd"), "desk:p%40ss%3Aw%2Frd@"),
        (("--auth", "tok/en"), "tok%2Fen@"),
    ],
)
async def test_an_address_signs_in_and_no_log_shows_what_with(
    nats_program: str, join: Join, caplog: pytest.LogCaptureFixture, arguments: tuple[str, ...], who: str
) -> None:
    server = NatsServer(nats_program, arguments)
    server.start()
    try:
        with caplog.at_level(logging.DEBUG):
            here, there = await join(server.signed_in(who)), await join(server.signed_in(who))
            theirs = there.bus.subscribe("")
            here.bus.announce("order")
            assert await _heard(theirs) == "order"
            stranger = await join(server.signed_in("wrong:secret-of-mine@"), wait=False)
            await eventually(lambda: any("Authorization" in line for line in caplog.messages))
        assert stranger.link.client is None
    finally:
        server.kill()
    for secret in ("p@ss", "p%40ss", "tok/en", "tok%2Fen", "secret-of-mine"):
        assert secret not in caplog.text


def test_an_address_does_not_print_its_secrets() -> None:
    signed = address("tls://desk:hunter2@nats.example:4443")
    assert (signed.server, signed.user, signed.password, signed.token) == (
        "tls://nats.example:4443", "desk", "hunter2", None,
    )  # fmt: skip
    assert "hunter2" not in repr(signed)
    assert address("nats://t0ken@[::1]:4222").server == "nats://[::1]:4222"
    assert address("nats://t0ken@h").token == "t0ken"
    assert "hunter2" not in repr(NatsLink("nats://hunter2@h", name="n"))
