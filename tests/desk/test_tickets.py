"""Tickets: the lifecycle, who may do what, what people hear, and a random walk that only legal moves survive."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from desk import members, ticket_views, tickets
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, CLOCK, OPERATOR, Actor, Department, Role, charger_actor, contact_actor
from models.charger import Charger
from models.contact import Contact, Tier
from models.conversation import Conversation, conversation_key
from models.errors import BadInput, NotAllowed, NotFound, Refusal
from models.member import TeamAlert
from models.message import Direction, Message, MessageState
from models.outbox import OutboxItem
from models.reading import Category, Urgency
from models.sla import ClockKind, ClockState
from models.ticket import MOVES, Priority, Ticket, TicketEvent, TicketStatus
from tests.clock import JumpingClock


@dataclass(frozen=True)
class Team:
    """The people of these tests, and the customer's conversation."""

    admin: Actor
    manager: Actor
    agent: Actor
    installer: Actor
    cpo: Actor
    stranger: Actor
    contact_id: int
    conversation_id: int


def _found(work: Work) -> Team:
    def member(name: str, role: Role, *departments: Department, whatsapp: str | None = None) -> Actor:
        row = members.add(
            work, email=f"{name}@example.org", name=name.title(), role=role, departments=departments, whatsapp=whatsapp
        )
        return members.actor(work, row)

    contact = Contact(name="Ana", tier=Tier.GOLD, created_at=work.now)
    work.session.add_all([contact, Charger(id="100001", created_at=work.now)])
    work.session.flush()
    conversation = Conversation(
        key=conversation_key("web", "site", "s1"), contact_id=contact.id, channel="web", account="site", address="s1",
        language="si", created_at=work.now,
    )  # fmt: skip
    work.session.add(conversation)
    work.session.flush()
    return Team(
        admin=member("admin", Role.ADMIN),
        manager=member("manager", Role.MANAGER),
        agent=member("agent", Role.OPS_AGENT, Department.TECHNICAL, whatsapp="+94770000001"),
        installer=member("installer", Role.INSTALLER, Department.TECHNICAL),
        cpo=member("cpo", Role.CPO, Department.TECHNICAL),
        stranger=member("stranger", Role.INSTALLER, Department.SERVICE),
        contact_id=contact.id,
        conversation_id=conversation.id,
    )


@pytest.fixture
async def team(office: Office) -> Team:
    return await office.run(OPERATOR, _found)


async def _opened(office: Office, team: Team, **more: Any) -> Ticket:
    given: dict[str, Any] = {
        "category": Category.FAULT,
        "summary": "red light",
        "charger_id": "100001",
        "contact_id": team.contact_id,
        "conversation_id": team.conversation_id,
    }
    return await office.run(ASSISTANT, lambda work: tickets.open_ticket(work, **{**given, **more}))


def _open_with(work: Work, given: dict[str, Any]) -> Ticket:
    return tickets.open_ticket(work, **given)


def _id(member: Actor) -> int:
    assert member.member_id is not None
    return member.member_id


async def _facts(office: Office, ref: str, actor: Actor = OPERATOR) -> dict[str, Any]:
    return await office.read(actor, lambda work: tickets.facts(work, tickets.get(work, ref)))


async def _heard(office: Office) -> list[tuple[str, str]]:
    """What went out: phrase and language."""

    def look(work: Work) -> list[tuple[str, str]]:
        rows = work.session.execute(select(OutboxItem.code, OutboxItem.language).order_by(OutboxItem.id))
        return [(code, language) for code, language in rows]

    return await office.read(OPERATOR, look)


async def test_a_ticket_has_the_shape_that_the_outside_relies_on(office: Office, team: Team) -> None:
    ticket = await _opened(office, team, urgency=Urgency.SAFETY, description="smoke", evidence={"error": "x"})
    facts = await _facts(office, ticket.ref)
    assert facts.keys() >= {
        "ref", "status", "priority", "class", "category", "department", "summary", "description", "charger_id",
        "contact_id", "assignee", "scheduled_visit_at", "created_at", "clocks", "incident", "notes", "history",
    }  # fmt: skip
    assert facts["ref"] == f"TKT-{ticket.id:06d}"
    assert (facts["status"], facts["priority"], facts["department"]) == ("OPEN", "critical", "technical")
    assert facts["assignee"] is None
    assert [(c["kind"], c["target_s"], c["state"]) for c in facts["clocks"]] == [
        ("first_response", 3600, "running"),
        ("resolution", 8 * 3600, "running"),
    ]
    assert [event["kind"] for event in facts["history"]] == ["opened"]
    assert ticket.tier_rank == 1


