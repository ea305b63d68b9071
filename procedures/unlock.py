"""Let a connector's cable go. The charger's word is all there is to see: nothing on the wire shows a lock."""

from __future__ import annotations

from models.charger import OrderKind, OrderOutcome, RunResult
from models.ports import OrderAnswer
from procedures.run import Outcome, Run

_BY_STATUS = {
    "Unlocked": RunResult.UNLOCKED,
    "NotSupported": RunResult.UNLOCK_NOT_SUPPORTED,
    "UnknownConnector": RunResult.UNLOCK_NOT_SUPPORTED,
}
_CANNOT = ("NotImplemented", "NotSupported")


async def unlock(run: Run) -> Outcome:
    """UNLOCKED, UNLOCK_FAILED or UNLOCK_NOT_SUPPORTED as the charger says; UNKNOWN when it says nothing."""
    view = await run.look()
    facts = {"connector": run.connector}
    if not view.online:
        return Outcome(RunResult.NOT_CONNECTED, facts)
    await run.snapshot(view)
    answer = await run.order("unlock", OrderKind.UNLOCK, connector=run.connector)
    return Outcome(judged(answer), {**facts, "status": answer.status})


def judged(answer: OrderAnswer) -> RunResult:
    """What a charger's answer to an unlock means."""
    if answer.outcome is OrderOutcome.ANSWERED:
        return _BY_STATUS.get(answer.status or "", RunResult.UNLOCK_FAILED)
    if answer.outcome is OrderOutcome.ERROR:
        cannot = answer.response.get("code") in _CANNOT
        return RunResult.UNLOCK_NOT_SUPPORTED if cannot else RunResult.UNLOCK_FAILED
    return RunResult.UNKNOWN
