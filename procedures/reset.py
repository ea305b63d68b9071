"""A reset as it is in the field: accepted or cut short, gone, back, and only then worth a look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from desk.run_steps import View
from models.charger import OrderKind, OrderOutcome, RunResult
from procedures.run import Ended, Run


@dataclass(frozen=True)
class Back:
    """The charger came back. `booted`: it said that it had started anew; `at`: when it was there again."""

    at: datetime
    booted: bool


async def reset(run: Run, *, hard: bool) -> Back | None:
    """Reset the station once and wait for its return; None when it says no.

    Ends the run as RESET_IGNORED or NOT_BACK_ONLINE. A socket that goes before the answer counts as a yes.
    """
    before = await run.look()
    asked_at = run.now()
    answer = await run.order("reset", OrderKind.RESET, hard=hard)
    if answer.outcome is OrderOutcome.ERROR or answer.status in ("Rejected", "NotImplemented", "NotSupported"):
        return None

    def booted(view: View) -> bool:
        return view.booted_at is not None and view.booted_at >= asked_at and view.booted_at != before.booted_at

    def left(view: View) -> bool:
        return not view.online or view.epoch != before.epoch or booted(view)

    if await run.until(left, run.patience.disconnect_s) is None:
        raise Ended(RunResult.RESET_IGNORED, step="reset", status=answer.status)
    await run.note("reset", "left")

    def here(view: View) -> bool:
        return view.online and (view.epoch != before.epoch or booted(view))

    back = await run.until(here, run.patience.reconnect_s)
    if back is None:
        raise Ended(RunResult.NOT_BACK_ONLINE, step="reset")
    spoke = await run.until(lambda view: booted(view) or _spoke(view), run.patience.trigger_s) or back
    await run.note("reset", "back", booted=booted(spoke))
    if booted(spoke) and spoke.booted_at is not None:
        return Back(spoke.booted_at, booted=True)
    return Back(back.connected_at or back.at, booted=False)


def _spoke(view: View) -> bool:
    """Some state was reported over the newest socket."""
    if view.connected_at is None:
        return False
    return any(one.received_at is not None and one.received_at >= view.connected_at for one in view.outlets.values())