async def test_urgency_gives_the_priority_and_what_is_serious_stands_on_the_board(office: Office, team: Team) -> None:
    wanted = {
        Urgency.SAFETY: Priority.CRITICAL,
        Urgency.URGENT: Priority.HIGH,
        Urgency.NORMAL: Priority.NORMAL,
        Urgency.LOW: Priority.LOW,
    }
    for urgency, priority in wanted.items():
        assert (await _opened(office, team, urgency=urgency)).priority is priority

    def lines(work: Work) -> list[str]:
        return list(work.session.scalars(select(TeamAlert.code)))

    assert await office.read(OPERATOR, lines) == ["board.ticket_opened"] * 2


async def test_from_open_to_closed_with_a_history_row_for_everything(
    office: Office, team: Team, clock: JumpingClock
) -> None:
    ref = (await _opened(office, team)).ref
    await office.run(team.manager, tickets.assign, ref, _id(team.installer))
    await office.run(team.installer, tickets.add_note, ref, "ordered a part")
    await office.run(team.installer, tickets.schedule_visit, ref, clock.now() + timedelta(days=1))
    await office.run(team.installer, tickets.start, ref, "on site")
    await office.run(team.installer, tickets.resolve, ref, "contactor replaced")
    await office.run(team.manager, tickets.close, ref, "Ana is happy")
    facts = await _facts(office, ref)
    assert facts["status"] == "CLOSED"
    assert [event["kind"] for event in facts["history"]] == [
        "opened", "assigned", "moved", "note", "visit", "moved", "first_response", "moved", "moved",
    ]  # fmt: skip
    assert [event["now"] for event in facts["history"] if event["kind"] == "moved"] == [
        "ASSIGNED", "IN_PROGRESS", "RESOLVED", "CLOSED",
    ]  # fmt: skip
    assert [note["text"] for note in facts["notes"]] == ["ordered a part"]
    assert {clock["state"] for clock in facts["clocks"]} == {"met"}
    assert await _heard(office) == [
        ("ticket.assigned", "si"), ("ticket.visit", "si"), ("ticket.in_progress", "si"), ("ticket.resolved", "si"),
        ("ticket.now_closed", "si"),
    ]  # fmt: skip


async def test_a_member_with_a_number_is_told_of_an_assignment_by_another(office: Office, team: Team) -> None:
    ref = (await _opened(office, team, conversation_id=None)).ref
    await office.run(team.manager, tickets.assign, ref, _id(team.agent))
    await office.run(team.manager, tickets.assign, ref, _id(team.agent))
    assert await _heard(office) == [("ticket.assigned_to_you", "en")]
    other = (await _opened(office, team, conversation_id=None)).ref
    await office.run(team.agent, tickets.take, other)
    assert len(await _heard(office)) == 1


async def test_take_makes_it_mine_and_somebody_elses_cannot_be_taken(office: Office, team: Team) -> None:
    ref = (await _opened(office, team)).ref
    ticket = await office.run(team.agent, tickets.take, ref)
    assert (ticket.status, ticket.assignee_id) == (TicketStatus.ASSIGNED, team.agent.member_id)
    assert ticket.taken_at is not None
    with pytest.raises(Refusal) as refused:
        await office.run(team.manager, tickets.take, ref)
    assert (refused.value.code, refused.value.facts["by"]) == ("ticket.taken", "Agent")
    with pytest.raises(NotAllowed):
        await office.run(ASSISTANT, tickets.take, ref)
    moved = await office.run(team.manager, tickets.assign, ref, _id(team.installer))
    assert moved.taken_at is None


async def test_of_two_who_take_it_at_once_one_has_it(office: Office, team: Team) -> None:
    for _ in range(5):
        ref = (await _opened(office, team)).ref
        takers = (team.agent, team.manager, team.admin)
        outcomes = await asyncio.gather(
            *(office.run(taker, tickets.take, ref) for taker in takers), return_exceptions=True
        )
        refused = [each.code for each in outcomes if isinstance(each, Refusal)]
        assert refused == ["ticket.taken", "ticket.taken"]


