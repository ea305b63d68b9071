"""Sums that are kept: exact while tickets and messages change, folded without loss, whoever folds."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from desk import dashboard, members, messages, tally, ticket_views, tickets
from desk.office import Office
from desk.work import Work
from models.access import CLOCK, OPERATOR, Actor, Department, Role
from models.contact import Contact
from models.conversation import Conversation, conversation_key
from models.message import Direction, Message, MessageState
from models.reading import Category
from models.tally import Counted, Tally
from models.ticket import Ticket, TicketStatus
from tests.clock import JumpingClock


async def _boss(office: Office) -> Actor:
    def add(work: Work) -> Actor:
        row = members.add(work, email="b@example.org", name="Boss", role=Role.ADMIN, departments=tuple(Department))
        return members.actor(work, row)

    return await office.run(OPERATOR, add)


def _counted(work: Work) -> dict[TicketStatus, int]:
    rows = work.session.execute(select(Ticket.status, func.count()).group_by(Ticket.status))
    return dict.fromkeys(TicketStatus, 0) | {row[0]: row[1] for row in rows}


def _walk(work: Work, chance: random.Random, boss: Actor) -> None:
    """One legal step of a random ticket, or a new one."""
    found = list(work.session.scalars(select(Ticket)))
    ticket = chance.choice([*found, None])
    if ticket is None:
        tickets.open_ticket(work, category=chance.choice(list(Category)), summary="x")
    elif ticket.status is TicketStatus.OPEN:
        tickets.assign(work, ticket.ref, boss.member_id or 0)
    elif ticket.status is TicketStatus.ASSIGNED:
        (tickets.start if chance.random() < 0.7 else tickets.release)(work, ticket.ref)
    elif ticket.status is TicketStatus.IN_PROGRESS:
        tickets.resolve(work, ticket.ref, "done")
    elif ticket.status is TicketStatus.RESOLVED:
        if chance.random() < 0.5:
            tickets.reopen(work, ticket.ref, "again")
        else:
            tickets.close(work, ticket.ref)


async def test_counts_by_status_stay_exact_while_everything_moves(office: Office) -> None:
    boss, chance = await _boss(office), random.Random(3)
    for step in range(120):
        await office.run(boss, _walk, chance, boss)
        if step % 17 == 0:
            await office.run(CLOCK, tally.fold)
        if step % 10 == 0:
            assert await office.read(boss, ticket_views.count_by_status) == await office.read(boss, _counted)
    await office.run(CLOCK, tally.fold)
    assert await office.read(boss, ticket_views.count_by_status) == await office.read(boss, _counted)
    assert await office.run(CLOCK, tally.fold) == 0


async def test_what_is_rolled_back_is_not_counted(office: Office) -> None:
    boss = await _boss(office)

    def fail(work: Work) -> None:
        tickets.open_ticket(work, category=Category.FAULT, summary="x")
        raise RuntimeError

    for _ in range(3):
        try:
            await office.run(boss, fail)
        except RuntimeError:
            continue
    assert sum((await office.read(boss, ticket_views.count_by_status)).values()) == 0


async def test_many_who_count_and_fold_at_once_lose_nothing(office: Office) -> None:
    boss = await _boss(office)

    def opened(work: Work) -> None:
        tickets.open_ticket(work, category=Category.FAULT, summary="x")

    jobs: list[Any] = []
    for number in range(60):
        jobs.append(office.run(boss, opened))
        if number % 4 == 0:
            jobs.append(office.run(CLOCK, tally.fold))
    await asyncio.gather(*jobs)
    assert (await office.read(boss, ticket_views.count_by_status))[TicketStatus.OPEN] == 60
    await office.run(CLOCK, tally.fold)
    assert (await office.read(boss, ticket_views.count_by_status))[TicketStatus.OPEN] == 60
    rows = await office.read(boss, lambda work: work.session.scalar(select(func.count()).select_from(Tally)))
    assert rows == 2  # how many are open, and how many were opened today


async def test_days_are_those_of_the_installation(office: Office, clock: JumpingClock) -> None:
    """20:00 UTC is the next day in Colombo."""
    boss = await _boss(office)
    clock.set(clock.now().replace(hour=17))
    await office.run(boss, lambda work: tickets.open_ticket(work, category=Category.FAULT, summary="x"))
    clock.set(clock.now() + timedelta(hours=3))
    ref = (await office.run(boss, lambda work: tickets.open_ticket(work, category=Category.FAULT, summary="y"))).ref
    await office.run(boss, tickets.resolve, ref, "done")
    shown = await office.read(boss, dashboard.traffic)
    assert shown["days"][-2:] == ["2026-03-02", "2026-03-03"]
    assert shown["opened"][-2:] == [1, 1]
    assert shown["resolved"][-2:] == [0, 1]


async def test_a_corrected_message_counts_where_it_belongs(office: Office, clock: JumpingClock) -> None:
    boss = await _boss(office)

    def wrote(work: Work) -> int:
        contact = Contact(name="Ana", created_at=work.now)
        work.session.add(contact)
        work.session.flush()
        conversation = Conversation(
            key=conversation_key("web", "site", "s1"), contact_id=contact.id, channel="web", account="site",
            address="s1", created_at=work.now,
        )  # fmt: skip
        work.session.add(conversation)
        work.session.flush()
        message = Message(
            conversation_id=conversation.id, contact_id=contact.id, direction=Direction.INBOUND, channel="web",
            sender="s1", text="hello", state=MessageState.NEEDS_REVIEW, received_at=work.now,
        )  # fmt: skip
        work.session.add(message)
        work.session.flush()
        return message.id

    message_id = await office.run(OPERATOR, wrote)
    for category in (Category.INFO, Category.FAULT, Category.FAULT):
        clock.set(clock.now() + timedelta(minutes=1))
        await office.run(boss, messages.correct, message_id, category)
    assert await office.read(boss, tally.sums, Counted.MESSAGES) == {"fault": 1, "info": 0}
