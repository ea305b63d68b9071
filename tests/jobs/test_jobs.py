"""Jobs: a tick runs once however many nodes there are, errors are written down, the metronome starts and stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import tickets, ticks
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from jobs.beat import VirtualMetronome
from jobs.clock import Metronome
from jobs.job import Job
from jobs.table import JOBS
from jobs.tick import run_job
from models.access import ASSISTANT, CLOCK, OPERATOR, Role
from models.audit import JobTick, Meta
from models.member import Member, PendingAction
from models.reading import Category
from models.sla import SlaEvent
from models.ticket import Priority, Ticket, TicketStatus
from tests.clock import START, JumpingClock


@pytest.fixture
def neighbour(database_url: str, clock: JumpingClock, house: House) -> Iterator[Office]:
    """A second node on the same database."""
    office = Office(database_url, clock=clock, bus=LocalBus(), house=house)
    yield office
    office.close()


def _count_up(work: Work) -> int:
    row = work.session.get(Meta, "runs")
    if row is None:
        work.session.add(Meta(key="runs", value="1"))
    else:
        row.value = str(int(row.value) + 1)
    return 1


def _runs(work: Work) -> int:
    row = work.session.get(Meta, "runs")
    return int(row.value) if row else 0


def _tick(work: Work, name: str) -> JobTick:
    return work.session.get_one(JobTick, name)


async def test_two_nodes_run_a_tick_once(office: Office, neighbour: Office, clock: JumpingClock) -> None:
    job = Job("count", 60, _count_up)
    for round_ in range(1, 6):
        await asyncio.gather(*(run_job(node, job) for node in (office, neighbour) * 3))
        assert await office.read(CLOCK, _runs) == round_
        clock.set(clock.now() + timedelta(seconds=60))


async def test_nodes_that_beat_out_of_step_share_the_ticks(
    office: Office, neighbour: Office, clock: JumpingClock
) -> None:
    job = Job("count", 60, _count_up)
    for beat in range(20):
        await run_job(office if beat % 2 else neighbour, job)
        clock.set(clock.now() + timedelta(seconds=30))
    assert await office.read(CLOCK, _runs) == 10


async def test_an_error_is_written_down_and_the_next_tick_tries_again(
    office: Office, clock: JumpingClock, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True

    def verb(work: Work) -> int:
        _count_up(work)
        if broken:
            raise RuntimeError("no")
        return 7

    job = Job("frail", 60, verb)
    with caplog.at_level(logging.ERROR):
        await run_job(office, job)
        await run_job(office, job)
    assert "job frail failed" in caplog.text
    row = await office.read(CLOCK, _tick, "frail")
    assert (row.last_error, row.last_at, await office.read(CLOCK, _runs)) == ("RuntimeError: no", START, 0)
    broken = False
    clock.set(START + timedelta(seconds=60))
    await run_job(office, job)
    row = await office.read(CLOCK, _tick, "frail")
    assert (row.last_error, row.last_count) == (None, 7)


async def test_a_full_chunk_is_followed_by_the_next_at_once(office: Office) -> None:
    left = [10, 10, 4, 0]

    def verb(_work: Work) -> int:
        return left.pop(0)

    await run_job(office, Job("chunks", 60, verb, chunk=10))
    assert left == [0]


async def test_a_closed_office_stops_no_metronome(office: Office) -> None:
    office.close()
    await run_job(office, Job("count", 60, _count_up))


def _open(work: Work) -> Ticket:
    return tickets.open_ticket(work, category=Category.FAULT, summary="red", priority=Priority.CRITICAL)


async def test_the_whole_table_runs_and_time_does_what_it_should(office: Office, clock: JumpingClock) -> None:
    """A day and a week on the virtual metronome: breaches are recorded, quiet tickets close, old questions go."""
    breached = await office.run(ASSISTANT, _open)
    solved = await office.run(ASSISTANT, _open)
    await office.run(ASSISTANT, tickets.resolve, solved.ref, "reset")

    def ask(work: Work) -> None:
        member = Member(email="a@example.org", name="A", role=Role.ADMIN, created_at=work.now)
        work.session.add(member)
        work.session.flush()
        work.session.add(
            PendingAction(
                token="t", code="1234", member_id=member.id, door="api", text="/reboot 1", facts={},
                expires_at=work.now + timedelta(minutes=2), created_at=work.now,
            )
        )  # fmt: skip

    await office.run(OPERATOR, ask)
    beat = VirtualMetronome(JOBS, lambda job: run_job(office, job), clock, step_s=4 * 3600)
    beat.start()
    for _ in range(43):  # seven days and four hours
        await clock.fast_forward(hours=4)
        await beat.quiet()
    await beat.stop()

    def look(work: Work) -> tuple[list[str], TicketStatus, int, list[str | None]]:
        events = list(
            work.session.scalars(select(SlaEvent.what).where(SlaEvent.what == "breach").order_by(SlaEvent.id))
        )
        waiting = len(list(work.session.scalars(select(PendingAction.id))))
        errors = [row.last_error for row in ticks.last(work)]
        return events, work.session.get_one(Ticket, solved.id).status, waiting, errors

    events, status, waiting, errors = await office.read(CLOCK, look)
    assert events == ["breach", "breach"]
    assert status is TicketStatus.CLOSED
    assert waiting == 0
    assert errors == [None] * len(JOBS)
    facts = await office.read(CLOCK, lambda work: tickets.facts(work, tickets.get(work, breached.ref)))
    assert {each["state"] for each in facts["clocks"]} == {"breached"}


async def test_a_case_that_nobody_touched_for_two_days_is_pointed_at_once_in_two_days(
    office: Office, clock: JumpingClock
) -> None:
    from desk import cases

    await office.run(ASSISTANT, _open)
    clock.set(START + timedelta(hours=47))
    assert await office.run(CLOCK, cases.point_at_stale) == 0
    clock.set(START + timedelta(hours=48))
    assert await office.run(CLOCK, cases.point_at_stale) == 1
    assert await office.run(CLOCK, cases.point_at_stale) == 0
    clock.set(START + timedelta(hours=97))
    assert await office.run(CLOCK, cases.point_at_stale) == 1


def test_every_job_has_a_name_of_its_own_and_an_interval() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert all(job.every_s > 0 for job in JOBS)


async def test_the_metronome_beats_at_the_start_and_again_and_stops_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    beats: list[str] = []
    third = asyncio.Event()
    let_go = asyncio.Event()

    async def run(job: Job) -> None:
        beats.append(job.name)
        if beats.count("quick") >= 3:
            third.set()
        if job.name == "long":
            await let_go.wait()

    metronome = Metronome([Job("quick", 0.05, _runs), Job("long", 0.05, _runs)], run)
    metronome.start()
    async with asyncio.timeout(5):
        await third.wait()
    stopping = asyncio.create_task(metronome.stop())
    await asyncio.sleep(0.1)
    assert not stopping.done()  # what is under way may end
    let_go.set()
    await stopping
    count = len(beats)
    await asyncio.sleep(0.15)
    assert len(beats) == count
    assert caplog.text == ""
    await metronome.stop()


async def test_the_metronome_does_not_wait_for_ever(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.clock.STOP_S", 0.1)
    started = asyncio.Event()

    async def hang(_job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    metronome = Metronome([Job("stuck", 60, _runs)], hang)
    metronome.start()
    async with asyncio.timeout(2):
        await started.wait()
        await metronome.stop()
    assert caplog.text == ""


async def test_a_metronome_that_never_started_stops() -> None:
    await Metronome([], lambda job: asyncio.sleep(0)).stop()
