"""Clocks: what is consumed, when they warn, breach and chase, and that every timer fires once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from desk import board, members, sla, tickets
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, CLOCK, OPERATOR, Actor, Department, Role
from models.errors import Refusal
from models.member import TeamAlert
from models.outbox import OutboxItem
from models.reading import Category
from models.sla import CHASE_EVERY_S, TARGET_S, ClockKind, ClockState, SlaClock, SlaEvent, SlaTimer
from models.ticket import Priority, Ticket, TicketEvent
from tests.clock import START, JumpingClock

FIRST, RESOLUTION = ClockKind.FIRST_RESPONSE, ClockKind.RESOLUTION
HOUR = timedelta(hours=1)


def _enrol(work: Work) -> Actor:
    row = members.add(
        work, email="agent@example.org", name="Agent", role=Role.MANAGER, departments=[Department.TECHNICAL],
        whatsapp="+94770000001",
    )  # fmt: skip
    return members.actor(work, row)


@pytest.fixture
async def agent(office: Office) -> Actor:
    return await office.run(OPERATOR, _enrol)


def _open(work: Work, priority: Priority = Priority.NORMAL, started_at: datetime | None = None) -> Ticket:
    return tickets.open_ticket(
        work, category=Category.FAULT, summary="red light", priority=priority, started_at=started_at
    )


def _answered(work: Work, ref: str) -> bool:
    return tickets.first_response(work, tickets.get(work, ref))


def _clock(work: Work, ref: str, kind: ClockKind) -> SlaClock:
    return next(each for each in sla.clocks(work, tickets.get(work, ref)) if each.kind is kind)


def _events(work: Work, what: str = "%") -> list[tuple[str, datetime]]:
    rows = work.session.execute(
        select(SlaEvent.what, SlaEvent.effective_at).where(SlaEvent.what.like(what)).order_by(SlaEvent.id)
    )
    return [(name, at) for name, at in rows]


async def _sweep(office: Office) -> int:
    total = 0
    while count := await office.run(CLOCK, sla.fire_due):
        total += count
    return total


async def _at(office: Office, clock: JumpingClock, moment: datetime) -> list[str]:
    """Sweep every minute up to a moment; what the clocks did on the way."""
    before = len(await office.read(CLOCK, _events))
    while clock.now() < moment:
        clock.set(min(moment, clock.now() + timedelta(minutes=15)))
        await _sweep(office)
    return [what for what, _ in (await office.read(CLOCK, _events))[before:]]


async def _paged(office: Office) -> list[str]:
    def look(work: Work) -> list[str]:
        return list(work.session.scalars(select(OutboxItem.code).order_by(OutboxItem.id)))

    return await office.read(CLOCK, look)


async def test_every_ticket_gets_the_clocks_of_its_priority_from_when_the_person_wrote(
    office: Office, clock: JumpingClock
) -> None:
    wrote = START - timedelta(minutes=5)
    for priority in Priority:
        ticket = await office.run(ASSISTANT, _open, priority, started_at=wrote)
        for kind in ClockKind:
            row = await office.read(ASSISTANT, _clock, ticket.ref, kind)
            assert row.target_s == TARGET_S[kind][priority]
            assert row.due_at == wrote + timedelta(seconds=row.target_s)
    future = await office.run(ASSISTANT, _open, started_at=START + HOUR)
    assert future.created_at == clock.now()


async def test_a_silent_team_is_warned_then_paged_then_chased(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    await office.run(ASSISTANT, _open)
    assert await _at(office, clock, START + 23 * HOUR) == ["warn50", "warn75", "warn90"]
    assert await _paged(office) == []
    assert await _at(office, clock, START + 24 * HOUR) == ["breach"]
    assert await _paged(office) == ["sla.breached.first_response"]
    assert await _at(office, clock, START + 33 * HOUR) == ["chase1", "chase2"]
    assert (await _paged(office))[1:] == ["sla.chased.first_response"] * 2
    breaches = await office.read(CLOCK, _events, "breach")
    assert breaches == [("breach", START + 24 * HOUR)]


async def test_taking_it_stops_the_chasing_but_not_the_clock(office: Office, agent: Actor, clock: JumpingClock) -> None:
    ref = (await office.run(ASSISTANT, _open, Priority.CRITICAL)).ref
    await _at(office, clock, START + HOUR)
    assert await _at(office, clock, START + 2 * HOUR) == [f"chase{n}" for n in range(1, 5)]
    await office.run(agent, tickets.take, ref)
    assert await _at(office, clock, START + 3 * HOUR) == []
    row = await office.read(CLOCK, _clock, ref, FIRST)
    assert (row.state, row.breached_at) == (ClockState.RUNNING, START + HOUR)
    await office.run(agent, _answered, ref)
    assert (await office.read(CLOCK, _clock, ref, FIRST)).state is ClockState.BREACHED
    # It was taken: the solution's breach is told once, and nobody is chased.
    assert [w for w in await _at(office, clock, START + 12 * HOUR) if not w.startswith("warn")] == ["breach"]


async def test_any_act_of_a_member_ends_the_chasing_and_what_the_house_does_does_not(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    ref = (await office.run(ASSISTANT, _open, Priority.CRITICAL)).ref
    await _at(office, clock, START + HOUR)
    await office.run(ASSISTANT, tickets.add_note, ref, "the charger is offline")
    assert await _at(office, clock, START + HOUR * 1.25) == ["chase1"]
    await office.run(agent, tickets.add_note, ref, "I call them")
    assert await _at(office, clock, START + 2 * HOUR) == []


async def test_a_released_ticket_whose_next_clock_breaches_is_chased_again(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    ref = (await office.run(ASSISTANT, _open, Priority.CRITICAL)).ref
    await office.run(agent, tickets.take, ref)
    await office.run(agent, tickets.release, ref)
    await _at(office, clock, START + 8 * HOUR)
    assert "chase1" in await _at(office, clock, START + HOUR * 8.25)


async def test_a_breach_between_two_sweeps_is_recorded_by_whoever_stops_the_clock(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    ref = (await office.run(ASSISTANT, _open)).ref
    clock.set(START + 24 * HOUR + timedelta(milliseconds=300))
    await office.run(agent, _answered, ref)
    row = await office.read(CLOCK, _clock, ref, FIRST)
    assert (row.state, row.breached_at, row.due_at) == (ClockState.BREACHED, START + 24 * HOUR, None)
    assert await office.read(CLOCK, _events) == [("breach", START + 24 * HOUR)]
    await _sweep(office)
    assert Counter(what for what, _ in await office.read(CLOCK, _events))["breach"] == 1
    assert await _paged(office) == []
    lines = await office.read(CLOCK, board.open_alerts)
    assert [line.code for line in lines] == ["sla.breached.first_response"]


async def test_a_second_before_it_is_due_is_in_time(office: Office, agent: Actor, clock: JumpingClock) -> None:
    ref = (await office.run(ASSISTANT, _open)).ref
    clock.set(START + 24 * HOUR - timedelta(seconds=1))
    await office.run(agent, _answered, ref)
    assert (await office.read(CLOCK, _clock, ref, FIRST)).state is ClockState.MET
    clock.set(START + 72 * HOUR)
    await office.run(agent, tickets.resolve, ref, "reset")
    assert (await office.read(CLOCK, _clock, ref, RESOLUTION)).state is ClockState.BREACHED


async def test_a_sweep_that_slept_tells_the_breach_but_neither_old_warnings_nor_a_burst_of_chases(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    await office.run(ASSISTANT, _open)
    clock.set(START + 60 * HOUR)
    await _sweep(office)
    alerts = await office.read(CLOCK, board.open_alerts)
    assert Counter(alert.code for alert in alerts) == {
        "sla.breached.first_response": 1, "sla.warned.resolution": 1,
    }  # fmt: skip
    breach = dict(await office.read(CLOCK, _events))["breach"]
    assert breach == START + 24 * HOUR
    assert await _at(office, clock, START + 64 * HOUR) == ["chase1"]


async def test_a_new_priority_keeps_what_was_consumed_and_voids_the_old_timers(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    ref = (await office.run(ASSISTANT, _open)).ref
    clock.set(START + 2 * HOUR)
    await office.run(agent, tickets.set_priority, ref, Priority.HIGH)
    row = await office.read(CLOCK, _clock, ref, FIRST)
    assert (row.consumed_s, row.target_s, row.gen) == (7200, 4 * 3600, 2)
    assert row.due_at == START + 4 * HOUR
    assert await _at(office, clock, START + 4 * HOUR) == ["warn75", "warn90", "breach"]
    await office.run(agent, tickets.set_priority, ref, Priority.LOW)
    row = await office.read(CLOCK, _clock, ref, FIRST)
    assert row.breached_at == START + 4 * HOUR
    assert "breach" not in await _at(office, clock, START + 30 * HOUR)


async def test_raising_a_ticket_that_is_already_later_than_the_new_target_breaches_at_once(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    ref = (await office.run(ASSISTANT, _open)).ref
    clock.set(START + 10 * HOUR)
    await office.run(ASSISTANT, tickets.set_priority, ref, Priority.CRITICAL)
    await _sweep(office)
    codes = await _paged(office)
    assert sorted(codes) == ["sla.breached.first_response", "sla.breached.resolution"]
    chases = await _at(office, clock, START + HOUR * 10.25)
    assert chases == ["chase1", "chase1"]


async def test_raising_a_chased_ticket_quickens_the_chase(office: Office, agent: Actor, clock: JumpingClock) -> None:
    ref = (await office.run(ASSISTANT, _open)).ref
    await _at(office, clock, START + 24 * HOUR)
    await office.run(ASSISTANT, tickets.escalate, ref, Priority.HIGH, "reset", "red again", "an electrician")
    every = timedelta(seconds=CHASE_EVERY_S[Priority.HIGH])
    done = await _at(office, clock, START + 24 * HOUR + every)
    assert "chase1" in done


async def test_an_escalation_is_checked_within_the_new_response_time_unless_it_is_solved(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    open_one = (await office.run(ASSISTANT, _open)).ref
    solved = (await office.run(ASSISTANT, _open)).ref
    for ref in (open_one, solved):
        await office.run(agent, tickets.escalate, ref, Priority.HIGH, "reset", "red again", "an electrician")
        await office.run(agent, _answered, ref)
    await office.run(agent, tickets.resolve, solved, "replaced")
    assert "check1" not in await _at(office, clock, START + HOUR * 3.75)
    assert await _at(office, clock, START + 4 * HOUR) == ["check1"]
    assert await _paged(office) == ["sla.check_due"]


async def test_nothing_is_said_after_a_ticket_is_solved(office: Office, agent: Actor, clock: JumpingClock) -> None:
    ref = (await office.run(ASSISTANT, _open, Priority.CRITICAL)).ref
    await _at(office, clock, START + HOUR)
    await office.run(agent, tickets.resolve, ref, "reset")
    assert await _at(office, clock, START + 10 * HOUR) == []

    def armed(work: Work) -> list[str]:
        return list(work.session.scalars(select(SlaTimer.what).where(SlaTimer.state == "armed")))

    assert await office.read(CLOCK, armed) == []


async def test_a_clock_that_does_not_run_cannot_be_paused_nor_one_that_runs_resumed(
    office: Office, agent: Actor
) -> None:
    ref = (await office.run(ASSISTANT, _open)).ref
    with pytest.raises(Refusal):
        await office.run(agent, tickets.resume_clock, ref)
    await office.run(agent, tickets.pause_clock, ref, "waiting for a part")
    with pytest.raises(Refusal):
        await office.run(agent, tickets.pause_clock, ref, "waiting for a part")


async def test_a_paused_clock_neither_warns_nor_breaches(office: Office, agent: Actor, clock: JumpingClock) -> None:
    ref = (await office.run(ASSISTANT, _open)).ref
    await office.run(agent, _answered, ref)
    clock.set(START + 10 * HOUR)
    await office.run(agent, tickets.pause_clock, ref, "waiting for a part")
    assert await _at(office, clock, START + 200 * HOUR) == []
    await office.run(agent, tickets.resume_clock, ref)
    assert (await office.read(CLOCK, _clock, ref, RESOLUTION)).due_at == START + 262 * HOUR
    assert await _at(office, clock, START + 262 * HOUR) == ["warn50", "warn75", "warn90", "breach"]


@pytest.mark.parametrize("seed", range(3))
async def test_a_random_walk_of_pauses_agrees_with_a_recount_from_the_history(
    office: Office, agent: Actor, clock: JumpingClock, seed: int
) -> None:
    chance = random.Random(seed)
    ref = (await office.run(ASSISTANT, _open)).ref
    for _ in range(40):
        clock.set(clock.now() + timedelta(seconds=chance.choice([1, 59, 3600, 20_000])))
        await _sweep(office)
        verb = chance.choice(["pause", "resume", "priority", "none"])
        try:
            if verb == "pause":
                await office.run(agent, tickets.pause_clock, ref, "part")
            elif verb == "resume":
                await office.run(agent, tickets.resume_clock, ref)
            elif verb == "priority":
                await office.run(agent, tickets.set_priority, ref, chance.choice(list(Priority)))
        except Refusal:
            pass
        row, recount, breached_at = await office.read(CLOCK, _recounted, ref)
        running = row.running_since_at is not None
        ran = int((clock.now() - row.running_since_at).total_seconds()) if row.running_since_at else 0
        assert row.consumed_s + ran == recount
        assert (row.due_at is not None) is running
        if row.due_at is not None:
            assert row.due_at == clock.now() + timedelta(seconds=row.target_s - recount)
        assert row.breached_at == breached_at or (row.breached_at is None and row.due_at == breached_at)


def _recounted(work: Work, ref: str) -> tuple[SlaClock, int, datetime | None]:
    """The resolution clock; the seconds it ran and when it first was late, told from the ticket's history alone."""
    row = _clock(work, ref, RESOLUTION)
    events = work.session.scalars(
        select(TicketEvent).where(TicketEvent.ticket_id == row.ticket_id).order_by(TicketEvent.id)
    )
    total, since, priority = 0, row.started_at, Priority.NORMAL
    running, breached_at = True, None

    def run_to(at: datetime) -> None:
        nonlocal total, since, breached_at
        if running:
            due_at = since + timedelta(seconds=TARGET_S[RESOLUTION][priority] - total)
            if breached_at is None and due_at <= at:
                breached_at = due_at
            total += int((at - since).total_seconds())
        since = at

    for event in events:
        run_to(event.at)
        if event.kind == "paused":
            running = False
        elif event.kind == "resumed":
            running = True
        elif event.kind == "priority" and event.now is not None:
            priority = Priority(event.now)
    run_to(work.now)
    return row, total, breached_at


