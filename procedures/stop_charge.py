"""End a session: ended when the charger has said so, with what it came to."""

from __future__ import annotations

from desk import remote_session
from models.access import ASSISTANT
from models.charger import OrderKind, OrderOutcome, RunResult
from procedures.run import Outcome, Run


async def stop_charge(run: Run) -> Outcome:
    """CHARGE_ENDED with energy and cost; STILL_CHARGING when the charger said no or went on."""
    view = await run.look()
    if not view.online:
        return Outcome(RunResult.NOT_CONNECTED, {"connector": run.connector})
    await run.snapshot(view)
    transaction_id, remote_id = _session(run), run.claimed.args.get("remote_id")
    if transaction_id not in view.sessions:
        return await seen_to_end(run, asked=True)
    answer = await run.order(
        "stop", OrderKind.REMOTE_STOP, transaction_id=transaction_id, **({"remote_id": remote_id} if remote_id else {})
    )
    refused = answer.outcome is OrderOutcome.ERROR or (answer.outcome is OrderOutcome.ANSWERED and not answer.accepted)
    if refused:
        await run.note("stop", "refused", status=answer.status)
    return await seen_to_end(run, asked=not refused)


async def seen_to_end(run: Run, *, asked: bool) -> Outcome:
    """Wait for the session's end where it was asked for, and say what is seen."""
    transaction_id = _session(run)
    if asked:
        await run.until(lambda view: transaction_id not in view.sessions, run.patience.stop_s)
    facts = await run.office.read(ASSISTANT, remote_session.outcome, transaction_id)
    goes_on = facts.pop("running")
    del facts["customer"]  # whoever asked was told whose it is; the run need not remember it
    await run.note("end_of_session", "still charging" if goes_on else "ended")
    if not goes_on:
        return Outcome(RunResult.CHARGE_ENDED, facts)
    return Outcome(RunResult.STILL_CHARGING, {**facts, "reason": "no_end" if asked else "rejected"})


def _session(run: Run) -> int:
    return int(run.claimed.args["transaction_id"])
