"""Take a charger out of service for safety: end its sessions, make it inoperative, see that it is."""

from __future__ import annotations

from desk import chargers
from desk.run_steps import View
from models.access import ASSISTANT
from models.charger import ChargerState, OrderKind, OrderOutcome, RunResult
from procedures.run import Outcome, Run

_DEAD = (ChargerState.UNAVAILABLE, ChargerState.FAULTED)


async def take_out_of_service(run: Run) -> Outcome:
    """OUT_OF_SERVICE when every connector says so, UNVERIFIED when the charger only agreed. Stays so until a
    member restores it."""
    view = await run.look()
    if not view.online:
        return Outcome(RunResult.NOT_CONNECTED)
    await run.snapshot(view)
    await _end_sessions(run, view)
    answer = await run.order("inoperative", OrderKind.SET_AVAILABILITY, connector=0, operative=False)
    if answer.outcome is OrderOutcome.ERROR or answer.status == "Rejected":
        return Outcome(RunResult.REFUSED, {"reason": "rejected"})
    await mark(run)
    after = await run.until(dead, run.patience.verify_s) or await run.look()
    facts = {"connectors": after.as_facts()["connectors"], "status": answer.status}
    if dead(after):
        return Outcome(RunResult.OUT_OF_SERVICE, facts)
    unknown = answer.outcome is not OrderOutcome.ANSWERED or not after.online
    return Outcome(RunResult.UNKNOWN if unknown else RunResult.UNVERIFIED, facts)


async def mark(run: Run) -> None:
    """From now on only a member puts it back."""
    await run.office.run(ASSISTANT, chargers.take_out, run.charger_id, str(run.claimed.args.get("why") or "safety"))


def dead(view: View) -> bool:
    """Every connector says that it gives no power, and nobody charges."""
    outlets = [one for number, one in view.outlets.items() if number > 0]
    return bool(outlets) and not view.sessions and all(one.status in _DEAD for one in outlets)


async def _end_sessions(run: Run, view: View) -> None:
    for transaction_id in view.sessions:
        await run.order("stop_session", OrderKind.REMOTE_STOP, transaction_id=transaction_id)
    if view.sessions:
        ended = await run.until(lambda seen: not seen.sessions, run.patience.stop_s)
        await run.note("stop_session", "ended" if ended else "still charging")
