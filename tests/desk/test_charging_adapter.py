"""The central system's questions: who may connect, which tag may charge, which number is free."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.wiring.charging import ChargingAdapter
from desk import chargers, tags
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR
from models.charger import Charger
from models.charging import TagStatus
from models.errors import Unavailable
from models.member import TeamAlert
from models.ports import BootReport, StartReport, StopReport
from tests.clock import START, JumpingClock

PASSWORD = b"sixteen or more characters"


@pytest.fixture
async def adapter(office: Office, clock: JumpingClock) -> ChargingAdapter:
    def seed(work: Work) -> None:
        chargers.add(work, "100001", password=PASSWORD.decode())
        chargers.add(work, "100002")
        tags.add(work, "TAG-1")

    await office.run(OPERATOR, seed)
    return ChargingAdapter(office, clock)


@pytest.mark.parametrize(
    ("charger_id", "password", "profile", "admitted"),
    [
        ("100001", PASSWORD, 1, True),
        ("100001", b"another", 1, False),
        ("100001", None, 1, False),
        ("100001", None, 0, False),
        ("100001", None, 3, True),
        ("100002", None, 0, True),
        ("100002", PASSWORD, 1, False),
        ("999999", PASSWORD, 1, False),
        ("999999", None, 0, False),
        ("999999", None, 3, False),
        ("../etc", PASSWORD, 1, False),
    ],
)
async def test_who_may_connect(
    adapter: ChargingAdapter, charger_id: str, password: bytes | None, profile: int, admitted: bool
) -> None:
    assert await adapter.admit(charger_id, password, profile) is admitted


async def test_a_storm_of_reconnects_hashes_once_and_a_new_password_counts_at_once(
    adapter: ChargingAdapter, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[bytes] = []
    real = chargers.password_fits

    def counting(stored: str, given: bytes) -> bool:
        hashed.append(given)
        return real(stored, given)

    monkeypatch.setattr(chargers, "password_fits", counting)
    storm = await asyncio.gather(*(adapter.admit("100001", PASSWORD, 1) for _ in range(50)))
    assert all(storm)
    assert [await adapter.admit("100001", b"wrong", 1) for _ in range(5)] == [False] * 5
    assert hashed == [PASSWORD, b"wrong"]
    await office.run(OPERATOR, chargers.set_password, "100001", "a quite different password")
    assert await adapter.admit("100001", PASSWORD, 1) is False
    assert await adapter.admit("100001", b"a quite different password", 1) is True


async def test_an_unknown_charger_is_registered_where_that_is_wanted(office: Office, clock: JumpingClock) -> None:
    adapter = ChargingAdapter(office, clock, unknown_chargers="register")
    assert await adapter.admit("200001", None, 1) is False
    assert await adapter.admit("no good id", PASSWORD, 1) is False
    assert await adapter.admit("200001", PASSWORD, 1) is True
    assert await adapter.admit("200001", b"somebody else's", 1) is False
    assert await adapter.admit("200002", None, 0) is True

    def known(work: Work) -> tuple[list[str], list[str]]:
        ids = list(work.session.scalars(select(Charger.id).order_by(Charger.id)))
        return ids, list(work.session.scalars(select(TeamAlert.code)))

    assert await office.read(OPERATOR, known) == (["200001", "200002"], ["charger.registered"] * 2)


async def test_a_verdict_is_remembered_for_some_seconds_unless_the_tag_changes(
    adapter: ChargingAdapter, office: Office, clock: JumpingClock
) -> None:
    def quietly(work: Work, status: TagStatus) -> None:
        tag = tags.find(work, "tag-1")
        assert tag is not None
        tag.status = status

    assert (await adapter.verdict("100001", "tag-1")).status == "Accepted"
    await office.run(OPERATOR, quietly, TagStatus.BLOCKED)
    assert (await adapter.verdict("100001", "TAG-1")).status == "Accepted"
    clock.set(START + timedelta(seconds=6))
    assert (await adapter.verdict("100001", "TAG-1")).status == "Blocked"
    await office.run(OPERATOR, tags.set_status, "tag-1", TagStatus.ACTIVE)
    async with asyncio.timeout(15):
        while (await adapter.verdict("100001", "TAG-1")).status != "Accepted":
            await asyncio.sleep(0.01)


async def test_a_session_under_way_counts_against_its_tag_at_once(adapter: ChargingAdapter) -> None:
    assert (await adapter.verdict("100001", "tag-1")).status == "Accepted"
    number = await adapter.next_transaction_id()
    given, verdict = await adapter.started("100001", StartReport(number, 1, "tag-1", 0, START, "k"))
    assert (given, verdict.status) == (number, "Accepted")
    assert (await adapter.verdict("100001", "tag-1")).status == "ConcurrentTx"
    await adapter.stopped("100001", StopReport(number, None, 100, START))
    assert (await adapter.verdict("100001", "tag-1")).status == "Accepted"


async def test_numbers_are_given_once_to_everybody_and_never_zero(
    adapter: ChargingAdapter, office: Office, clock: JumpingClock
) -> None:
    other = ChargingAdapter(office, clock)
    numbers = await asyncio.gather(*((adapter if n % 2 else other).next_transaction_id() for n in range(500)))
    assert len(set(numbers)) == 500
    assert 0 < min(numbers) < max(numbers) < 2**31


async def test_numbers_in_hand_outlast_an_absent_database(
    adapter: ChargingAdapter, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await adapter.next_transaction_id()

    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("away")

    monkeypatch.setattr(office, "run", away)
    numbers = [await adapter.next_transaction_id() for _ in range(99)]
    assert len(set(numbers)) == 99
    with pytest.raises(Unavailable):
        await adapter.next_transaction_id()
    monkeypatch.undo()
    assert await adapter.next_transaction_id() not in numbers


async def test_a_boot_says_how_often_the_charger_shall_be_heard(office: Office, clock: JumpingClock) -> None:
    adapter = ChargingAdapter(office, clock, heartbeat_interval_s=42)
    await office.run(OPERATOR, chargers.add, "100009")
    epoch = await adapter.connected("100009", "2.0.1", START)
    await adapter.booted("100009", BootReport("V", "M", firmware="9"), START)
    charger = await office.read(OPERATOR, chargers.get, "100009")
    assert (charger.heartbeat_interval_s, charger.firmware, charger.epoch, charger.node) == (
        42, "9", epoch, office.house.node,
    )  # fmt: skip
