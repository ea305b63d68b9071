"""A worker dies while it starts or ends a charge or lets a cable go: nothing is ordered twice, nothing is claimed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from desk import charging, force_charge, remote_session, wallets
from desk.work import Work
from models.access import ASSISTANT, OPERATOR
from models.charger import ChargerState, Connector, OrderKind
from models.charging import Tariff
from models.contact import Contact
from models.force_charge import ForceCharge, ForceState
from models.money import Money
from models.ports import StartReport
from tests.fakes.station import LOST, REJECTED, TIMEOUT
from tests.procedures.conftest import Bench
from tests.procedures.test_crash import Mortal


def _seed(work: Work) -> None:
    work.session.add(Tariff(name="default", price_minor_per_kwh=10_000, currency="LKR", created_at=work.now))
    work.session.add(Contact(name="Nimal", username="nimal", created_at=work.now))
    work.session.flush()
    wallets.credit(work, amount=Money(100_000, "LKR"), note="", key="t", contact_id=1)
    connector = work.session.get_one(Connector, ("100001", 1))
    connector.status, connector.error_code = ChargerState.AVAILABLE, "NoError"


def _start(work: Work) -> int:
    run, _ = force_charge.start(
        work, "nimal", "100001", connector=1, limit_s=600, amount=None, report_to={"language": "en"}
    )  # fmt: skip
    return run.id


def _session(work: Work) -> None:
    tag = work.session.scalars(select(ForceCharge)).one().id_tag
    charging.started(work, "100001", StartReport(7, 1, tag, 0, work.now, "s7"))


def _row(work: Work) -> ForceCharge:
    return work.session.scalars(select(ForceCharge)).one()


@pytest.fixture
async def seeded(bench: Bench) -> Bench:
    bench.station.fault = None
    await bench.office.run(OPERATOR, _seed)
    return bench


async def _crash(bench: Bench, ask: Any, *args: Any, after: bool, **more: Any) -> int:
    """The worker dies at its first order, before or after that was sent; another takes over."""
    await bench.runner.stop()
    mortal = Mortal(bench, 1, after=after)
    mortal.runner = bench.new_runner("mortal", mortal)
    bench.work(mortal.runner)
    run_id: int = await bench.office.run(OPERATOR, ask, *args, **more)
    for _ in range(60):
        if mortal.died.is_set():
            break
        await bench.passes(0.5)
    assert mortal.died.is_set()
    await asyncio.gather(*bench.tasks, return_exceptions=True)
    bench.work(bench.new_runner("heir"))
    return run_id


async def test_a_charge_that_was_not_ordered_when_the_worker_died_is_never_ordered(seeded: Bench) -> None:
    run = await seeded.ended(await _crash(seeded, _start, after=False))
    assert (run["result"], run["facts"]["sent"]) == ("UNKNOWN", False)
    assert seeded.station.sent(OrderKind.REMOTE_START) == []


async def test_a_charge_that_was_ordered_is_not_ordered_again_and_not_claimed(seeded: Bench) -> None:
    run = await seeded.ended(await _crash(seeded, _start, after=True), 300)
    assert run["result"] == "UNKNOWN"
    assert len(seeded.station.sent(OrderKind.REMOTE_START)) == 1
    await seeded.office.run(ASSISTANT, force_charge.sweep)
    assert (await seeded.office.read(OPERATOR, _row)).state is ForceState.STARTING
    await seeded.office.run(ASSISTANT, _session)  # and the driver plugs in after all
    await seeded.office.run(ASSISTANT, force_charge.sweep)
    assert (await seeded.office.read(OPERATOR, _row)).state is ForceState.CHARGING


async def test_a_session_that_began_meanwhile_is_seen(seeded: Bench) -> None:
    run_id = await _crash(seeded, _start, after=True)
    await seeded.office.run(ASSISTANT, _session)
    run = await seeded.ended(run_id)
    assert run["result"] == "CHARGE_STARTED"
    assert (await seeded.office.read(OPERATOR, _row)).transaction_id == 7
    assert len(seeded.station.sent(OrderKind.REMOTE_START)) == 1


@pytest.mark.parametrize("answer", [TIMEOUT, LOST])
async def test_silence_is_no_start_and_no_failure(seeded: Bench, answer: Any) -> None:
    seeded.station.answers[OrderKind.REMOTE_START] = answer
    run = await seeded.ended(await seeded.office.run(OPERATOR, _start), 300)
    assert (run["result"], run["facts"]["reason"]) == ("UNKNOWN", "no_answer")
    assert len(seeded.station.sent(OrderKind.REMOTE_START)) == 1


async def test_nobody_plugs_in(seeded: Bench) -> None:
    run = await seeded.ended(await seeded.office.run(OPERATOR, _start), 300)
    assert (run["result"], run["facts"]["reason"]) == ("CHARGE_NOT_STARTED", "not_plugged_in")


async def test_somebody_elses_session_is_not_taken_for_it(seeded: Bench) -> None:
    run_id = await seeded.office.run(OPERATOR, _start)
    for _ in range(20):
        if seeded.station.sent(OrderKind.REMOTE_START):
            break
        await seeded.passes(0.5)
    await seeded.office.run(ASSISTANT, _stranger)
    run = await seeded.ended(run_id, 300)
    assert (run["result"], run["facts"]["reason"]) == ("CHARGE_NOT_STARTED", "another_session")
    assert (await seeded.office.read(OPERATOR, _row)).transaction_id is None


def _stranger(work: Work) -> None:
    charging.started(work, "100001", StartReport(9, 1, "STRANGER", 0, work.now, "s9"))


def _stop(work: Work) -> int:
    return remote_session.stop(work, "100001", None, {}).id


@pytest.mark.parametrize("after", [False, True])
async def test_an_end_is_told_as_it_is_seen(seeded: Bench, after: bool) -> None:
    await seeded.office.run(ASSISTANT, _stranger)
    run = await seeded.ended(await _crash(seeded, _stop, after=after), 300)
    assert run["result"] == ("CHARGE_ENDED" if after else "STILL_CHARGING")
    assert len(seeded.station.sent(OrderKind.REMOTE_STOP)) == int(after)


async def test_a_charger_that_refuses_to_end_it_is_said_to_charge_on(seeded: Bench) -> None:
    seeded.station.answers[OrderKind.REMOTE_STOP] = REJECTED
    await seeded.office.run(ASSISTANT, _stranger)
    run = await seeded.ended(await seeded.office.run(OPERATOR, _stop))
    assert (run["result"], run["facts"]["reason"]) == ("STILL_CHARGING", "rejected")


def _unlock(work: Work) -> int:
    return remote_session.unlock(work, "100001", 1, {}, despite_session=False).id


@pytest.mark.parametrize(("after", "result"), [(False, "UNKNOWN"), (True, "UNLOCK_FAILED")])
async def test_an_unlock_is_given_once_and_its_answer_kept(seeded: Bench, after: bool, result: str) -> None:
    run = await seeded.ended(await _crash(seeded, _unlock, after=after), 300)
    assert run["result"] == result  # the scripted charger says Accepted, which is no Unlocked
    assert len(seeded.station.sent(OrderKind.UNLOCK)) == int(after)
