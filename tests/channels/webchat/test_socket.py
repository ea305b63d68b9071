"""The web chat's socket: stored before it is acknowledged, resumed without loss or repeat, closed to strangers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from bot.channels.webchat import inbound, session
from bot.channels.webchat.outbound import WebSender
from bot.channels.webchat.routes import routes
from bot.channels.webchat.socket import MESSAGES_PER_PEER_PER_MINUTE, WebChat
from bot.web import WebServer
from desk import conversations, inbox, outbox
from desk.office import Office
from desk.work import Work
from integrations.bus import LocalBus
from models.access import ASSISTANT
from models.conversation import Conversation
from models.inbox import InboxItem
from models.reply import Choice, Reply
from tests.chat import Browser, browser
from tests.clock import JumpingClock

SECRET = b"test secret"


@pytest.fixture
def chat(office: Office, bus: LocalBus, clock: JumpingClock) -> WebChat:
    """The socket's own part, without the rest of the house."""
    return WebChat(office, bus, clock, SECRET, frozenset({"https://shop.example"}), "UTC")


@pytest.fixture
async def base(chat: WebChat) -> AsyncIterator[str]:
    """A real server."""
    server = WebServer(Starlette(routes=routes(chat)), host="127.0.0.1", port=0)
    task = asyncio.create_task(server.run_until_stopped())
    yield f"127.0.0.1:{server.port}"
    chat.stopping.set()
    server.stop()
    await asyncio.wait_for(task, 5)


async def _say(office: Office, name: str, text: str) -> None:
    """Take in whatever waits and say something, as the assistant would."""
    for item in await office.run(ASSISTANT, inbox.claim, 10, "t"):
        await office.run(ASSISTANT, conversations.hear, item.id, inbound.parse(item.raw))
        await office.run(ASSISTANT, inbox.done, item.id)

    def speak(work: Work) -> None:
        conversation = work.session.scalar(select(Conversation).where(Conversation.key == inbound.key_of(name)))
        assert conversation is not None
        reply = Reply("none", text=text, choices=(Choice("fault:works:1", "webchat.empty"),))
        outbox.say(work, conversation, reply, key=f"t:{text}")

    await office.run(ASSISTANT, speak)
    sender = WebSender("UTC")
    for parcel in await office.run(ASSISTANT, outbox.claim, 10, "t"):
        result = await sender.send(parcel)
        await office.run(ASSISTANT, outbox.record, parcel.id, parcel.lease_seq, result)


def _count(work: Work) -> int:
    return work.session.scalar(select(func.count()).select_from(InboxItem)) or 0


async def test_a_message_is_in_the_database_when_it_is_acknowledged(office: Office, base: str) -> None:
    async with browser(f"ws://{base}/chat/ws") as page:
        await page.says("hello")
        assert await office.read(ASSISTANT, _count) == 1


async def test_a_repeat_of_a_frame_is_stored_once(office: Office, base: str) -> None:
    async with browser(f"ws://{base}/chat/ws") as page:
        await page.says("hello", frame_id="abcdefgh1")
        page.stored.clear()
        await page.says("hello", frame_id="abcdefgh1")
        assert await office.read(ASSISTANT, _count) == 1


async def test_a_broken_connection_loses_and_repeats_nothing(office: Office, base: str) -> None:
    page = Browser(f"ws://{base}/chat/ws")
    await page.open()
    await page.says("one")
    name = session.name_of(SECRET, page.session)
    assert name is not None
    await _say(office, name, "first")
    line = await page.hears("first")
    assert line["choices"][0]["id"] == "fault:works:1"
    await page.close()
    await _say(office, name, "second")
    await _say(office, name, "third")
    await page.open()
    await page.hears("second")
    await page.hears("third")
    assert page.lines == []
    await _say(office, name, "fourth")
    await page.hears("fourth")
    await page.close()


async def test_a_fresh_page_sees_the_whole_conversation(office: Office, base: str) -> None:
    async with browser(f"ws://{base}/chat/ws") as page:
        await page.says("mine")
        name = session.name_of(SECRET, page.session)
        assert name is not None
        await _say(office, name, "ours")
        await page.hears("ours")
        token = page.session
    async with connect(f"ws://{base}/chat/ws") as raw:
        await raw.send(json.dumps({"type": "hello", "session": token, "after": None}))
        welcome = json.loads(await raw.recv())
        assert [(line["own"], line["text"]) for line in welcome["lines"]] == [(True, "mine"), (False, "ours")]


