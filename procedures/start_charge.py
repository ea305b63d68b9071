"""Start a charge for a customer: ordered once, and begun only when the charger reports the session of that tag."""

from __future__ import annotations

from desk import force_charge
from models.access import ASSISTANT
from models.charger import OrderKind, OrderOutcome, RunResult
from procedures.run import Outcome, Run


async def start_charge(run: Run) -> Outcome:
    """CHARGE_STARTED when the session is there; CHARGE_NOT_STARTED when the charger said no or nobody plugged in;
    UNKNOWN when it never answered."""
    view = await run.look()
    facts = {"connector": run.connector}
    if not view.online:
        return Outcome(RunResult.NOT_CONNECTED, facts)
    await run.snapshot(view)
    if view.in_session(run.connector):
        return Outcome(RunResult.REFUSED, {**facts, "reason": "in_session"})
    tag = str(run.claimed.args["id_tag"])
    answer = await run.order("start", OrderKind.REMOTE_START, connector=run.connector, id_tag=tag)
    if answer.outcome is OrderOutcome.ERROR or (answer.outcome is OrderOutcome.ANSWERED and not answer.accepted):
        return Outcome(RunResult.CHARGE_NOT_STARTED, {**facts, "reason": "rejected", "status": answer.status})
    outcome = await seen_to_begin(run)
    if outcome.result is RunResult.CHARGE_STARTED or answer.accepted:
        return outcome
    return Outcome(RunResult.UNKNOWN, {**outcome.facts, "reason": "no_answer"})


async def seen_to_begin(run: Run) -> Outcome:
    """Wait for the session; one with another tag is somebody else's."""
    facts = {"connector": run.connector}
    there = await run.until(lambda view: view.in_session(run.connector), run.patience.begin_s)
    ours = await run.office.run(ASSISTANT, force_charge.begun, run.claimed.id)
    await run.note("begin", "charging" if ours else "another_session" if there else "nothing")
    if ours:
        return Outcome(RunResult.CHARGE_STARTED, facts)
    return Outcome(RunResult.CHARGE_NOT_STARTED, {**facts, "reason": "another_session" if there else "not_plugged_in"})
