"""Presence: the holder of a socket answers, a dead one does not, and whoever cannot know says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from integrations.nats.presence import TOPIC
from tests.integrations.nats.conftest import Join, Node
from tests.integrations.nats.server import NatsServer, Other, eventually


@asynccontextmanager
async def _answering(node: Node) -> AsyncIterator[None]:
    task = asyncio.create_task(node.presence.run())
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _arrives(node: Node, charger_id: str) -> None:
    node.wire.here.add(charger_id)
    node.bus.announce(TOPIC + charger_id)


async def _answer(asker: Node, charger_id: str, wanted: bool | None) -> None:
    async with asyncio.timeout(10):
        while await asker.presence.connected(charger_id) is not wanted:
            await asyncio.sleep(0.02)


async def test_a_socket_is_known_elsewhere_while_it_is_there(server: NatsServer, join: Join) -> None:
    asker, holder = await join(server.url), await join(server.url)
    async with _answering(holder):
        assert await asker.presence.connected("100001") is False
        await _arrives(holder, "100001")
        await _answer(asker, "100001", True)
        assert await asker.presence.connected("100002") is False
        assert await holder.presence.connected("100001") is True
        holder.wire.here.clear()
        holder.bus.announce(TOPIC + "100001")
        await _answer(asker, "100001", False)


async def test_a_socket_that_went_unnoticed_is_denied_after_the_first_question(server: NatsServer, join: Join) -> None:
    asker, holder = await join(server.url), await join(server.url)
    async with _answering(holder):
        await _arrives(holder, "100001")
        await _answer(asker, "100001", True)
        holder.wire.here.clear()
        assert await asker.presence.connected("100001") is None
        await _answer(asker, "100001", False)


async def test_the_newest_holder_answers_even_while_an_older_one_believes(server: NatsServer, join: Join) -> None:
    asker, older, newer = [await join(server.url) for _ in range(3)]
    async with _answering(older), _answering(newer):
        await _arrives(older, "100001")
        await _answer(asker, "100001", True)
        older.wire.here.clear()
        await _arrives(newer, "100001")
        await _answer(asker, "100001", True)


async def test_a_killed_process_holds_nothing_any_more(server: NatsServer, other: Other, join: Join) -> None:
    asker = await join(server.url)
    await asyncio.to_thread(other.start, "100001", "odd.*.>")
    assert await asker.presence.connected("100001") is True
    assert await asker.presence.connected("odd.*.>") is True
    assert await asker.presence.connected("odd.x.y") is False
    other.kill()
    await eventually_false(asker, "100001")


async def eventually_false(asker: Node, charger_id: str) -> None:
    """The server sees a dead process's socket close within milliseconds."""
    async with asyncio.timeout(2):
        while await asker.presence.connected(charger_id) is not False:
            await asyncio.sleep(0.01)


async def test_without_nats_nobody_can_say(server: NatsServer, join: Join) -> None:
    asker, holder = await join(server.url), await join(server.url)
    async with _answering(holder):
        await _arrives(holder, "100001")
        await _answer(asker, "100001", True)
        server.kill()
        await eventually(lambda: asker.link.client is None and holder.link.client is None)
        assert await asker.presence.connected("100001") is None
        assert await holder.presence.connected("100001") is True, "its own sockets it knows by itself"
        await _arrives(holder, "100002")
        server.start()
        await eventually(lambda: asker.link.client and holder.link.client)
        await _answer(asker, "100001", True)
        await _answer(asker, "100002", True)


async def test_a_frozen_server_is_no_answer(server: NatsServer, join: Join) -> None:
    asker = await join(server.url)
    server.freeze()
    async with asyncio.timeout(3):
        assert await asker.presence.connected("100001") is None


async def test_thousands_of_sockets_are_announced_again_after_a_restart(server: NatsServer, join: Join) -> None:
    asker, holder = await join(server.url), await join(server.url)
    many = [f"1{number:05}" for number in range(2_000)]
    async with _answering(holder):
        for charger_id in many:
            await _arrives(holder, charger_id)
            await asyncio.sleep(0)
        await _answer(asker, many[-1], True)
        server.kill()
        server.start()
        await eventually(lambda: holder.link.connections == 2 and asker.link.connections == 2)
        for charger_id in many[::100]:
            await _answer(asker, charger_id, True)
    with contextlib.suppress(TimeoutError):
        await _answer(asker, many[0], False)
    assert await asker.presence.connected(many[0]) is False