@pytest.mark.parametrize("sweepers", [2, 4])
async def test_a_thousand_due_timers_and_several_sweepers_fire_each_exactly_once(
    office: Office, clock: JumpingClock, sweepers: int
) -> None:
    def many(work: Work) -> None:
        for _ in range(250):
            _open(work, Priority.CRITICAL)

    await office.run(ASSISTANT, many)
    clock.set(START + HOUR)  # warn50, warn75, warn90 and breach of the first response
    fired: list[int] = []

    async def sweep() -> None:
        idle = 0
        while idle < 3:
            count = await office.run(CLOCK, sla.fire_due, 50)
            idle = 0 if count else idle + 1
            fired.append(count)

    await asyncio.gather(*(sweep() for _ in range(sweepers)))

    def look(work: Work) -> tuple[Counter[str], int, int]:
        events = Counter(what for what, _ in _events(work))
        pages = len(list(work.session.scalars(select(TeamAlert.id).where(TeamAlert.kind == "breach"))))
        left = len(
            list(
                work.session.scalars(select(SlaTimer.id).where(SlaTimer.state == "armed", SlaTimer.fire_at <= work.now))
            )
        )
        return events, pages, left

    events, pages, left = await office.read(CLOCK, look)
    assert sum(fired) == 1_000
    assert events == {"warn50": 250, "warn75": 250, "warn90": 250, "breach": 250}
    assert (pages, left) == (250, 0)


async def test_sweeping_beside_people_who_act_loses_no_breach_and_doubles_none(
    office: Office, agent: Actor, clock: JumpingClock
) -> None:
    refs = [(await office.run(ASSISTANT, _open, Priority.CRITICAL)).ref for _ in range(40)]
    clock.set(START + HOUR)

    async def answer(ref: str) -> None:
        await office.run(agent, _answered, ref)
        await office.run(agent, tickets.resolve, ref, "reset")

    async def sweep() -> None:
        for _ in range(15):
            await office.run(CLOCK, sla.fire_due, 20)

    await asyncio.gather(*(answer(ref) for ref in refs), sweep(), sweep())
    await _sweep(office)
    events = Counter(what for what, _ in await office.read(CLOCK, _events))
    assert events["breach"] == 40
    for ref in refs:
        row = await office.read(CLOCK, _clock, ref, FIRST)
        assert (row.state, row.breached_at) == (ClockState.BREACHED, START + HOUR)
