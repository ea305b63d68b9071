"""Sessions: counted once, priced once, paid once, whatever repeats, comes late or never."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from desk import charger_state, charging, tags, wallets
from desk.charging import sessions
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Actor, ActorKind, Role, charger_actor
from models.charger import Charger, ChargerState, CurrentType, Fleet
from models.charging import ChargingTransaction, MeterSample, TagStatus, Tariff
from models.contact import Contact
from models.errors import NotAllowed
from models.member import TeamAlert
from models.money import Money
from models.ports import MeterReport, StartReport, StatusReport, StopReport
from models.wallet import Wallet, WalletEntry
from tests.clock import START, JumpingClock

CHARGER = charger_actor("100001")


def _seed(work: Work) -> None:
    work.session.add(Tariff(name="default", price_minor_per_kwh=8550, currency="LKR", created_at=work.now))
    work.session.add(Charger(id="100001", current_type=CurrentType.DC, created_at=work.now))
    work.session.add(Contact(id=1, name="Nimal", account_active=True, created_at=work.now))
    work.session.flush()
    tags.add(work, "tag-nimal", contact_id=1)
    wallets.credit(work, amount=Money(500_000, "LKR"), note="", key="first", contact_id=1)


@pytest.fixture
async def ready(office: Office) -> Office:
    await office.run(OPERATOR, _seed)
    return office


def _start(number: int = 7, **changes: Any) -> StartReport:
    values: dict[str, Any] = {
        "transaction_id": number, "connector": 1, "id_tag": "Tag-Nimal", "meter_start_wh": 1_000,
        "started_at": START, "dedupe_key": "1:TAG-NIMAL:a:1000:",
    } | changes  # fmt: skip
    return StartReport(**values)


def _stop(number: int | None = 7, meter: int | None = 11_000, **changes: Any) -> StopReport:
    values: dict[str, Any] = {"remote_id": None, "stopped_at": START + timedelta(hours=1), "reason": "Local"} | changes
    return StopReport(transaction_id=number, meter_stop_wh=meter, **values)


def _meter(at: datetime, energy_wh: int | None, number: int | None = 7, **changes: Any) -> MeterReport:
    values: dict[str, Any] = {"remote_id": None, "connector": 1} | changes
    return MeterReport(transaction_id=number, at=at, energy_wh=energy_wh, **values)


def _all(work: Work) -> list[ChargingTransaction]:
    return list(work.session.scalars(select(ChargingTransaction).order_by(ChargingTransaction.id)))


def _balance(work: Work) -> int:
    wallet = wallets.of_contact(work, 1)
    assert wallet is not None
    return wallet.balance_minor


async def test_a_repeated_start_gets_the_number_of_the_first(ready: Office) -> None:
    first = await ready.run(CHARGER, charging.started, "100001", _start(7))
    again = await ready.run(CHARGER, charging.started, "100001", _start(8))
    assert first[0] == again[0] == 7
    assert first[1].status == again[1].status == "Accepted"
    assert len(await ready.read(OPERATOR, _all)) == 1


async def test_a_stop_is_priced_rounded_once_and_paid_once(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start(meter_start_wh=0))
    for _ in range(3):
        ended = await ready.run(CHARGER, charging.stopped, "100001", _stop(meter=12_345))
    assert ended.amount_minor == 105_550  # 12.345 kWh at 85.50 is 1055.4975
    assert await ready.read(OPERATOR, _balance) == 500_000 - 105_550


async def test_two_starts_with_one_number_are_two_sessions(ready: Office) -> None:
    await ready.run(CHARGER, charging.reserve_numbers)
    await ready.run(CHARGER, charging.started, "100001", _start(7))
    number, _ = await ready.run(CHARGER, charging.started, "100001", _start(7, connector=2, dedupe_key="other"))
    assert number != 7
    assert [row.connector for row in await ready.read(OPERATOR, _all)] == [1, 2]


async def test_energy_is_never_negative_and_the_meter_is_flagged(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start(meter_start_wh=9_000))
    ended = await ready.run(CHARGER, charging.stopped, "100001", _stop(meter=40))
    assert (ended.energy_wh, ended.amount_minor, ended.meter_error) == (0, 0, True)
    assert await ready.read(OPERATOR, _balance) == 500_000
    codes = await ready.read(OPERATOR, lambda work: list(work.session.scalars(select(TeamAlert.code))))
    assert codes == ["session.meter_error"]


async def test_readings_count_once_and_late_ones_do_not_turn_the_register_back(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start())
    readings = [_meter(START + timedelta(minutes=n), 1_000 + n * 500, power_w=30_000) for n in (1, 2, 4)]
    assert await ready.run(CHARGER, charging.metered, "100001", readings) == 3
    assert await ready.run(CHARGER, charging.metered, "100001", readings) == 0
    assert await ready.run(CHARGER, charging.metered, "100001", [_meter(START + timedelta(minutes=3), 2_500)]) == 1
    (row,) = await ready.read(OPERATOR, _all)
    assert (row.energy_wh, row.power_w, row.meter_error) == (2_000, 30_000, False)


async def test_a_reading_with_a_number_never_given_goes_to_the_session_at_its_connector(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start())
    stray = [_meter(START, 3_000, number=999), _meter(START, 3_000, number=None, connector=5)]
    assert await ready.run(CHARGER, charging.metered, "100001", stray) == 1
    (row,) = await ready.read(OPERATOR, _all)
    assert row.energy_wh == 2_000


async def test_a_stop_that_nobody_began_is_kept_once_and_costs_nobody_anything(ready: Office) -> None:
    for _ in range(2):
        await ready.run(CHARGER, charging.stopped, "100001", _stop(4242))
    (row,) = await ready.read(OPERATOR, _all)
    assert (row.stop_reason, row.energy_wh, row.amount_minor) == ("Orphan", 0, None)
    assert row.id != 4242, "a number that was never given is not taken over"
    assert await ready.read(OPERATOR, _balance) == 500_000


async def test_a_start_that_comes_after_its_stop_is_joined_to_it(ready: Office) -> None:
    await ready.run(CHARGER, charging.stopped, "100001", _stop(None, 11_000, remote_id="tx-a", seq=3))
    number, _ = await ready.run(
        CHARGER, charging.started, "100001", _start(remote_id="tx-a", dedupe_key="2.0.1:tx-a", seq=0)
    )
    (row,) = await ready.read(OPERATOR, _all)
    assert (row.id, row.energy_wh, row.amount_minor, row.stop_reason) == (number, 10_000, 85_500, "Local")
    assert await ready.read(OPERATOR, _balance) == 500_000 - 85_500


async def test_a_session_named_by_the_charger_is_found_by_that_name(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start(remote_id="tx-b", dedupe_key="2.0.1:tx-b", seq=0))
    reading = _meter(START + timedelta(minutes=1), 2_000, number=None, remote_id="tx-b", connector=9, seq=1)
    assert await ready.run(CHARGER, charging.metered, "100001", [reading]) == 1
    await ready.run(CHARGER, charging.stopped, "100001", _stop(None, None, remote_id="tx-b", seq=2))
    (row,) = await ready.read(OPERATOR, _all)
    assert (row.last_seq, row.energy_wh) == (2, 1_000)


async def test_a_session_whose_end_was_never_told_ends_when_the_next_one_begins(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start())
    await ready.run(CHARGER, charging.metered, "100001", [_meter(START + timedelta(minutes=1), 3_000)])
    later = START + timedelta(hours=2)
    await ready.run(CHARGER, charging.started, "100001", _start(8, dedupe_key="next", started_at=later))
    old, new = await ready.read(OPERATOR, _all)
    assert (old.stop_reason, old.energy_wh, old.amount_minor) == ("Superseded", 2_000, 17_100)
    assert new.stopped_at is None


async def test_an_unknown_tag_is_refused_and_its_session_is_kept(ready: Office) -> None:
    number, verdict = await ready.run(CHARGER, charging.started, "100001", _start(id_tag="NOBODY"))
    assert verdict.status == "Invalid"
    ended = await ready.run(CHARGER, charging.stopped, "100001", _stop(number))
    assert (ended.amount_minor, ended.contact_id) == (85_500, None)


async def test_the_fleet_pays_for_its_drivers(ready: Office) -> None:
    def join(work: Work) -> None:
        work.session.add(Fleet(id=3, name="Ceylon Cabs"))
        work.session.get_one(Contact, 1).fleet_id = 3
        work.session.flush()
        wallets.credit(work, amount=Money(100_000, "LKR"), note="", key="fleet", fleet_id=3)

    await ready.run(OPERATOR, join)
    await ready.run(CHARGER, charging.started, "100001", _start())
    await ready.run(CHARGER, charging.stopped, "100001", _stop())
    facts = await ready.read(OPERATOR, wallets.balance, 1)
    assert (facts.wallet, facts.fleet) == (Money(500_000, "LKR"), Money(14_500, "LKR"))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"blocked": True}, "Blocked"),
        ({"expired": True}, "Expired"),
        ({"inactive": True}, "Blocked"),
        ({"debt": True}, "Blocked"),
        ({"elsewhere": True}, "ConcurrentTx"),
        ({}, "Accepted"),
    ],
)
async def test_verdicts_on_a_tag(ready: Office, change: dict[str, bool], status: str) -> None:
    def alter(work: Work) -> None:
        tag = tags.find(work, "TAG-NIMAL")
        assert tag is not None
        if change.get("blocked"):
            tags.set_status(work, "tag-nimal", TagStatus.BLOCKED)
        if change.get("expired"):
            tag.expires_at = work.now - timedelta(seconds=1)
        if change.get("inactive"):
            work.session.get_one(Contact, 1).account_active = False
        if change.get("debt"):
            wallets.credit(work, amount=Money(-500_001, "LKR"), note="", key="debt", contact_id=1)
        if change.get("elsewhere"):
            charging.started(work, "100001", _start())

    await ready.run(OPERATOR, alter)
    assert (await ready.read(CHARGER, tags.verdict, "tag-NIMAL")).status == status
    assert (await ready.read(CHARGER, tags.verdict, "nobody's")).status == "Invalid"


async def test_the_ledger_adds_up_to_the_balance_whatever_happens_at_once(ready: Office) -> None:
    """Every entry once, the balance their sum: with repeats, both signs, and all at the same time."""
    sums = [(n % 23, (1 if n % 3 else -1) * (n % 7 + 1) * 137) for n in range(120)]
    await asyncio.gather(
        *(
            ready.run(OPERATOR, wallets.credit, amount=Money(minor, "LKR"), note="", key=f"k{key}", contact_id=1)
            for key, minor in sums
        )
    )

    def check(work: Work) -> tuple[int, int, int, int]:
        wallet = wallets.of_contact(work, 1)
        assert wallet is not None
        total, count = work.session.execute(select(func.sum(WalletEntry.amount_minor), func.count())).one()
        last = work.session.scalars(select(WalletEntry).order_by(WalletEntry.id.desc())).first()
        assert last is not None
        return wallet.balance_minor, int(total), count, last.balance_after_minor

    balance, total, count, after = await ready.read(OPERATOR, check)
    assert balance == total == after
    assert count == 1 + 23


async def test_numbers_are_never_given_twice(ready: Office) -> None:
    blocks = await asyncio.gather(*(ready.run(CHARGER, charging.reserve_numbers) for _ in range(12)))
    numbers = [number for block in blocks for number in block]
    assert len(set(numbers)) == 1_200
    assert min(numbers) == 1


async def test_sessions_are_shown_with_customer_energy_and_elapsed_time(ready: Office, clock: JumpingClock) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start())
    await ready.run(CHARGER, charging.metered, "100001", [_meter(START + timedelta(minutes=1), 13_340)])
    clock.set(START + timedelta(minutes=20))
    (shown,) = await ready.read(ASSISTANT, sessions, charger_id="100001", active_only=True)
    assert (shown["customer"], shown["kwh"], shown["elapsed_s"]) == ("Nimal", "12.34", 1200)
    assert shown["amount"] == {"minor": 105_507, "currency": "LKR"}
    assert await ready.read(ASSISTANT, sessions, contact_id=99) == []
    cpo = Actor(ActorKind.MEMBER, "1", "Owner", role=Role.CPO)
    with pytest.raises(NotAllowed):
        await ready.read(cpo, sessions, charger_id="100001")


async def test_samples_are_kept(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start())
    await ready.run(CHARGER, charging.metered, "100001", [_meter(START, 2_000, soc_percent=55)])

    def samples(work: Work) -> list[tuple[int | None, int | None]]:
        return [(row.energy_wh, row.soc_percent) for row in work.session.scalars(select(MeterSample))]

    assert await ready.read(OPERATOR, samples) == [(2_000, 55)]


async def test_a_driver_without_a_wallet_owes(ready: Office) -> None:
    def add(work: Work) -> None:
        work.session.add(Contact(id=2, name="Ana", account_active=True, created_at=work.now))
        work.session.flush()
        tags.add(work, "ANA", contact_id=2)

    await ready.run(OPERATOR, add)
    await ready.run(CHARGER, charging.started, "100001", _start(id_tag="ana"))
    await ready.run(CHARGER, charging.stopped, "100001", _stop())

    def owed(work: Work) -> int | None:
        return work.session.scalar(select(Wallet.balance_minor).where(Wallet.contact_id == 2))

    assert await ready.read(OPERATOR, owed) == -85_500
    assert (await ready.read(CHARGER, tags.verdict, "ANA")).status == "Blocked"


async def test_a_register_out_of_this_world_is_kept_within_bounds_and_charges_nobody(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start(meter_start_wh=0))
    wild = [_meter(START + timedelta(minutes=1), 2**45, power_w=2**45, soc_percent=2**40)]
    await ready.run(CHARGER, charging.metered, "100001", wild)
    ended = await ready.run(CHARGER, charging.stopped, "100001", _stop(meter=2**50))
    assert (ended.amount_minor, ended.meter_error) == (None, True)
    assert await ready.read(OPERATOR, _balance) == 500_000


async def test_a_second_stop_that_says_otherwise_changes_nothing(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start())
    first = await ready.run(CHARGER, charging.stopped, "100001", _stop(meter=11_000))
    again = await ready.run(CHARGER, charging.stopped, "100001", _stop(meter=99_000, reason="PowerLoss"))
    assert (again.energy_wh, again.amount_minor, again.stop_reason) == (10_000, first.amount_minor, "Local")
    assert await ready.read(OPERATOR, _balance) == 500_000 - 85_500


async def test_the_charger_s_own_word_corrects_an_end_that_was_guessed_once(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start())
    await ready.run(CHARGER, charging.metered, "100001", [_meter(START + timedelta(minutes=1), 3_000)])
    later = START + timedelta(hours=2)
    await ready.run(CHARGER, charging.started, "100001", _start(8, dedupe_key="next", started_at=later))
    assert await ready.read(OPERATOR, _balance) == 500_000 - 17_100
    for meter in (11_000, 12_000):
        await ready.run(CHARGER, charging.stopped, "100001", _stop(7, meter))
    assert await ready.read(OPERATOR, _balance) == 500_000 - 85_500
    old, _ = await ready.read(OPERATOR, _all)
    assert (old.stop_reason, old.amount_minor) == ("Local", 85_500)


async def test_a_free_connector_has_no_session_after_ten_quiet_minutes(ready: Office, clock: JumpingClock) -> None:
    await ready.run(CHARGER, charging.started, "100001", _start())

    async def says(minutes: int, state: ChargerState) -> int:
        at = START + timedelta(minutes=minutes)
        clock.set(at)
        await ready.run(CHARGER, charger_state.reported, "100001", StatusReport(1, state), at)
        return len(await ready.read(ASSISTANT, sessions, charger_id="100001", active_only=True))

    assert await says(5, ChargerState.AVAILABLE) == 1
    assert await says(30, ChargerState.CHARGING) == 1
    assert await says(31, ChargerState.AVAILABLE) == 0
    (row,) = await ready.read(OPERATOR, _all)
    assert (row.stop_reason, row.stopped_at) == ("Vanished", START)
