"""What must hold for procedures that died with their process, read from the database and from the chargers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from sqlalchemy import select

from models.charger import ChargerCommand, ChargerState, Connector, OrderOutcome, ProcedureRun, RunResult
from tests.kill.books import reading
from tests.kill.hasty import Overheard
from tests.kill.network import MOMENTS, DoomingCharger

END_S = 60.0
INOPERATIVE, _, OPERATIVE, RESET = MOMENTS
NEVER_SENT = (OrderOutcome.NOT_CONNECTED, OrderOutcome.EXPIRED)


def open_runs(url: str) -> list[int]:
    """Runs that have not ended, still owe a connector, or whose end nobody was told."""
    with reading(url) as session:
        return [
            run.id
            for run in session.scalars(select(ProcedureRun))
            if run.ended_at is None or run.restore is not None or run.reported_at is None
        ]


async def begun(url: str, charger_id: str, within_s: float = 20.0) -> None:
    """Wait until a procedure was asked for at a charger."""
    end = time.monotonic() + within_s
    while not await asyncio.to_thread(_runs_at, url, charger_id):
        assert time.monotonic() < end, f"no procedure was begun at {charger_id}"
        await asyncio.sleep(0.05)


def _runs_at(url: str, charger_id: str) -> int:
    with reading(url) as session:
        return len(session.scalars(select(ProcedureRun.id).where(ProcedureRun.charger_id == charger_id)).all())


async def ended(url: str, within_s: float = END_S) -> None:
    """Wait until every procedure is over, paid for and told."""
    end = time.monotonic() + within_s
    while left := await asyncio.to_thread(open_runs, url):
        assert time.monotonic() < end, f"runs {left} are not over after {within_s:.0f} s"
        await asyncio.sleep(0.2)


def check(url: str, chargers: list[DoomingCharger], heard: Overheard) -> Counter[str]:
    """Raise AssertionError for whatever was promised and is not so; gives the results, and how many died."""
    by_id = {charger.charger_id: charger for charger in chargers}
    with reading(url) as session:
        runs = list(session.scalars(select(ProcedureRun).order_by(ProcedureRun.id)))
        commands = list(session.scalars(select(ChargerCommand)))
        states = {row.charger_id: row.status for row in session.scalars(select(Connector).where(Connector.number == 1))}
    for charger in chargers:
        assert charger.outlets[0].operative, f"{charger.charger_id} was left inoperative"
        assert states[charger.charger_id] is not ChargerState.UNAVAILABLE, (
            f"{charger.charger_id} is on the books as out"
        )
    for run in runs:
        _honest(run, by_id[run.charger_id])
        _not_again(run, by_id[run.charger_id])
    _each_order_once(commands, heard)
    died = sum(_died(run) for run in runs)
    return Counter([str(run.result) for run in runs]) + Counter({"worker died": died})


def _died(run: ProcedureRun) -> bool:
    return any(step["step"] == "reap" for step in run.steps)


def _honest(run: ProcedureRun, charger: DoomingCharger) -> None:
    told = f"run {run.id} at {run.charger_id} ended as {run.result}: {run.steps}"
    faulty = charger.outlets[0].fault is not None
    assert run.result is not None, told
    if run.result in (RunResult.CLEARED, RunResult.ALREADY_CLEAR):
        assert not faulty, told
    if _died(run):
        assert run.result in (RunResult.CLEARED, RunResult.UNKNOWN), told
        assert (run.facts or {}).get("reason") == "worker_died", told


def _not_again(run: ProcedureRun, charger: DoomingCharger) -> None:
    """Whatever changes something was asked for once at most, and after a crash only what puts things back."""
    told = f"run {run.id} at {run.charger_id}: {charger.orders}"
    assert charger.obeyed(INOPERATIVE) <= 1, told
    assert charger.obeyed(RESET) <= 1, told
    if _died(run) and charger.doomed.is_set():
        later = charger.orders[charger.before :]
        assert not any(moment.is_at(*order) for moment in (INOPERATIVE, RESET) for order in later), told


def _each_order_once(commands: list[ChargerCommand], heard: Overheard) -> None:
    """By their message ids."""
    times = Counter(heard.ids)
    twice = [message_id for message_id, count in times.items() if count > 1]
    assert not twice, f"orders that came twice: {twice}"
    for command in commands:
        told = f"order {command.id} {command.kind} {command.args} to {command.charger_id}: {command.outcome}"
        if command.outcome is OrderOutcome.ANSWERED:
            assert times[command.id] == 1, told
        if command.sent_at is None or command.outcome in NEVER_SENT:
            assert times[command.id] == 0, told
