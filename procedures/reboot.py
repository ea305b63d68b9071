"""Reboot a charger: it worked when it says that it has started anew."""

from __future__ import annotations

from desk.run_steps import View
from models.charger import RunResult
from procedures.reset import reset
from procedures.run import Outcome, Run


async def reboot(run: Run) -> Outcome:
    """REBOOTED with the state it came back to; UNVERIFIED when it came back without a word of a start."""
    view = await run.look()
    if not view.online:
        return Outcome(RunResult.NOT_CONNECTED)
    await run.snapshot(view)
    if view.sessions and not run.claimed.args.get("force"):
        return Outcome(RunResult.REFUSED, {"reason": "in_session"})
    hard = bool(run.claimed.args.get("hard"))
    back = await reset(run, hard=hard)
    if back is None:
        return Outcome(RunResult.REFUSED, {"reason": "rejected", "hard": hard})

    def spoke(seen: View) -> bool:
        return any(one.received_at is not None and one.received_at >= back.at for one in seen.outlets.values())

    after = await run.until(spoke, run.patience.verify_s) or await run.look()
    result = RunResult.REBOOTED if back.booted else RunResult.UNVERIFIED
    return Outcome(result, {"hard": hard, "reported": spoke(after), "connectors": after.as_facts()["connectors"]})
