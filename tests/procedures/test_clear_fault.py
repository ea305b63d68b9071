"""Clearing a fault: every gate and every result, and never a better word than what was seen."""

from __future__ import annotations

import asyncio

import pytest

from desk import charger_state, chargers, charging, runs
from desk.work import Work
from models.access import OPERATOR, charger_actor
from models.charger import Connector, OrderKind, RunResult
from models.incident import Incident
from models.ports import StartReport
from tests.fakes.station import ERROR, LOST, REJECTED, SCHEDULED, earlier
from tests.procedures.conftest import Bench


def _kinds(bench: Bench) -> list[str]:
    return [order.kind.value for order in bench.station.calls]


async def _session(bench: Bench, connector: int) -> None:
    report = StartReport(5, connector, None, 0, bench.clock.now(), f"s{connector}")
    await bench.office.run(charger_actor("100001"), charging.started, "100001", report)


async def test_a_fault_that_went_meanwhile_is_already_clear(bench: Bench) -> None:
    bench.station.cleared_by = frozenset({"trigger"})
    result, run = await bench.outcome()
    assert result is RunResult.ALREADY_CLEAR
    assert _kinds(bench) == ["trigger_status"]
    assert run["facts"]["state"] == "Available"


async def test_the_availability_cycle_clears_a_transient_fault(bench: Bench) -> None:
    bench.station.cleared_by = frozenset({"cycle"})
    result, run = await bench.outcome()
    assert result is RunResult.CLEARED
    assert run["facts"]["step"] == "availability"
    assert _kinds(bench) == ["trigger_status", "set_availability", "set_availability"]
    assert bench.station.operative == {1: True}
    steps = [(step["step"], step["outcome"]) for step in run["steps"]]
    assert ("inoperative", "Accepted") in steps
    assert ("verify", "clear") in steps
    assert all(step["at"] for step in run["steps"])


async def test_a_soft_reset_clears_what_the_cycle_does_not(bench: Bench) -> None:
    bench.station.cleared_by = frozenset({"reset"})
    result, run = await bench.outcome()
    assert (result, run["facts"]["step"]) == (RunResult.CLEARED, "reset")
    assert [order.args for order in bench.station.sent(OrderKind.RESET)] == [{"hard": False}]


async def test_a_reset_whose_socket_goes_before_the_answer_counts_as_accepted(bench: Bench) -> None:
    station = bench.station
    station.answers[OrderKind.RESET] = LOST
    run_id = await bench.start()
    while not station.sent(OrderKind.RESET):
        await bench.passes(0.5)
    station.fault = None
    await station.arrive()
    assert (await bench.ended(run_id))["result"] == "CLEARED"


async def test_a_hard_fault_stays_a_fault(bench: Bench) -> None:
    result, run = await bench.outcome()
    assert (result, run["facts"]["error_code"]) == (RunResult.STILL_FAULTED, "InternalError")
    assert bench.station.operative == {1: True}
    assert len(bench.station.sent(OrderKind.RESET)) == 1


async def test_a_fault_that_returns_at_once_was_not_cleared(bench: Bench) -> None:
    bench.station.cleared_by = frozenset({"cycle", "reset"})
    bench.station.returns_s = 1
    result, _ = await bench.outcome()
    assert result is RunResult.CLEARED_UNSTABLE


async def test_accepted_alone_is_not_success(bench: Bench) -> None:
    bench.station.cleared_by = frozenset({"cycle"})
    bench.station.speaks = False
    bench.station.answers[OrderKind.RESET] = REJECTED
    run_id = await bench.start()
    while not bench.station.sent(OrderKind.TRIGGER_STATUS):
        await bench.passes(0.5)
    await bench.passes(0.5)
    bench.station.speaks_on_trigger = False
    assert (await bench.ended(run_id))["result"] == "UNVERIFIED"


async def test_a_silent_charger_is_nudged_once_and_then_believed(bench: Bench) -> None:
    bench.station.cleared_by = frozenset({"cycle"})
    bench.station.speaks = False
    result, run = await bench.outcome()
    assert result is RunResult.CLEARED
    assert [step["step"] for step in run["steps"]].count("nudge") == 1