async def test_a_ticket_goes_only_to_an_active_member_who_has_its_department(office: Office, team: Team) -> None:
    ref = (await _opened(office, team)).ref

    async def refused(member: Actor) -> str:
        with pytest.raises(Refusal) as caught:
            await office.run(team.manager, tickets.assign, ref, _id(member))
        return caught.value.code

    assert await refused(team.stranger) == "ticket.wrong_department"
    assert await refused(team.cpo) == "ticket.member_cannot"
    await office.run(OPERATOR, lambda work: setattr(members.get(work, "agent@example.org"), "active", False))
    assert await refused(team.agent) == "ticket.member_left"
    with pytest.raises(NotFound):
        await office.run(team.manager, tickets.assign, ref, 999)
    assert (await office.run(team.manager, tickets.assign, ref, _id(team.admin))).assignee_id is not None


async def test_a_released_ticket_is_in_the_unassigned_queue_again(office: Office, team: Team) -> None:
    ref = (await _opened(office, team)).ref
    await office.run(team.agent, tickets.take, ref)
    await office.run(team.agent, tickets.start, ref)
    released = await office.run(team.manager, tickets.release, ref)
    assert (released.status, released.assignee_id, released.taken_at) == (TicketStatus.OPEN, None, None)
    queue = await office.read(team.manager, lambda work: ticket_views.page(work, limit=10, unassigned=True))
    assert [each.ref for each in queue] == [ref]


async def test_nothing_is_resolved_without_saying_what_was_done(office: Office, team: Team) -> None:
    ref = (await _opened(office, team)).ref
    for empty in ("", "  \n ", "\x00"):
        with pytest.raises(BadInput):
            await office.run(team.agent, tickets.resolve, ref, empty)
        with pytest.raises(BadInput):
            await office.run(team.agent, tickets.add_note, ref, empty)
    assert (await _facts(office, ref))["status"] == "OPEN"


async def test_a_closed_ticket_accepts_no_change(office: Office, team: Team, clock: JumpingClock) -> None:
    ticket = await _opened(office, team)
    ref = ticket.ref
    await office.run(team.agent, tickets.resolve, ref, "reset")
    await office.run(team.manager, tickets.close, ref)
    before = await _facts(office, ref)
    later = clock.now() + timedelta(days=1)
    attempts: list[Callable[[Work], object]] = [
        lambda work: tickets.add_note(work, ref, "x"),
        lambda work: tickets.assign(work, ref, _id(team.admin)),
        lambda work: tickets.take(work, ref),
        lambda work: tickets.start(work, ref),
        lambda work: tickets.resolve(work, ref, "x"),
        lambda work: tickets.close(work, ref),
        lambda work: tickets.reopen(work, ref, "x"),
        lambda work: tickets.release(work, ref),
        lambda work: tickets.set_priority(work, ref, Priority.HIGH),
        lambda work: tickets.escalate(work, ref, Priority.HIGH, "a", "b", "c"),
        lambda work: tickets.schedule_visit(work, ref, later),
        lambda work: tickets.pause_clock(work, ref, "x"),
        lambda work: tickets.customer_said(work, ticket, "still broken", None, still_broken=True),
    ]
    for attempt in attempts:
        with pytest.raises(Refusal) as refused:
            await office.run(team.admin, attempt)
        assert refused.value.code == "ticket.closed"
    assert await office.run(team.admin, tickets.first_response, ticket) is False
    assert await _facts(office, ref) == before


async def test_who_may_do_what(office: Office, team: Team) -> None:
    """Samples of the matrix: each line is a verb, those who may, those who may not."""
    verbs: dict[str, tuple[Callable[[Work, str], object], list[Actor], list[Actor]]] = {
        "note": (
            lambda work, ref: tickets.add_note(work, ref, "n"),
            [team.admin, team.manager, team.agent, ASSISTANT],
            [team.cpo, contact_actor(1, "Ana"), charger_actor("100001")],
        ),
        "assign": (
            lambda work, ref: tickets.assign(work, ref, _id(team.agent)),
            [team.admin, team.manager, team.agent],
            [team.installer, team.cpo, ASSISTANT, CLOCK, contact_actor(1, "Ana")],
        ),
        "lower": (
            lambda work, ref: tickets.set_priority(work, ref, Priority.LOW),
            [team.manager, team.agent],
            [ASSISTANT, team.cpo],
        ),
        "raise": (
            lambda work, ref: tickets.set_priority(work, ref, Priority.HIGH),
            [team.agent, ASSISTANT],
            [team.cpo],
        ),
        "see": (tickets.get, [team.agent, ASSISTANT], [team.cpo, contact_actor(1, "Ana")]),
    }
    for name, (verb, allowed, refused) in verbs.items():
        for actor in allowed:
            ref = (await _opened(office, team)).ref
            await office.run(actor, verb, ref)
        for actor in refused:
            ref = (await _opened(office, team)).ref
            with pytest.raises(NotAllowed):
                await office.run(actor, verb, ref)
            assert len((await _facts(office, ref))["history"]) == 1, name


