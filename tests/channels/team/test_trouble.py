"""Telegram in trouble, as the team's bot meets it: what is typed is taken in once, what is said is said, staff hear."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from bot import telegram_intake
from bot.channels.team import client
from desk import board, outbox
from models.access import OPERATOR, Role
from models.inbox import InboxItem
from models.outbox import OutboxItem, OutboxState
from models.reply import Reply
from tests.fakes import telegram_faults as faults
from tests.fakes.telegram_faults import Fault
from tests.team_room import Room


async def lines(room: Room) -> list[tuple[str, bool]]:
    """What stands on the board."""
    return [(line.code, line.urgent) for line in await room.office.read(OPERATOR, board.open_alerts)]


async def updates(room: Room) -> list[str]:
    """What was taken in."""
    query = select(InboxItem.external_id).order_by(InboxItem.id)
    return await room.office.read(OPERATOR, lambda work: list(work.session.scalars(query)))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (faults.gateway_error(502, "getUpdates"), []),
        (faults.gateway_error(504, "getUpdates", html=True), []),
        (faults.dropped_request("getUpdates"), []),
        (faults.lost_response("getUpdates"), []),
        (faults.broken_response("getUpdates"), []),
        (faults.rate_limited(7, "getUpdates"), []),
        (faults.conflict(), [("telegram.board_conflict", False)]),
        (faults.unauthorized("getUpdates"), [("telegram.board_revoked", True)]),
    ],
    ids=["502", "504 page", "cut before", "cut after", "half an answer", "429", "409", "401"],
)
async def test_a_poll_that_fails_is_taken_up_again(room: Room, fault: Fault, told: list[tuple[str, bool]]) -> None:
    room.telegram.inject(fault, times=2)
    for n in range(3):
        await room.says(Role.DISPATCHER, "/whoami")
        assert len(room.heard()) == n + 1
    assert len(await updates(room)) == 3
    assert await lines(room) == told, "said once, however often it happens"


async def test_a_poll_that_hangs_is_given_up(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram_intake, "HANG_S", 0.5)
    room.telegram.inject(faults.hang(20, "getUpdates", taken=False))
    await room.says(Role.DISPATCHER, "/whoami")
    await room.says(Role.DISPATCHER, "/whoami")
    assert len(room.heard()) == 2


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
async def test_a_send_that_hangs_is_in_doubt_and_said_once_more_with_the_mark(
    room: Room, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    await room.end()
    monkeypatch.setattr(client, "CALL_S", 1)
    await room.begin()
    await room.quiet()
    room.telegram.inject(faults.hang(20, taken=taken))
    await room.office.run(
        OPERATOR,
        lambda work: outbox.post(work, str(room.group.id), Reply("team.help", text="hello"), key="k", language="en"),
    )

    async def row() -> OutboxItem:
        return await room.office.read(OPERATOR, lambda work: work.session.scalars(select(OutboxItem)).one())

    while (await row()).state is not OutboxState.UNKNOWN:
        await asyncio.sleep(0.05)
    await room.office.run(OPERATOR, outbox.not_found, (await row()).id)
    await room.quiet()
    texts = room.heard()
    assert len(texts) == (2 if taken else 1)
    assert texts[-1] != "hello"
    assert "hello" in texts[-1]
    assert (await row()).repeated


async def test_telegram_away_for_an_hour(room: Room) -> None:
    await room.telegram.go_away()
    room.telegram.says(room.people[Role.DISPATCHER], f"/note {room.staff.other_ticket} meanwhile", room.group)
    for _ in range(60):
        await room.clock.fast_forward(seconds=60)
    await room.telegram.come_back()
    await room.quiet()
    assert "waited too long" in room.last().text, "what is an hour old is asked again"
    await room.presses(Role.DISPATCHER, room.last(), "Yes, do it")
    assert room.heard()[-1].startswith("Noted on")
