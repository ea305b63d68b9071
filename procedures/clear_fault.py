"""Clear a fault: read again, ask whether a machine may, least invasive step first, and believe only what is seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from desk import run_steps
from desk.run_steps import Outlet, View
from models.access import ASSISTANT
from models.charger import FaultClass, OrderKind, OrderOutcome, RunResult
from procedures.reset import reset
from procedures.run import Ended, Outcome, Run
from procedures.verify import RESULT, Verdict, ailing, verify

_RESETTABLE = (FaultClass.SOFTWARE, FaultClass.METER, FaultClass.LIST)


async def clear_fault(run: Run) -> Outcome:
    """Never better than what was seen: CLEARED only after the charger's own later word, and only when it stayed."""
    view = await run.look()
    if not view.online:
        return Outcome(RunResult.NOT_CONNECTED)
    await run.snapshot(view)
    view, heard = await _refresh(run)
    fault = ailing(view, run.connector)
    if fault is None:
        return Outcome(RunResult.ALREADY_CLEAR if heard else RunResult.UNVERIFIED, _facts(view, run))
    facts = {"error_code": fault.error_code, "connector": run.connector}
    if (reason := _forbidden(run, view)) is not None:
        return Outcome(RunResult.REFUSED, {**facts, "reason": reason})
    outcome = await _remedy(run, view, fault)
    return Outcome(outcome.result, {**facts, **_facts(await run.look(), run), **outcome.facts})


def _facts(view: View, run: Run) -> dict[str, Any]:
    outlet = view.outlets.get(run.connector)
    known = {"state": outlet.status.value, "error_code": outlet.error_code} if outlet else {}
    if known.get("error_code") == "NoError":
        del known["error_code"]
    return {"connector": run.connector, **known}


async def _refresh(run: Run) -> tuple[View, bool]:
    """Ask the charger for its state now; tells whether it said one."""
    asked_at = run.now()
    if not await run.trigger("refresh", run.connector):
        return await run.look(), False

    def told(view: View) -> bool:
        outlet = view.outlets.get(run.connector)
        return outlet is not None and outlet.received_at is not None and outlet.received_at >= asked_at

    view = await run.until(told, run.patience.trigger_s)
    await run.note("refresh", "reported" if view else "silent")
    return view or await run.look(), view is not None


def _forbidden(run: Run, view: View) -> str | None:
    """Why a machine keeps its hands off, by what the charger says now."""
    if any(one.fault is FaultClass.SAFETY and not one.clear for one in view.outlets.values()):
        return "safety"
    if view.out_of_service:
        return "out_of_service"
    return "in_session" if view.in_session(run.connector) else None


async def _remedy(run: Run, view: View, fault: Outlet) -> Outcome:
    if fault.fault is FaultClass.GRID:
        return _seen(await _wait_out(run, view.skew_s), "wait")
    if fault.fault is FaultClass.MECHANICAL:
        return await _unlock(run, view.skew_s)
    if fault.fault in _RESETTABLE:
        return await _cycle_then_reset(run, view.skew_s)
    return Outcome(RunResult.STILL_FAULTED, {"reason": "no_remedy"})


def _seen(verdict: Verdict, step: str) -> Outcome:
    return Outcome(RESULT[verdict], {"step": step})


async def _wait_out(run: Run, skew_s: float) -> Verdict:
    """The grid heals itself or not: read again now and then."""
    end = run.now() + timedelta(seconds=run.patience.grid_s)
    while True:
        since = run.now()
        back = await run.until(lambda view: ailing(view, run.connector) is None, run.patience.grid_poll_s)
        if back is None:
            await run.trigger("poll", run.connector)
        verdict = await verify(run, since, skew_s) if back is not None else Verdict.FAULTED
        if verdict is Verdict.CLEAR or run.now() >= end:
            return verdict


async def _unlock(run: Run, skew_s: float) -> Outcome:
    since = run.now()
    answer = await run.order("unlock", OrderKind.UNLOCK, connector=run.connector)
    if not answer.accepted and answer.outcome is OrderOutcome.ANSWERED:
        return Outcome(RunResult.STILL_FAULTED, {"step": "unlock", "status": answer.status})
    return _seen(await verify(run, since, skew_s), "unlock")


async def _cycle_then_reset(run: Run, skew_s: float) -> Outcome:
    verdict = await _cycle(run, skew_s)
    if verdict is Verdict.CLEAR or verdict is Verdict.GONE:
        return _seen(verdict, "availability")
    view = await run.look()
    if (reason := _no_reset(run, view)) is not None:
        await run.note("reset", "skipped", reason=reason)
        return Outcome(RESULT[verdict or Verdict.FAULTED], {"step": "availability", "reset": reason})
    back = await reset(run, hard=False)
    if back is None:
        return Outcome(RESULT[verdict or Verdict.FAULTED], {"step": "reset", "reset": "rejected"})
    return _seen(await verify(run, back.at, skew_s), "reset")


def _no_reset(run: Run, view: View) -> str | None:
    """Sessions on other connectors end with a reset of the station; and one reset must have time to work."""
    if view.sessions:
        return "in_session"
    pause = timedelta(seconds=run.patience.reset_pause_s)
    recent = view.last_reset_at is not None and view.last_reset_at > run.now() - pause
    return "too_soon" if recent else None


async def _cycle(run: Run, skew_s: float) -> Verdict | None:
    """Inoperative and operative again; None when the charger would not. What is owed is written down first."""
    connector = run.connector
    if not await run.office.read(ASSISTANT, run_steps.was_operative, run.charger_id, connector):
        await run.note("inoperative", "skipped", reason="was_inoperative")
        return None
    await run.owe(connector)
    try:
        down = await run.order("inoperative", OrderKind.SET_AVAILABILITY, connector=connector, operative=False)
    except Ended as ended:
        if ended.outcome.result is RunResult.NOT_CONNECTED:
            await run.restored()  # surely never sent
        raise
    if down.outcome is OrderOutcome.ANSWERED and down.status not in ("Accepted", "Scheduled"):
        await run.restored()
        return None
    if down.accepted:
        await run.until(lambda view: _unavailable(view, connector), run.patience.unavailable_s)
    if down.outcome is OrderOutcome.LOST and await run.until(_online, run.patience.disconnect_s) is None:
        raise Ended(RunResult.UNKNOWN, step="inoperative")
    since = run.now()
    up = await run.order("operative", OrderKind.SET_AVAILABILITY, connector=connector, operative=True)
    if up.accepted or up.status == "Scheduled":
        await run.restored()
    if down.status == "Scheduled":
        return None
    return await verify(run, since, skew_s)


def _unavailable(view: View, connector: int) -> bool:
    outlet = view.outlets.get(connector)
    return outlet is not None and outlet.status.value == "Unavailable"


def _online(view: View) -> bool:
    return view.online