async def test_an_agent_resolves_but_only_the_desk_closes(office: Office, team: Team) -> None:
    ref = (await _opened(office, team)).ref
    await office.run(team.agent, tickets.resolve, ref, "reset")
    for actor in (team.agent, ASSISTANT):
        with pytest.raises(NotAllowed):
            await office.run(actor, tickets.close, ref)
    assert (await office.run(team.manager, tickets.close, ref)).status is TicketStatus.CLOSED


async def test_an_installer_sees_and_works_on_its_own_tickets_only(office: Office, team: Team) -> None:
    own, other = (await _opened(office, team)).ref, (await _opened(office, team)).ref
    await office.run(team.manager, tickets.assign, own, _id(team.installer))
    assert (await office.read(team.installer, tickets.get, own)).ref == own
    verbs: list[Callable[[Work], object]] = [
        lambda work: tickets.get(work, other),
        lambda work: tickets.take(work, other),
        lambda work: tickets.add_note(work, other, "x"),
        lambda work: tickets.resolve(work, other, "x"),
    ]
    for verb in verbs:
        with pytest.raises(NotFound):
            await office.run(team.installer, verb)
    page = await office.read(team.installer, lambda work: ticket_views.page(work, limit=10))
    assert [ticket.ref for ticket in page] == [own]
    counts = await office.read(team.installer, ticket_views.counts)
    assert (counts["open"], counts["live"], counts["total"]) == (0, 1, 1)


@pytest.mark.parametrize("ref", ["", "TKT-", "TKT-0", "TKT-999999", "9" * 40, "TKT-1'; --", "٣", "\x00", "TKT--1"])
async def test_a_reference_that_names_nothing_is_not_found(office: Office, team: Team, ref: str) -> None:
    await _opened(office, team)
    with pytest.raises(NotFound):
        await office.read(team.admin, tickets.get, ref)
    with pytest.raises(NotFound):
        await office.run(team.admin, tickets.add_note, ref, "x")


async def test_what_does_not_exist_opens_no_ticket(office: Office, team: Team) -> None:
    wrong: list[dict[str, Any]] = [
        {"summary": " "}, {"charger_id": "nope"}, {"contact_id": 999}, {"conversation_id": 999}, {"assignee_id": 999},
    ]  # fmt: skip
    for each in wrong:
        given = {"category": Category.INFO, "summary": "x", **each}
        with pytest.raises(Refusal):
            await office.run(team.manager, _open_with, given)
    assert (await office.read(team.manager, ticket_views.counts))["total"] == 0


async def test_still_broken_reopens_with_a_new_resolution_clock(
    office: Office, team: Team, clock: JumpingClock
) -> None:
    ticket = await _opened(office, team)
    await office.run(team.agent, tickets.resolve, ticket.ref, "reset")
    clock.set(clock.now() + timedelta(days=2))

    def hear(work: Work, text: str, category: Category) -> bool:
        message = Message(
            conversation_id=team.conversation_id, contact_id=team.contact_id, direction=Direction.INBOUND,
            channel="web", sender="Ana", text=text, category=category, state=MessageState.BUCKETED,
            received_at=work.now,
        )  # fmt: skip
        work.session.add(message)
        work.session.flush()
        found = tickets.find_live(work, contact_id=team.contact_id, charger_id="100001", category=Category.FAULT)
        assert found is not None
        return tickets.customer_said(work, found, text, message.id)

    assert await office.run(ASSISTANT, hear, "thank you", Category.OTHER) is False
    assert await office.run(ASSISTANT, hear, "again the red light", Category.FAULT) is True
    facts = await _facts(office, ticket.ref)
    assert facts["status"] == "IN_PROGRESS"
    assert facts["resolved_at"] is None
    resolution = [c for c in facts["clocks"] if c["kind"] == "resolution"]
    assert [(c["seq"], c["state"]) for c in resolution] == [(2, "running"), (1, "met")]
    assert resolution[0]["started_at"] == clock.now().isoformat()
    customer = [event for event in facts["history"] if event["by"]["kind"] == "contact"]
    assert [event["kind"] for event in customer] == ["customer", "customer", "moved"]
    assert (await _heard(office))[-1] == ("ticket.reopened", "si")