async def test_a_forged_session_becomes_a_new_one(base: str) -> None:
    async with connect(f"ws://{base}/chat/ws") as raw:
        forged = "0" * 32 + "." + "0" * 40
        await raw.send(json.dumps({"type": "hello", "session": forged, "after": 0}))
        welcome = json.loads(await raw.recv())
        assert welcome["session"] != forged


async def test_foreign_pages_are_refused_and_listed_ones_are_not(base: str) -> None:
    with pytest.raises(InvalidStatus):
        async with connect(f"ws://{base}/chat/ws", origin=Origin("https://evil.example")):
            pass
    for origin in (f"http://{base}", "https://shop.example"):
        async with connect(f"ws://{base}/chat/ws", origin=Origin(origin)) as raw:
            await raw.send(json.dumps({"type": "hello", "session": None, "after": None}))
            assert json.loads(await raw.recv())["type"] == "welcome"


BAD_FRAMES: list[str] = [
    "", "{", "[]", "null", "17", '"say"', "[" * 2_000, "x" * 20_000,
    '{"type":"say"}', '{"type":"say","id":"short","text":"a"}', '{"type":"say","id":"abcdefgh","text":""}',
    '{"type":"say","id":"abcdefgh","text":"   "}', '{"type":"say","id":"abcdefgh","text":5}',
    '{"type":"say","id":"abcdefgh","text":"' + "x" * 4_001 + '"}', '{"type":"say","id":["abcdefgh"],"text":"a"}',
    '{"type":"press","id":"abcdefgh","choice":"../../etc"}', '{"type":"press","id":"abcdefgh"}',
    '{"type":"location","id":"abcdefgh","latitude":91,"longitude":0}',
    '{"type":"location","id":"abcdefgh","latitude":"6.9","longitude":0}',
    '{"type":"location","id":"abcdefgh","latitude":NaN,"longitude":0}',
    '{"type":"location","id":"abcdefgh","latitude":true,"longitude":0}',
    '{"type":"location","id":"abcdefgh","latitude":1e999,"longitude":0}',
    '{"type":"location","id":"abcdefgh","latitude":1' + "0" * 400 + ',"longitude":0}',
    '{"type":"hello","id":"abcdefgh"}', '{"type":"drop table","id":"abcdefgh"}',
]  # fmt: skip


async def test_malformed_frames_get_a_sentence_and_change_nothing(office: Office, base: str) -> None:
    async with browser(f"ws://{base}/chat/ws") as page:
        for number, frame in enumerate(BAD_FRAMES, start=1):
            await page.raw(frame)
            await page._until(lambda number=number: len(page.refused) == number, 5, frame[:40])
            assert len(page.refused[-1]["text"]) > 20
        assert await office.read(ASSISTANT, _count) == 0
        await page.says("still fine")


async def test_whoever_writes_too_fast_is_asked_to_wait(base: str) -> None:
    async with browser(f"ws://{base}/chat/ws") as page:
        for number in range(25):
            await page.raw({"type": "say", "id": f"message-{number}", "text": "again"})
        await page._until(lambda: len(page.refused) == 5)
        assert all(frame["again"] for frame in page.refused)


async def test_ever_new_sessions_of_one_address_are_asked_to_wait_too(base: str, chat: WebChat) -> None:
    assert not any(chat.hurried("peer:127.0.0.1", MESSAGES_PER_PEER_PER_MINUTE) for _ in range(299))
    async with browser(f"ws://{base}/chat/ws") as page:
        await page.says("the last one")
    async with browser(f"ws://{base}/chat/ws") as page:
        await page.raw({"type": "say", "id": "another-session", "text": "one too many"})
        await page._until(lambda: len(page.refused) == 1, 5, "refused")
        assert page.refused[0]["again"] is True


async def test_the_socket_closes_at_once_when_the_house_stops(chat: WebChat, base: str) -> None:
    async with connect(f"ws://{base}/chat/ws") as raw:
        await raw.send(json.dumps({"type": "hello", "session": None, "after": None}))
        await raw.recv()
        began = time.monotonic()
        chat.stopping.set()
        with pytest.raises(ConnectionClosed):
            await raw.recv()
        assert time.monotonic() - began < 2


async def test_page_and_widget_are_served_with_a_strict_policy(base: str) -> None:
    async with httpx.AsyncClient() as http:
        page = await http.get(f"http://{base}/chat")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "https://shop.example" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        widget = await http.get(f"http://{base}/chat/widget.js")
        assert widget.headers["content-type"].startswith("text/javascript")