async def test_a_status_out_of_the_queue_proves_nothing(bench: Bench) -> None:
    """After the reset the charger sends an Available stamped long ago; asked, it tells of the fault it has."""
    bench.station.cleared_by = frozenset({"reset"})
    run_id = await bench.start()
    while not bench.station.sent(OrderKind.RESET):
        await bench.passes(0.5)
    bench.station.stamp = earlier(120)
    bench.station.speaks_on_trigger = False
    assert (await bench.ended(run_id))["result"] == "UNVERIFIED"


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
async def test_a_charger_whose_clock_is_wrong_is_understood(bench: Bench, ahead_s: float) -> None:
    bench.station.stamp = earlier(-ahead_s)
    for _ in range(14):  # it has been heard for a while
        await bench.station.report(1)
    bench.station.cleared_by = frozenset({"reset"})
    result, _ = await bench.outcome()
    assert result is RunResult.CLEARED


async def test_a_charger_that_is_away_is_refused_and_one_that_goes_before_anything_is_not_connected(
    bench: Bench,
) -> None:
    await bench.runner.stop()
    run_id = await bench.start()
    await bench.station.leave()
    bench.work(bench.new_runner("second"))
    run = await bench.ended(run_id)
    assert run["result"] == "NOT_CONNECTED"
    assert bench.station.calls == []


async def test_a_reset_that_is_only_accepted_is_ignored(bench: Bench) -> None:
    bench.station.leaves_on_reset = False
    result, _ = await bench.outcome()
    assert result is RunResult.RESET_IGNORED


async def test_a_charger_that_does_not_come_back_is_not_back_online(bench: Bench) -> None:
    bench.station.returns_from_reset = False
    result, _ = await bench.outcome()
    assert result is RunResult.NOT_BACK_ONLINE


async def test_a_socket_lost_in_the_middle_is_unknown_and_the_connector_is_put_back_later(bench: Bench) -> None:
    station = bench.station
    station.answers[OrderKind.SET_AVAILABILITY] = LOST
    result, _ = await bench.outcome()
    assert result is RunResult.UNKNOWN
    station.operative = {1: False}  # it had taken the order after all
    del station.answers[OrderKind.SET_AVAILABILITY]
    await station.arrive()
    await bench.passes(4)
    assert station.operative == {1: True}
    assert [order.args["operative"] for order in station.sent(OrderKind.SET_AVAILABILITY)].count(False) == 1


@pytest.mark.parametrize(
    ("error", "vendor"), [("GroundFailure", None), ("InternalError", "RCD trip"), ("HighTemperature", None)]
)
async def test_a_safety_fault_seen_on_the_way_is_never_touched(bench: Bench, error: str, vendor: str | None) -> None:
    run_id = await bench.start()
    bench.station.fault, bench.station.vendor_error = error, vendor
    run = await bench.ended(run_id)
    assert (run["result"], run["facts"]["reason"]) == ("REFUSED", "safety")
    assert set(_kinds(bench)) == {"trigger_status"}


async def test_a_session_that_begins_on_the_way_is_left_alone(bench: Bench) -> None:
    await bench.runner.stop()
    run_id = await bench.start()
    await _session(bench, 1)
    bench.work(bench.new_runner("second"))
    run = await bench.ended(run_id)
    assert (run["result"], run["facts"]["reason"]) == ("REFUSED", "in_session")


async def test_a_session_on_another_connector_forbids_the_reset_but_not_the_cycle(bench: Bench) -> None:
    await _session(bench, 2)
    result, run = await bench.outcome()
    assert result is RunResult.STILL_FAULTED
    assert run["facts"]["reset"] == "in_session"
    assert bench.station.sent(OrderKind.RESET) == []
    assert len(bench.station.sent(OrderKind.SET_AVAILABILITY)) == 2


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        ("WeakSignal", {"trigger_status"}),
        ("SomethingNew", {"trigger_status"}),
        ("ConnectorLockFailure", {"trigger_status", "unlock_connector", "unlock"}),
        ("OverVoltage", {"trigger_status"}),
    ],
)
async def test_each_class_of_error_has_its_own_remedies(bench: Bench, error: str, kinds: set[str]) -> None:
    bench.station.fault = error
    await bench.station.report(1)
    result, _ = await bench.outcome()
    assert result is RunResult.STILL_FAULTED
    assert set(_kinds(bench)) <= kinds