async def test_what_is_resolved_closes_after_seven_quiet_days(office: Office, team: Team, clock: JumpingClock) -> None:
    quiet, noisy = await _opened(office, team), await _opened(office, team)
    for ticket in (quiet, noisy):
        await office.run(team.agent, tickets.resolve, ticket.ref, "reset")
    clock.set(clock.now() + timedelta(days=6))
    await office.run(ASSISTANT, lambda work: tickets.customer_said(work, noisy, "thanks, I will look", None))
    assert await office.run(CLOCK, tickets.close_quiet) == 0
    clock.set(clock.now() + timedelta(days=1))
    assert await office.run(CLOCK, tickets.close_quiet) == 1
    assert (await _facts(office, quiet.ref))["status"] == "CLOSED"
    assert (await _facts(office, noisy.ref))["status"] == "RESOLVED"
    assert await office.run(CLOCK, tickets.close_quiet) == 0


async def test_escalating_asks_three_things_and_never_lowers(office: Office, team: Team) -> None:
    ref = (await _opened(office, team)).ref
    with pytest.raises(BadInput):
        await office.run(team.agent, tickets.escalate, ref, Priority.HIGH, "reset", " ", "an electrician")
    for lower in (Priority.LOW, Priority.NORMAL):
        with pytest.raises(Refusal):
            await office.run(team.agent, tickets.escalate, ref, lower, "reset", "again red", "an electrician")
    await office.run(team.agent, tickets.escalate, ref, Priority.HIGH, "reset", "red\nagain", "an electrician")
    facts = await _facts(office, ref)
    assert facts["priority"] == "high"
    escalated = facts["history"][-1]
    assert (escalated["kind"], escalated["was"], escalated["now"]) == ("escalated", "normal", "high")
    assert escalated["note"].split("\n") == ["reset", "red again", "an electrician"]
    assert [c["target_s"] for c in facts["clocks"]] == [4 * 3600, 24 * 3600]


async def test_asking_again_tells_the_news_and_escalates_after_two_days_without(
    office: Office, team: Team, clock: JumpingClock
) -> None:
    ticket = await _opened(office, team)
    start = clock.now()
    clock.set(start + timedelta(hours=48))
    assert (await office.run(ASSISTANT, tickets.asked_again, ticket))["escalated"] is False
    clock.set(start + timedelta(hours=48, seconds=1))
    answer = await office.run(ASSISTANT, tickets.asked_again, ticket)
    assert (answer["escalated"], answer["news_at"]) == (True, None)
    assert (await office.run(ASSISTANT, tickets.asked_again, ticket))["escalated"] is False
    assert (await _facts(office, ticket.ref))["priority"] == "high"
    await office.run(team.agent, tickets.add_note, ticket.ref, "part ordered")
    clock.set(clock.now() + timedelta(hours=47))
    answer = await office.run(ASSISTANT, tickets.asked_again, ticket)
    assert answer["escalated"] is False
    assert answer["news_at"] is not None


async def test_the_existing_case_is_found_and_another_is_not(office: Office, team: Team) -> None:
    fault = await _opened(office, team)
    billing = await _opened(office, team, category=Category.BILLING, charger_id=None)

    async def find(**what: Any) -> int | None:
        found = await office.read(ASSISTANT, lambda work: tickets.find_live(work, **what))
        return found.id if found else None

    assert await find(contact_id=team.contact_id, category=Category.FAULT) == fault.id
    assert await find(contact_id=team.contact_id, category=Category.BILLING) == billing.id
    assert await find(charger_id="100001") == fault.id
    assert await find(contact_id=999) is None
    assert await find() is None
    await office.run(team.agent, tickets.resolve, fault.ref, "reset")
    assert await find(charger_id="100001") is None
    assert await find(contact_id=team.contact_id, charger_id="100001") == fault.id
    await office.run(team.manager, tickets.close, fault.ref)
    assert await find(contact_id=team.contact_id, charger_id="100001") is None


async def test_pages_go_backwards_and_the_queue_by_priority_then_tier(office: Office, team: Team) -> None:
    low = await _opened(office, team, priority=Priority.LOW)
    plain = await _opened(office, team, contact_id=None)
    gold = await _opened(office, team)
    high = await _opened(office, team, priority=Priority.HIGH)
    first = await office.read(team.agent, lambda work: ticket_views.page(work, limit=3))
    assert [ticket.id for ticket in first] == [high.id, gold.id, plain.id]
    rest = await office.read(team.agent, lambda work: ticket_views.page(work, limit=3, after=first[-1].id))
    assert [ticket.id for ticket in rest] == [low.id]
    some = await office.read(team.agent, lambda work: ticket_views.page(work, limit=9, priority=Priority.LOW))
    assert [ticket.id for ticket in some] == [low.id]
    queue = await office.read(team.agent, ticket_views.queue)
    assert [ticket.id for ticket in queue] == [high.id, gold.id, plain.id, low.id]


