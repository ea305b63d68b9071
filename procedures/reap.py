"""After a crash: nothing is sent again but what puts things back; then look, and say only what is seen."""

from __future__ import annotations

from typing import Any

from desk import run_steps
from desk.run_steps import View
from models.access import ASSISTANT
from models.charger import OrderKind, OrderOutcome, RunKind, RunResult
from procedures.run import Ended, Outcome, Run
from procedures.start_charge import seen_to_begin
from procedures.stop_charge import seen_to_end
from procedures.take_out_of_service import dead, mark
from procedures.unlock import judged
from procedures.verify import Verdict, verify


async def reap(run: Run) -> Outcome:
    """End a run whose worker died: as what can be seen now, else UNKNOWN."""
    _, stop = await run.office.read(ASSISTANT, run_steps.watch, run.claimed.id, run.charger_id)
    if stop:
        return Outcome(RunResult.STOPPED)
    # A process that starts again has no sockets yet: chargers need a while to come back to it.
    await run.until(lambda view: view.online, run.patience.reconnect_s)
    await run.put_back()
    match run.claimed.kind:
        case RunKind.CLEAR_FAULT:
            return await _cleared(run)
        case RunKind.REBOOT:
            return await _rebooted(run)
        case RunKind.TAKE_OUT_OF_SERVICE:
            return await _out(run)
        case RunKind.START_CHARGE:
            return await _started(run)
        case RunKind.STOP_CHARGE:
            return await seen_to_end(run, asked=await _sent(run, OrderKind.REMOTE_STOP))
        case RunKind.UNLOCK:
            return await _unlocked(run)


async def _cleared(run: Run) -> Outcome:
    facts = {"connector": run.connector, "reason": "worker_died"}
    verdict = await _verdict(run)
    if verdict is Verdict.GONE:  # it may be on its way through the reset that the dead worker had sent
        verdict = await _verdict(run)
    outlet = (await run.look()).outlets.get(run.connector)
    state = {"state": outlet.status.value, "error_code": outlet.error_code} if outlet else {}
    return Outcome(RunResult.CLEARED if verdict is Verdict.CLEAR else RunResult.UNKNOWN, {**facts, **state})


async def _verdict(run: Run) -> Verdict:
    before = await run.until(lambda view: view.online, run.patience.reconnect_s)
    if before is None:
        return Verdict.GONE
    since = run.now()
    try:
        await run.trigger("refresh", run.connector)
        # A charger may stamp a state with the moment it began, so that it need not be younger than this look.
        return await verify(run, since, before.skew_s, stamped=run.claimed.created_at)
    except Ended as ended:
        if ended.outcome.result is RunResult.STOPPED:
            raise
        return Verdict.GONE


async def _rebooted(run: Run) -> Outcome:
    facts = {"hard": bool(run.claimed.args.get("hard")), "reason": "worker_died"}
    if not await _sent(run, OrderKind.RESET):
        return Outcome(RunResult.UNKNOWN, {**facts, "sent": False})

    def booted(view: View) -> bool:
        asked_at = view.last_reset_at
        return view.online and None not in (view.booted_at, asked_at) and view.booted_at >= asked_at  # type: ignore[operator]

    seen = await run.until(booted, run.patience.reconnect_s)
    return Outcome(RunResult.REBOOTED if seen else RunResult.UNKNOWN, {**facts, "sent": True})


async def _out(run: Run) -> Outcome:
    if not await _sent(run, OrderKind.SET_AVAILABILITY):
        return Outcome(RunResult.UNKNOWN, {"reason": "worker_died", "sent": False})
    await mark(run)
    seen = await run.until(dead, run.patience.verify_s)
    return Outcome(RunResult.OUT_OF_SERVICE if seen else RunResult.UNKNOWN, {"reason": "worker_died", "sent": True})


async def _started(run: Run) -> Outcome:
    """The order is never given again: a second one could start a second session."""
    if not await _sent(run, OrderKind.REMOTE_START):
        return Outcome(RunResult.UNKNOWN, {"reason": "worker_died", "sent": False, "connector": run.connector})
    outcome = await seen_to_begin(run)
    facts = {**outcome.facts, "reason": "worker_died", "sent": True}
    return Outcome(outcome.result, facts) if outcome.result is RunResult.CHARGE_STARTED else _unsure(facts)


def _unsure(facts: dict[str, Any]) -> Outcome:
    return Outcome(RunResult.UNKNOWN, facts)


async def _unlocked(run: Run) -> Outcome:
    answers = await run.office.read(ASSISTANT, run_steps.answers, run.claimed.id, OrderKind.UNLOCK)
    said = next((one for one in answers if one.outcome is OrderOutcome.ANSWERED), None)
    facts = {"connector": run.connector, "reason": "worker_died"}
    return Outcome(judged(said), facts) if said is not None else _unsure(facts)


async def _sent(run: Run, kind: OrderKind) -> bool:
    """An order of that kind may have reached the charger, and it did not say no."""
    answers = await run.office.read(ASSISTANT, run_steps.answers, run.claimed.id, kind)
    never = (OrderOutcome.NOT_CONNECTED, OrderOutcome.EXPIRED, OrderOutcome.ERROR)
    return any(one.outcome not in never and one.status != "Rejected" for one in answers)
