"""Taking updates in: who polls, what an old offset hides, what a webhook answers while nothing can be stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from bot import telegram_intake
from bot.channels.telegram.client import TelegramClient
from bot.channels.telegram.settings import TelegramSettings
from bot.pulse import Pulse
from bot.telegram_intake import Intake, route, row_of, webhook_secret
from desk import polls
from desk.office import Office
from models.access import ASSISTANT, OPERATOR
from models.inbox import InboxItem
from tests.clock import JumpingClock
from tests.fakes.telegram import FakeBot, FakeTelegram

TOKEN = "7001:AAfakefakefakefakefakefakefakefakefak"


@pytest.fixture
async def fake(clock: JumpingClock) -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(now=clock.now) as fake:
        yield fake


@pytest.fixture
def bot(fake: FakeTelegram) -> FakeBot:
    return fake.bot(TOKEN, "ChargehandBot")


@contextlib.asynccontextmanager
async def polling(fake: FakeTelegram, office: Office, owner: str = "a") -> AsyncIterator[Intake]:
    """A node that polls."""
    client = TelegramClient(TelegramSettings(TOKEN, fake.api_url), timeout_s=2)
    intake = Intake(office, office.clock, "telegram", client, Pulse("Telegram"), owner=owner)
    task = asyncio.create_task(intake.run())
    try:
        yield intake
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def kept(office: Office, count: int) -> list[InboxItem]:
    """Wait until so many updates are in the inbox."""
    async with asyncio.timeout(15):
        while True:
            rows = await office.read(
                OPERATOR, lambda work: list(work.session.scalars(select(InboxItem).order_by(InboxItem.id)))
            )
            if len(rows) >= count:
                return rows
            await asyncio.sleep(0.02)


async def test_another_node_polls_when_the_first_has_gone(fake: FakeTelegram, bot: FakeBot, office: Office) -> None:
    amal = fake.user("Amal")
    chat = fake.private(amal, bot)
    async with polling(fake, office, "a"):
        fake.says(amal, "one", chat)
        await kept(office, 1)
        assert await office.run(ASSISTANT, polls.hold, "telegram:7001", "b", 45) is office.sqlite
        await office.run(ASSISTANT, polls.let_go, "telegram:7001", "b")
    async with polling(fake, office, "b"):
        fake.says(amal, "two", chat)
        assert [row.raw["message"]["text"] for row in await kept(office, 2) if row.raw] == ["one", "two"]


async def test_a_lease_ends_with_its_time(office: Office, clock: JumpingClock) -> None:
    assert await office.run(ASSISTANT, polls.hold, "x", "a", 45)
    assert await office.run(ASSISTANT, polls.hold, "x", "a", 45)
    assert await office.run(ASSISTANT, polls.hold, "x", "b", 45) is office.sqlite
    clock.set(clock.now() + timedelta(seconds=46))
    assert await office.run(ASSISTANT, polls.hold, "x", "b", 45)


async def test_numbers_that_begin_anew_after_a_silent_week_hide_nothing(
    fake: FakeTelegram, bot: FakeBot, office: Office, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_intake, "POLL_S", 1)
    amal = fake.user("Amal")
    chat = fake.private(amal, bot)
    async with polling(fake, office):
        fake.says(amal, "before", chat)
        await kept(office, 1)
        clock.set(clock.now() + timedelta(days=7))
        polls_so_far = bot.polls
        async with asyncio.timeout(10):
            while bot.polls < polls_so_far + 2:
                await asyncio.sleep(0.02)
        bot.next_update = 5
        fake.says(amal, "after", chat)
        rows = await kept(office, 2)
        assert rows[1].external_id == "5"


async def test_what_no_number_has_is_passed_over(fake: FakeTelegram, bot: FakeBot, office: Office) -> None:
    amal = fake.user("Amal")
    async with polling(fake, office):
        fake.again(bot, {"update_id": 2**63, "message": {}})
        fake.again(bot, {"update_id": bot.next_update, "odd": [1]})
        bot.next_update += 1
        fake.says(amal, "hello", fake.private(amal, bot))
        rows = await kept(office, 2)
    assert [row.lane for row in rows] == ["telegram:7001:", f"telegram:7001:{amal.id}"]


async def test_while_nothing_can_be_stored_a_webhook_says_503(fake: FakeTelegram, bot: FakeBot, office: Office) -> None:
    client = TelegramClient(TelegramSettings(TOKEN, fake.api_url), timeout_s=2)
    intake = Intake(office, office.clock, "telegram", client, Pulse("Telegram"), owner="a")
    counted: list[str] = []
    door = route(office, "telegram", intake, "s3cret", lambda _, outcome: counted.append(outcome))
    transport = httpx.ASGITransport(Starlette(routes=[door]))
    headers = {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}
    async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as http:

        async def post(content: bytes) -> int:
            return (await http.post("/webhooks/telegram/customer", content=content)).status_code

        good = b'{"update_id": 1, "message": {"chat": {"id": 7}}}'
        assert await post(good) == 200
        assert await post(good) == 200
        for bad in (b"", b"[]", b"{}", b"\xff", b'{"update_id": true}', b"[" * 5000):
            assert await post(bad) == 400
        assert await post(b"x" * (1024 * 1024 + 1)) == 413
        office.close()
        answer = await http.post("/webhooks/telegram/customer", content=good)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert {"taken", "bad_update", "too_large", "unavailable"} == set(counted)
    await client.close()


def test_each_bot_has_a_secret_of_its_own() -> None:
    first, second = webhook_secret("k" * 40, None, "1"), webhook_secret("k" * 40, None, "2")
    assert first != second
    assert len(first) == 64
    assert webhook_secret("k" * 40, "chosen", "1") == "chosen"


def test_the_lane_of_an_update_is_its_chat() -> None:
    message = {"chat": {"id": -5}, "from": {"id": 7}}
    for update in (
        {"message": message}, {"edited_message": message}, {"callback_query": {"message": message, "from": {"id": 9}}},
        {"my_chat_member": message},
    ):  # fmt: skip
        assert row_of("telegram", "1", {"update_id": 3, **update}).lane == "telegram:1:-5"
    pressed = {"update_id": 3, "callback_query": {"from": {"id": 9}}}
    assert row_of("telegram", "1", pressed).lane == "telegram:1:9"


async def test_the_doctor_looks_at_telegram(
    fake: FakeTelegram, bot: FakeBot, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot import doctor

    for name, value in {
        "DATA_DIR": str(tmp_path), "TELEGRAM_CUSTOMER_TOKEN": TOKEN, "TELEGRAM_API_URL": fake.api_url,
        "OCPP_PORT": "0",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"CHARGEHAND_{name}", value)

    async def seen() -> list[str]:
        findings = await asyncio.to_thread(doctor.examine)
        return [f"{each.health.value} {each.seen}" for each in findings if each.about == "Telegram"]

    assert await seen() == ["ok on", "ok signed in as @ChargehandBot"]
    bot.webhook = "https://elsewhere.example/x"
    assert "note its webhook leads to elsewhere.example" in await seen()
    bot.revoked = True
    assert "BAD answered 401" in await seen()
    await fake.go_away()
    assert any(line.startswith("BAD no answer from") for line in await seen())
