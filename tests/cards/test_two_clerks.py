"""Several clerks at once, on one node or more: each matter is one message in each chat all the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bot.cards import CardClerk
from desk import cards, tickets
from desk.office import Office
from desk.work import Work
from integrations.bus import LocalBus
from models.access import ASSISTANT
from models.outbox import OutboxItem
from models.reading import Category
from models.team import TeamCard
from models.ticket import Priority
from tests.cards.conftest import GROUP, OTHER, Chats

TICKETS = 4


@pytest.fixture
def nodes(office: Office, database_url: str) -> Iterator[list[Office]]:
    """Three nodes over one database; SQLite has one, whose three clerks share it."""
    if office.sqlite:
        yield [office] * 3
        return
    others = [Office(database_url, clock=office.clock, bus=LocalBus(), house=office.house) for _ in range(2)]
    yield [office, *others]
    for other in others:
        other.close()


async def test_clerks_that_look_at_once_make_one_card(office: Office, chats: Chats, nodes: list[Office]) -> None:
    clerks = [CardClerk(node, node.bus) for node in nodes]
    refs = []
    for n in range(TICKETS):
        ticket = await office.run(
            ASSISTANT, tickets.open_ticket, category=Category.FAULT, summary=f"Red light {n}",
            priority=Priority.CRITICAL,
        )  # fmt: skip
        refs.append(ticket.ref)
        await asyncio.gather(*(clerk.tick() for clerk in clerks for _ in range(2)))
    await chats.later(60)
    for chat in (GROUP, OTHER):
        shown = [message.text for message in chats.in_(chat)]
        assert Counter(next(ref for ref in refs if ref in text) for text in shown) == Counter(refs), shown


async def test_clerks_and_changes_at_once_end_with_the_newest_state(
    office: Office, chats: Chats, nodes: list[Office]
) -> None:
    clerks = [CardClerk(node, node.bus) for node in nodes]
    ticket = await office.run(
        ASSISTANT, tickets.open_ticket, category=Category.FAULT, summary="Red light", priority=Priority.CRITICAL
    )
    await chats.settle()
    for n in range(5):
        await asyncio.gather(
            *(clerk.tick() for clerk in clerks), office.run(ASSISTANT, tickets.add_note, ticket.ref, f"word {n}"),
            *(clerk.tick() for clerk in clerks),
        )  # fmt: skip
    await chats.later(120)
    for chat in (GROUP, OTHER):
        [message] = chats.in_(chat)
        assert "word 4" in message.text

    def open_ends(work: Work) -> tuple[list[int], int]:
        stale = work.session.scalars(select(TeamCard.id).where(TeamCard.wanted > TeamCard.sent))
        rows = work.session.scalars(select(OutboxItem.code).where(OutboxItem.channel == "team")).all()
        return list(stale), rows.count(cards.DIGEST)

    assert await office.read(ASSISTANT, open_ends) == ([], 0)
