"""Telegram in trouble, and we: whatever was written is answered, nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from desk.work import Work
from models.access import OPERATOR
from models.inbox import Quarantine
from models.message import Direction, Message
from models.outbox import OutboxItem, OutboxState, SendPause
from models.ticket import Ticket
from tests.fakes.telegram_faults import (
    Fault,
    broken_response,
    conflict,
    dropped_request,
    gateway_error,
    lost_response,
    rate_limited,
    refused,
    unauthorized,
)
from tests.world import PUBLIC_URL, World, world


async def _count(here: World, table: type, *where: object) -> int:
    def count(work: Work) -> int:
        return work.session.scalar(select(func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]

    return await here.app.office.read(OPERATOR, count)


async def _said(here: World) -> list[str]:
    inbound = await here.rows(select(Message).where(Message.direction == Direction.INBOUND).order_by(Message.id))
    return [message.text or "" for message in inbound]


async def test_a_restart_in_the_middle_loses_and_doubles_nothing(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        people = [here.telegram_driver(f"Driver {n}") for n in range(4)]
        for person in people:
            person.says("hello there")
        await here.restart()
        for person in people:
            person.says("/human")
        await here.restart()
        for person in people:
            # On PostgreSQL, what was in hand when a process ended is free again when its lease is over.
            texts = {(await person.hears(passing_s=200)).text[:9] for _ in range(2)}
            assert any(text.startswith("Hello") for text in texts), texts
        assert await _said(here) == ["hello there"] * 4 + ["/human"] * 4
        assert await _count(here, Ticket) == 4
        assert not here.bot().queue


async def test_repeated_and_reordered_updates_are_taken_once(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        here.bot().duplicate = here.bot().reverse = True
        await here.stop()
        for text in ("hello there", "/human", "are you there?"):
            amal.says(text)
        first = here.bot().queue[0]
        await here.start_again()
        await amal.hears("Hello")
        await amal.hears("TKT-000001")
        here.telegram.again(here.bot(), first)
        await here.quiet()
        assert await _said(here) == ["hello there", "/human", "are you there?"]
        assert await _count(here, Ticket) == 1


@pytest.mark.parametrize(
    "fault", [rate_limited(40), dropped_request(), gateway_error(503)], ids=["429", "dropped", "503"]
)
async def test_what_was_surely_not_taken_is_sent_again(database_url: str, tmp_path: Path, fault: Fault) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        here.telegram.inject(fault)
        amal.says("hello there")
        told = await amal.hears("Hello", passing_s=120)
        if fault.status == 429:
            assert (told.at - amal.chat.messages[0].at).total_seconds() >= 40
            assert await _count(here, SendPause) == 1
        assert len(amal.got) == 1


@pytest.mark.parametrize("fault", [lost_response(), broken_response(), gateway_error(502, taken=True)])
async def test_a_send_of_unknown_outcome_is_repeated_once_with_a_mark(
    database_url: str, tmp_path: Path, fault: Fault
) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        here.telegram.inject(fault)
        amal.says("hello there")
        await amal.hears("Hello")
        await amal.hears("Sent again", "Hello", passing_s=60)
        await here.quiet()
        [row] = await here.rows(select(OutboxItem))
        assert (row.state, row.repeated) == (OutboxState.SENT, True)


async def test_a_reply_that_is_lost_twice_is_shown_to_staff(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        here.telegram.inject(lost_response(), times=2)
        amal.says("hello there")
        await amal.hears("Hello")
        await amal.hears("Sent again", passing_s=60)
        await here.fast_forward(minutes=2)
        await here.quiet()
        [row] = await here.rows(select(OutboxItem))
        assert (row.state, row.error_code) == (OutboxState.DEAD, "unknown")
        assert [line["code"] for line in await here.board()] == ["board.not_delivered"]


async def test_markup_that_telegram_cannot_read_goes_without(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver("Amal & <Co>")
        here.telegram.inject(refused(400, "Bad Request: can't parse entities: unsupported start tag"))
        amal.says("hello there")
        told = await amal.hears("Hello Amal & <Co>")
        assert told.html == told.text


async def test_a_failing_poll_is_taken_up_again(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        for fault in (
            gateway_error(502, "getUpdates"), gateway_error(504, "getUpdates", html=True),
            dropped_request("getUpdates"), lost_response("getUpdates"), rate_limited(7, "getUpdates"), conflict(),
        ):  # fmt: skip
            here.telegram.inject(fault)
        amal.says("hello there")
        await amal.hears("Hello", passing_s=600)
        assert await _said(here) == ["hello there"]
        async with httpx.AsyncClient(base_url=here.http, trust_env=False) as http:
            assert (await http.get("/readyz")).status_code == 200
        assert [line["code"] for line in await here.board()] == ["telegram.board_conflict"]


async def test_a_revoked_token_parks_what_is_to_be_sent(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        here.telegram.inject(unauthorized("sendMessage"))
        amal.says("hello there")
        while not await _count(here, SendPause):
            await asyncio.sleep(0.02)
        here.bot().revoked = True
        async with httpx.AsyncClient(base_url=here.http, trust_env=False, timeout=30) as http:
            while "Telegram" not in (await http.get("/readyz")).text:
                await here.clock.fast_forward(seconds=20)
                await asyncio.sleep(0.05)
            assert "revoked" in (await http.get("/readyz")).json()["checks"]["channels"]["why"]
        assert [(line["code"], line["urgent"]) for line in await here.board()] == [("telegram.board_revoked", True)]
        here.bot().revoked = False
        await amal.hears("Hello", passing_s=600)


async def test_telegram_away_for_an_hour(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        amal.says("hello there")
        await amal.hears("Hello")
        await here.quiet()
        await here.telegram.go_away()
        await here.fast_forward(hours=1)
        await here.telegram.come_back()
        amal.says("/human")
        await amal.hears("TKT-000001", passing_s=600)


async def test_updates_by_webhook(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True, TELEGRAM_MODE="webhook") as here:
        assert here.telegram is not None
        bot, amal = here.bot(), here.telegram_driver()
        async with asyncio.timeout(10):
            while not bot.webhook:
                await asyncio.sleep(0.02)
        assert bot.webhook == f"{PUBLIC_URL}/webhooks/telegram/customer"
        assert len(bot.secret) == 64
        amal.says("hello there")
        await amal.hears("Hello")
        await here.restart()
        amal.says("/human")
        await amal.hears("TKT-000001")
        update = {"update_id": 1, "message": {"text": "forged", "chat": {"id": 1}}}
        for secret in ("", "wrong"):
            assert await here.telegram.call(bot, update, secret=secret) == 403
        assert await here.telegram.call(bot, {"update_id": "1", "message": {}}) == 400
        assert await here.telegram.call(bot, {"update_id": 2**63}) == 400
        kept = await here.rows(select(Quarantine))
        assert [(row.channel, row.reason) for row in kept] == [("telegram", "wrong_secret")] * 2
        assert await _said(here) == ["hello there", "/human"]


async def test_a_webhook_that_could_not_be_stored_comes_again(database_url: str, tmp_path: Path) -> None:
    async with world(
        database_url, tmp_path, telegram=True, TELEGRAM_MODE="webhook", TELEGRAM_WEBHOOK_SECRET="chosen-by-the-operator"
    ) as here:
        assert here.telegram is not None
        bot, amal = here.bot(), here.telegram_driver()
        async with asyncio.timeout(10):
            while bot.secret != "chosen-by-the-operator":
                await asyncio.sleep(0.02)
        await here.stop()
        amal.says("hello there")
        await asyncio.sleep(0.2)
        assert bot.queue
        await here.start_again()
        await amal.hears("Hello")
        assert await _said(here) == ["hello there"]
