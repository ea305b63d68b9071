"""kill -9 while drivers write on Telegram, by polling and by webhook: each update counts once, each reply arrives."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from pathlib import Path

import pytest
from sqlalchemy import select

from models.inbox import InboxItem, InboxState
from models.message import Direction, Message
from models.outbox import OutboxItem, OutboxState
from tests.fakes.telegram import FakeBot, FakeChat, FakeTelegram
from tests.fakes.twilio import FakeTwilio
from tests.kill import books
from tests.kill.hasty import TrappedTelegram
from tests.kill.product import PUBLIC_URL, Product

TOKEN = "7000000001:AAH-the-drivers-bot-of-the-stories-0001"
KILLS = 5
PEOPLE = 5
EACH = 6
"""Messages of one person: fewer than what the assistant would mute."""
MARK = "(Sent again"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_what_drivers_write_is_taken_once_and_answered_when_the_process_is_killed(
    empty_url: str, tmp_path: Path, rng: random.Random, mode: str
) -> None:
    async with FakeTwilio() as twilio, TrappedTelegram(rng) as telegram:
        bot = telegram.bot(TOKEN, "ChargehandBot")
        more = {"TELEGRAM_API_URL": telegram.api_url, "TELEGRAM_CUSTOMER_TOKEN": TOKEN, "TELEGRAM_MODE": mode}
        product = Product(empty_url, tmp_path, twilio, more=more)
        telegram.connect(PUBLIC_URL, deliver_to=product.http)
        try:
            async with asyncio.timeout(200):
                await product.start()
                chats, _ = await asyncio.gather(_write(telegram, bot, rng), _torment(product, telegram, rng))
                await telegram.settle()
                await books.drained(empty_url, twilio)
            assert product.kills == KILLS
            _check(empty_url, chats)
            assert not telegram.complaints
        finally:
            product.stop()
            print(product.tail())


async def _write(telegram: FakeTelegram, bot: FakeBot, rng: random.Random) -> list[FakeChat]:
    """People write at once, each with pauses."""
    people = [telegram.user(f"Driver {n}") for n in range(PEOPLE)]
    chats = [telegram.private(user, bot) for user in people]

    async def talk(n: int) -> None:
        for m in range(EACH):
            telegram.says(people[n], f"hello there, number {n}{m}", chats[n])
            await asyncio.sleep(rng.uniform(0.2, 2.5))

    await asyncio.gather(*(talk(n) for n in range(PEOPLE)))
    return chats


async def _torment(product: Product, telegram: TrappedTelegram, rng: random.Random) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        telegram.trap = product.kill
        end = time.monotonic() + 5
        while product.alive and time.monotonic() < end:
            await asyncio.sleep(0.02)
        telegram.trap = None
        product.kill()
        await product.start()


def _check(url: str, chats: list[FakeChat]) -> None:
    with books.reading(url) as session:
        inbox = session.scalars(select(InboxItem).where(InboxItem.channel == "telegram")).all()
        heard = session.scalars(
            select(Message).where(Message.direction == Direction.INBOUND).order_by(Message.id)
        ).all()
        rows = session.scalars(select(OutboxItem).where(OutboxItem.channel == "telegram")).all()
    assert len(inbox) == PEOPLE * EACH
    assert {item.state for item in inbox} == {InboxState.DONE}
    said, sent = defaultdict(list), defaultdict(list)
    for message in heard:
        said[message.sender].append(message.text)
    for row in rows:
        assert row.state is OutboxState.SENT or (row.state, row.error_code) == (OutboxState.DEAD, "unknown")
        sent[row.address].append(row)
    for n, chat in enumerate(chats):
        assert said[str(chat.id)] == [f"hello there, number {n}{m}" for m in range(EACH)]
        plain = [message.text for message in chat.from_bots if not message.text.startswith(MARK)]
        marked = [message.text for message in chat.from_bots if message.text.startswith(MARK)]
        mine = sent[str(chat.id)]
        certain = [row for row in mine if not row.repeated]
        assert len(mine) >= EACH
        assert len(certain) <= len(plain) <= len(mine), "said twice without a mark, or lost"
        assert len(marked) <= len(mine) - len(certain)
        shown_to_staff = [row for row in mine if row.state is OutboxState.DEAD]
        assert len(plain) + len(marked) >= len(mine) - len(shown_to_staff)