async def test_what_the_assistant_resolves_leaves_first_response_without_a_verdict(office: Office, team: Team) -> None:
    ticket = await _opened(office, team)
    assert await office.run(ASSISTANT, tickets.first_response, ticket) is False
    assert {c["state"] for c in (await _facts(office, ticket.ref))["clocks"]} == {"running"}
    await office.run(ASSISTANT, tickets.resolve, ticket.ref, "cleared by a reset")
    states = {c["kind"]: c["state"] for c in (await _facts(office, ticket.ref))["clocks"]}
    assert states == {ClockKind.FIRST_RESPONSE: ClockState.CANCELLED, ClockKind.RESOLUTION: ClockState.MET}


@pytest.mark.parametrize("seed", range(4))
async def test_a_random_walk_makes_only_legal_moves_and_each_leaves_a_history_row(
    office: Office, team: Team, clock: JumpingClock, seed: int
) -> None:
    chance = random.Random(seed)
    refs = [(await _opened(office, team)).ref for _ in range(3)]
    people = [team.admin, team.manager, team.agent, team.installer, team.stranger, team.cpo, ASSISTANT, CLOCK]

    def step(work: Work, ref: str, number: int) -> object:
        member_id = _id(chance.choice(people[:6]))
        priority = chance.choice(list(Priority))
        verbs: list[Callable[[], object]] = [
            lambda: tickets.assign(work, ref, member_id),
            lambda: tickets.release(work, ref),
            lambda: tickets.take(work, ref),
            lambda: tickets.start(work, ref),
            lambda: tickets.resolve(work, ref, chance.choice(["", "done"])),
            lambda: tickets.close(work, ref) if number % 3 == 0 else None,
            lambda: tickets.reopen(work, ref, "again"),
            lambda: tickets.add_note(work, ref, "n"),
            lambda: tickets.set_priority(work, ref, priority),
            lambda: tickets.escalate(work, ref, priority, "a", "b", "c"),
            lambda: tickets.pause_clock(work, ref, "part"),
            lambda: tickets.resume_clock(work, ref),
            lambda: tickets.customer_said(work, tickets.get(work, ref), "hm", None, still_broken=chance.random() < 0.5),
            lambda: tickets.close_quiet(work),
        ]
        return chance.choice(verbs)()

    def state(work: Work) -> dict[str, tuple[TicketStatus, Any, int]]:
        found = {}
        for ref in refs:
            ticket = ticket_views.get(work, ref)
            rows = work.session.scalar(select(func.count()).where(TicketEvent.ticket_id == ticket.id)) or 0
            shown = (ticket.priority, ticket.assignee_id, ticket.taken_at, ticket.resolved_at, ticket.closed_at)
            found[ref] = (ticket.status, shown, rows)
        return found

    before = await office.read(OPERATOR, state)
    for number in range(90):
        clock.set(clock.now() + timedelta(seconds=chance.choice([1, 600, 90_000])))
        try:
            await office.run(chance.choice(people), step, chance.choice(refs), number)
            refused = False
        except Refusal:
            refused = True
        after = await office.read(OPERATOR, state)
        for ref in refs:
            was, now = before[ref], after[ref]
            if now[0] is not was[0]:
                assert _reachable(was[0], now[0], now[2] - was[2])
            if now[:2] != was[:2]:
                assert now[2] > was[2]
            if was[0] is TicketStatus.CLOSED or refused:
                assert now == was
        before = after
    for ref in refs:
        moves = [e for e in (await _facts(office, ref))["history"] if e["kind"] == "moved"]
        assert all(TicketStatus(e["now"]) in MOVES[TicketStatus(e["was"])] for e in moves)
        assert [e["was"] for e in moves] == ["OPEN", *(e["now"] for e in moves[:-1])][: len(moves)]


def _reachable(was: TicketStatus, now: TicketStatus, rows: int) -> bool:
    """By legal moves, each of which left a row."""
    reached = {was}
    for _ in range(rows):
        reached |= {there for here in reached for there in MOVES[here]}
    return now in reached
