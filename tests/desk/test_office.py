"""The office: one writer on SQLite, no lost updates on either engine, a failure hurts only its own item."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from desk import inbox
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.audit import Meta
from models.inbox import InboxItem, InboxRow


def _start(work: Work) -> None:
    work.session.add(Meta(key="n", value="0"))


def _increment(work: Work) -> None:
    row = work.lock(Meta, "n")
    assert row is not None
    row.value = str(int(row.value) + 1)


def _value(work: Work) -> str:
    return work.session.get_one(Meta, "n").value


def _row(n: int, lane: str = "web:site:a") -> InboxRow:
    return InboxRow("web", "site", f"m{n}", lane, {"text": f"hello {n}"})


async def test_ten_thousand_concurrent_increments_lose_none(office: Office) -> None:
    await office.run(ASSISTANT, _start)
    count = 10_000 if office.sqlite else 2_000
    for start in range(0, count, 1_000):
        await asyncio.gather(*(office.run(ASSISTANT, _increment) for _ in range(start, start + 1_000)))
    assert await office.read(ASSISTANT, _value) == str(count)


async def test_a_failing_verb_leaves_its_neighbours_alone(office: Office) -> None:
    await office.run(ASSISTANT, _start)

    def fail(work: Work) -> None:
        _increment(work)
        raise RuntimeError("no")

    results = await asyncio.gather(
        *(office.run(ASSISTANT, fail if n % 5 == 0 else _increment) for n in range(50)), return_exceptions=True
    )
    assert sum(isinstance(r, RuntimeError) for r in results) == 10
    assert await office.read(ASSISTANT, _value) == "40"


async def test_a_read_cannot_write(office: Office) -> None:
    def sneak(work: Work) -> None:
        _start(work)
        work.session.flush()

    with pytest.raises(Exception, match=r"(?i)read.?only"):
        await office.read(ASSISTANT, sneak)


async def test_a_repeat_is_stored_once_and_a_lane_keeps_its_order(office: Office) -> None:
    await asyncio.gather(*(office.put(_row(n % 20, f"web:site:{n % 4}")) for n in range(200)))

    def count(work: Work) -> int:
        return work.session.scalar(select(func.count()).select_from(InboxItem)) or 0

    assert await office.read(ASSISTANT, count) == 20
    seen: dict[str, list[int]] = {}
    while claimed := await office.run(ASSISTANT, inbox.claim, 10, "w1"):
        assert len({item.lane for item in claimed}) == len(claimed)
        for item in claimed:
            seen.setdefault(item.lane, []).append(item.id)
            await office.run(ASSISTANT, inbox.done, item.id)
    assert sum(len(set(ids)) for ids in seen.values()) == 20
    assert all(ids == sorted(ids) for ids in seen.values())


async def test_claimers_side_by_side_never_share_a_row(office: Office) -> None:
    for n in range(60):
        await office.put(_row(n, f"web:site:{n % 12}"))
    taken: list[int] = []
    in_flight: set[str] = set()

    async def work(owner: str) -> None:
        idle = 0
        while idle < 3:
            claimed = await office.run(ASSISTANT, inbox.claim, 3, owner)
            idle = 0 if claimed else idle + 1
            for item in claimed:
                assert item.lane not in in_flight
                in_flight.add(item.lane)
            await asyncio.sleep(0.001)
            for item in claimed:
                taken.append(item.id)
                in_flight.discard(item.lane)
                await office.run(ASSISTANT, inbox.done, item.id)

    await asyncio.gather(*(work(f"w{n}") for n in range(4)))
    assert len(taken) == len(set(taken)) == 60


async def test_one_bad_row_of_a_batch_does_not_sink_the_others(office: Office) -> None:
    bad = InboxRow("web", "site", "x\x00y" if not office.sqlite else "bad", "lane", {"n": float("nan")})
    results = await asyncio.gather(*(office.put(_row(n)) for n in range(10)), office.put(bad), return_exceptions=True)
    assert all(r is None for r in results[:10])


async def test_a_dead_letter_after_five_tries_frees_its_lane(office: Office) -> None:
    await office.put(_row(1))
    await office.put(_row(2))
    clock = office.clock
    for attempt in range(inbox.MAX_TRIES):
        [item] = await office.run(ASSISTANT, inbox.claim, 10, "w")
        assert item.external_id == "m1"
        assert await office.run(ASSISTANT, inbox.failed, item.id, "boom") is (attempt == inbox.MAX_TRIES - 1)
        clock.set(datetime(2026, 3, 2, 9, attempt, tzinfo=UTC))  # type: ignore[attr-defined]
    [item] = await office.run(ASSISTANT, inbox.claim, 10, "w")
    assert item.external_id == "m2"
