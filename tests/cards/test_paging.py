"""Pages: at every door of those on duty, again until somebody answers, then on to the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import board, members, oncall, paging, tickets
from desk.office import Office
from desk.work import Work
from jobs.table import JOBS
from models.access import ASSISTANT, CLOCK, OPERATOR, Actor, Department, Role
from models.outbox import OutboxItem
from models.reading import Category
from models.signed import read_press
from models.ticket import Priority, Ticket
from tests.cards.conftest import GROUP, Chats

PHONE, ACCOUNT = "whatsapp:+94770000001", "5001"


@pytest.fixture
async def ruwan(office: Office) -> Actor:
    """A manager with a phone alone."""

    def hire(work: Work) -> Actor:
        member = members.add(
            work, email="ruwan@example.org", name="Ruwan", role=Role.MANAGER, departments=list(Department),
            whatsapp="+94770000002", language="es",
        )  # fmt: skip
        return members.actor(work, member)

    return await office.run(OPERATOR, hire)


def _open(work: Work) -> Ticket:
    return tickets.open_ticket(
        work, category=Category.FAULT, summary="Smoke", charger_id="100001", priority=Priority.CRITICAL
    )


def _page(work: Work, ref: str = "", *, kind: str = "safety") -> bool:
    facts = {"ref": ref, "summary": "Smoke", "priority": {"$code": "ticket.priority.critical"}}
    return paging.page(
        work, kind=kind, key=f"page:{ref}", code="board.ticket_opened", facts=facts, urgent=True,
        ticket_id=int(ref[4:]) if ref else None,
    )  # fmt: skip


async def _rows(office: Office, address: str) -> list[OutboxItem]:
    query = select(OutboxItem).where(OutboxItem.address == address).order_by(OutboxItem.id)
    return await office.read(OPERATOR, lambda work: list(work.session.scalars(query)))


async def _beat(office: Office, chats: Chats, minutes: int) -> None:
    """The clock of the house, minute by minute."""
    for _ in range(minutes):
        chats.clock.leap(60)
        await office.run(CLOCK, paging.repeat)
        await chats.settle()


async def test_a_page_goes_to_every_door_of_the_desk(office: Office, chats: Chats, kamala: Actor, ruwan: Actor) -> None:
    ticket = await office.run(ASSISTANT, _open)
    assert await office.run(ASSISTANT, _page, ticket.ref)
    assert not await office.run(ASSISTANT, _page, ticket.ref)

    for address in (PHONE, ACCOUNT, "whatsapp:+94770000002"):
        [row] = await _rows(office, address)
        actions = [read_press(b"k" * 32, each["id"], office.clock.now(), address).action for each in row.choices]
        assert actions == ["take", "snooze", "ack"]
    await chats.settle()
    assert len(chats.in_(GROUP)) == 1


async def test_a_danger_where_the_machine_left_the_charger_on_offers_to_take_it_out(
    office: Office, chats: Chats, kamala: Actor, ruwan: Actor
) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await office.run(ASSISTANT, _page_of_danger, ticket.ref)
    [row] = await _rows(office, ACCOUNT)
    presses = [read_press(b"k" * 32, each["id"], office.clock.now(), ACCOUNT) for each in row.choices]
    assert [(each.action, each.subject) for each in presses[-1:]] == [("out", "100001")]
    [row] = await _rows(office, PHONE)
    assert len(row.choices) == 3, "WhatsApp shows three, and the page's words name the command"


def _page_of_danger(work: Work, ref: str) -> None:
    why = {"$code": "run.unproven", "charger_id": "100001", "limit": 1, "within": {"$span": 600}}
    out = {"$code": "safety.not_taken_out", "why": why}
    facts = {"ref": ref, "charger": "100001", "name": "Somebody", "text": "smoke", "out": out}
    paging.page(
        work, kind="safety", key="danger", code="safety.page", facts=facts, urgent=True, ticket_id=int(ref[4:]),
        charger_id="100001",
    )  # fmt: skip


async def test_who_is_on_duty_is_paged_and_nobody_else(
    office: Office, chats: Chats, kamala: Actor, ruwan: Actor
) -> None:
    await office.run(OPERATOR, _on_duty(kamala))
    await office.run(ASSISTANT, _page)
    assert len(await _rows(office, PHONE)) == 1
    assert await _rows(office, "whatsapp:+94770000002") == []


async def test_unanswered_it_comes_again_and_goes_on_to_the_others(
    office: Office, chats: Chats, kamala: Actor, ruwan: Actor
) -> None:
    await office.run(OPERATOR, _on_duty(kamala))
    ticket = await office.run(ASSISTANT, _open)
    await office.run(ASSISTANT, _page, ticket.ref)
    await _beat(office, chats, 34)
    pages = await _rows(office, PHONE)
    assert [row.code for row in pages] == ["board.ticket_opened", *["page.again"] * 6]
    assert [row.facts["number"] for row in pages[1:]] == [1, 2, 3, 4, 5, 6]
    assert await _rows(office, "whatsapp:+94770000002") == []
    assert sum(each.answers is not None for each in chats.in_(GROUP)) == 6, "the group is pinged too"

    await _beat(office, chats, 30)
    assert [row.code for row in await _rows(office, "whatsapp:+94770000002")] == ["page.handed_on"]
    assert len(await _rows(office, PHONE)) == 7


@pytest.mark.parametrize("answer", ["take", "ack", "resolve"])
async def test_an_answer_ends_the_repeating(office: Office, chats: Chats, kamala: Actor, answer: str) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await office.run(ASSISTANT, _page, ticket.ref)
    await _beat(office, chats, 6)
    lines = await office.read(OPERATOR, board.open_alerts)
    does: dict[str, Callable[[Work], object]] = {
        "take": lambda work: tickets.take(work, ticket.ref),
        "ack": lambda work: [board.acknowledge(work, each.id) for each in lines],
        "resolve": lambda work: tickets.resolve(work, ticket.ref, "done"),
    }
    await office.run(kamala, does[answer])
    await _beat(office, chats, 60)
    assert [row.code for row in await _rows(office, PHONE)] == ["board.ticket_opened", "page.again"]


async def test_snoozed_it_waits(office: Office, chats: Chats, kamala: Actor) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await office.run(ASSISTANT, _page, ticket.ref)
    await office.run(kamala, tickets.snooze, ticket.ref, office.clock.now() + timedelta(hours=1))
    await _beat(office, chats, 58)
    assert len(await _rows(office, PHONE)) == 1
    await _beat(office, chats, 6)
    assert len(await _rows(office, PHONE)) == 2


async def test_what_its_clock_chases_is_not_repeated(office: Office, chats: Chats, kamala: Actor) -> None:
    await office.run(ASSISTANT, _page, kind="breach")
    await _beat(office, chats, 30)
    assert len(await _rows(office, PHONE)) == 1


async def test_a_long_sleep_is_not_made_up_for(office: Office, chats: Chats, kamala: Actor) -> None:
    await office.run(ASSISTANT, _page)
    chats.clock.leap(3_000)
    for _ in range(3):
        await office.run(CLOCK, paging.repeat)
    assert len(await _rows(office, PHONE)) == 2


async def test_phones_hear_of_a_serious_ticket_once(office: Office, chats: Chats, kamala: Actor) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await _beat(office, chats, 30)
    [row] = await _rows(office, PHONE)
    assert row.code == "board.ticket_opened"
    assert await _rows(office, ACCOUNT) == [], "Telegram has the card"

    await office.run(
        kamala, tickets.escalate, ticket.ref, Priority.CRITICAL, "a reset", "the breaker falls", "an electrician"
    )
    await _beat(office, chats, 1)
    assert len(await _rows(office, PHONE)) == 2


async def test_a_page_stands_for_the_news(office: Office, chats: Chats, kamala: Actor) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await office.run(ASSISTANT, _page, ticket.ref)
    await _beat(office, chats, 1)
    assert len(await _rows(office, PHONE)) == 1


async def test_phones_that_were_paged_hear_the_end(office: Office, chats: Chats, kamala: Actor, ruwan: Actor) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await office.run(ASSISTANT, _page, ticket.ref)
    await office.run(kamala, tickets.resolve, ticket.ref, "Changed the fuse")
    assert [row.code for row in await _rows(office, "whatsapp:+94770000002")][-1] == "page.resolved"
    assert len(await _rows(office, PHONE)) == 1, "who solved it knows"


def test_the_clock_has_it() -> None:
    assert any(job.verb is paging.repeat for job in JOBS)


def _on_duty(member: Actor) -> Callable[[Work], object]:
    return lambda work: oncall.set_shift(
        work, "kamala@example.org", work.now - timedelta(hours=1), work.now + timedelta(hours=8)
    )