async def test_an_unlocked_connector_is_verified(bench: Bench) -> None:
    bench.station.fault = "ConnectorLockFailure"
    bench.station.cleared_by = frozenset({"unlock"})
    await bench.station.report(1)
    result, run = await bench.outcome()
    assert (result, run["facts"]["step"]) == (RunResult.CLEARED, "unlock")


async def test_a_fault_of_the_grid_is_waited_for(bench: Bench) -> None:
    bench.station.fault = "UnderVoltage"
    await bench.station.report(1)
    run_id = await bench.start()
    await bench.passes(2)
    bench.station.fault = None
    await bench.station.report(1)
    assert (await bench.ended(run_id))["result"] == "CLEARED"


@pytest.mark.parametrize("answer", [REJECTED, ERROR])
async def test_a_charger_that_refuses_the_cycle_is_reset(bench: Bench, answer: object) -> None:
    bench.station.answers[OrderKind.SET_AVAILABILITY] = answer  # type: ignore[assignment]
    bench.station.cleared_by = frozenset({"reset"})
    result, _ = await bench.outcome()
    assert result is RunResult.CLEARED


async def test_a_scheduled_change_is_taken_back_at_once(bench: Bench) -> None:
    bench.station.answers[OrderKind.SET_AVAILABILITY] = SCHEDULED
    bench.station.answers[OrderKind.RESET] = REJECTED
    result, run = await bench.outcome()
    assert result is RunResult.STILL_FAULTED
    assert run["facts"]["reset"] == "rejected"
    assert [order.args["operative"] for order in bench.station.sent(OrderKind.SET_AVAILABILITY)] == [False, True]


async def test_a_safety_message_stops_the_run_and_what_is_down_stays_down(bench: Bench) -> None:
    station = bench.station
    station.speaks = False  # the run waits for Unavailable while the message comes
    run_id = await bench.start()
    while not station.sent(OrderKind.SET_AVAILABILITY):
        await asyncio.sleep(0.005)
    await bench.office.run(OPERATOR, runs.stop_for_safety, "100001")
    run = await bench.ended(run_id)
    assert run["result"] == "STOPPED"
    await bench.passes(5)
    assert station.operative == {1: False}
    assert station.sent(OrderKind.RESET) == []
    view = await bench.office.read(OPERATOR, chargers.overview, "100001")
    assert view["out_of_service_since_at"] is not None


async def test_what_was_out_of_service_before_is_not_cycled(bench: Bench) -> None:
    await bench.clerk.order("100001", OrderKind.SET_AVAILABILITY, {"connector": 1, "operative": False})
    bench.station.cleared_by = frozenset({"reset"})
    bench.station.calls.clear()
    await bench.station.report(1)
    run = await bench.ended(await bench.start())
    assert bench.station.sent(OrderKind.SET_AVAILABILITY) == []
    assert run["result"] == "CLEARED"


async def test_a_cleared_charger_ends_its_incident_and_a_hard_one_keeps_it(bench: Bench) -> None:
    def state(work: Work) -> str:
        return str(work.session.query(Incident).one().state.value)

    assert await bench.office.read(OPERATOR, state) == "open"
    bench.station.cleared_by = frozenset({"reset"})
    await bench.outcome()
    assert await bench.office.read(OPERATOR, state) == "ended"


async def test_the_estimate_of_a_clock_follows_what_is_heard(bench: Bench) -> None:
    """A report out of the queue turns it only until the next fresh one."""
    await bench.station.report(1)
    bench.station.stamp = earlier(500)
    await bench.station.report(1)
    bench.station.stamp = earlier(0)
    await bench.station.report(1)

    def skew(work: Work) -> float:
        row = work.session.get_one(Connector, ("100001", 1))
        assert row.reported_at == bench.clock.now()
        return charger_state._charger(work, "100001").clock_skew_s

    assert await bench.office.run(OPERATOR, skew) == 0
