"""Reboots count by the boot; out of service means that every connector says so."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk import chargers, charging, runs
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, charger_actor
from models.charger import OrderKind, RunKind, RunResult
from models.errors import Refusal
from models.member import TeamAlert
from models.ports import StartReport
from tests.fakes.station import REJECTED
from tests.procedures.conftest import Bench

OUT = RunKind.TAKE_OUT_OF_SERVICE


@pytest.fixture
async def well(bench: Bench) -> Bench:
    """A charger without a fault."""
    bench.station.fault = None
    await bench.station.report(1)
    return bench


async def _session(bench: Bench) -> None:
    report = StartReport(5, 1, None, 0, bench.clock.now(), "s1")
    await bench.office.run(charger_actor("100001"), charging.started, "100001", report)


async def test_a_reboot_is_done_when_the_boot_was_seen(well: Bench) -> None:
    result, run = await well.outcome(RunKind.REBOOT)
    assert result is RunResult.REBOOTED
    assert run["facts"]["connectors"]["1"]["status"] == "Available"


@pytest.mark.parametrize(
    ("by_person", "args", "hard"), [(True, {}, True), (False, {}, False), (True, {"hard": False}, False)]
)
async def test_a_person_s_reboot_is_the_hard_one(
    well: Bench, by_person: bool, args: dict[str, bool], hard: bool
) -> None:
    await well.outcome(RunKind.REBOOT, actor=OPERATOR if by_person else ASSISTANT, args=args)
    assert well.station.sent(OrderKind.RESET)[0].args == {"hard": hard}


async def test_a_charger_that_comes_back_without_a_boot_is_unverified(well: Bench) -> None:
    well.station.boots = False
    result, _ = await well.outcome(RunKind.REBOOT)
    assert result is RunResult.UNVERIFIED


async def test_a_charger_that_says_no_has_refused(well: Bench) -> None:
    well.station.answers[OrderKind.RESET] = REJECTED
    result, run = await well.outcome(RunKind.REBOOT)
    assert (result, run["facts"]["reason"]) == (RunResult.REFUSED, "rejected")


async def test_a_reboot_that_is_ignored_says_so(well: Bench) -> None:
    well.station.leaves_on_reset = False
    result, _ = await well.outcome(RunKind.REBOOT)
    assert result is RunResult.RESET_IGNORED


async def test_a_charger_is_taken_out_and_only_a_member_puts_it_back(well: Bench) -> None:
    result, _ = await well.outcome(OUT, args={"why": "smoke"})
    assert result is RunResult.OUT_OF_SERVICE
    assert well.station.operative == {1: False}
    view = await well.office.read(OPERATOR, chargers.overview, "100001")
    assert (view["state"], view["out_of_service_why"]) == ("Unavailable", "smoke")
    with pytest.raises(Refusal) as refused:
        await well.office.run(ASSISTANT, chargers.restore_service, "100001")
    assert refused.value.code == "charger.only_a_member"
    await well.office.run(OPERATOR, chargers.restore_service, "100001")
    await well.passes(2)
    assert well.station.operative == {1: True}


async def test_a_running_session_is_ended_first(well: Bench) -> None:
    await _session(well)
    result, _ = await well.outcome(OUT)
    assert result is RunResult.OUT_OF_SERVICE
    assert [order.kind for order in well.station.calls] == [OrderKind.REMOTE_STOP, OrderKind.SET_AVAILABILITY]


async def test_a_charger_that_refuses_to_go_out_is_called_out_to_the_team(well: Bench) -> None:
    well.station.answers[OrderKind.SET_AVAILABILITY] = REJECTED
    result, _ = await well.outcome(OUT)
    assert result is RunResult.REFUSED

    def alerts(work: Work) -> list[tuple[str, bool]]:
        return [(row.code, row.urgent) for row in work.session.scalars(select(TeamAlert))]

    assert ("run.not_taken_out", True) in await well.office.read(OPERATOR, alerts)
    view = await well.office.read(OPERATOR, chargers.overview, "100001")
    assert view["out_of_service_since_at"] is None


async def test_a_charger_that_agrees_and_says_nothing_is_unverified(well: Bench) -> None:
    well.station.speaks = False
    result, _ = await well.outcome(OUT)
    assert result is RunResult.UNVERIFIED


async def test_a_danger_stops_a_remedy_and_takes_the_charger_out_instead(bench: Bench) -> None:
    healing = await bench.start()
    await bench.passes(0.5)
    same = await bench.start(OUT, args={"why": "smoke"})
    assert same == healing
    with pytest.raises(Refusal) as refused:
        await bench.start(OUT)
    assert refused.value.code == "run.already_running"
    assert (await bench.ended(healing))["result"] == "STOPPED"

    def latest(work: Work) -> int:
        return int(runs.page(work, "100001")[0]["id"])

    out = await bench.ended(await bench.office.read(OPERATOR, latest))
    assert (out["kind"], out["result"]) == ("take_out_of_service", "OUT_OF_SERVICE")
    await bench.passes(4)
    assert bench.station.operative == {1: False}
    assert bench.station.sent(OrderKind.RESET) == []
