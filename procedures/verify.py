"""Did it work? Only the charger's own later word counts, and only when it stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from desk.run_steps import Outlet, View
from models.charger import RunResult
from procedures.run import Run

STAMP_SLACK_S = 5.0
"""Stamps are often cut to whole seconds, and clocks drift a little."""


class Verdict(StrEnum):
    """What was seen after a step."""

    CLEAR = "clear"
    UNSTABLE = "unstable"  # clear, and in fault again soon after
    FAULTED = "faulted"
    SILENT = "silent"  # nothing was reported
    GONE = "gone"  # the socket went


RESULT: dict[Verdict, RunResult] = {
    Verdict.CLEAR: RunResult.CLEARED,
    Verdict.UNSTABLE: RunResult.CLEARED_UNSTABLE,
    Verdict.FAULTED: RunResult.STILL_FAULTED,
    Verdict.SILENT: RunResult.UNVERIFIED,
    Verdict.GONE: RunResult.UNKNOWN,
}


def ailing(view: View, connector: int) -> Outlet | None:
    """What is in fault: the connector, else the station that it belongs to."""
    for number in (connector, 0):
        outlet = view.outlets.get(number)
        if outlet is not None and outlet.faulted:
            return outlet
    return None


def fresh(view: View, connector: int, since: datetime, stamped: datetime, skew_s: float) -> bool:
    """The connector's state was received after `since` and, by the charger's own stamp, is not older than `stamped`.

    Statuses wait in a charger's queue and come after a reboot: the time of receipt alone proves nothing.
    `skew_s` is how far the charger's clock was ahead before the step.
    """
    outlet = view.outlets.get(connector)
    if outlet is None or outlet.received_at is None or outlet.received_at < since:
        return False
    if outlet.reported_at is None:
        return True
    return outlet.reported_at - timedelta(seconds=skew_s) >= stamped - timedelta(seconds=STAMP_SLACK_S)


async def verify(run: Run, since: datetime, skew_s: float, *, stamped: datetime | None = None) -> Verdict:
    """Wait for the connector's own word after a step, ask once after some silence, and see whether it stays."""
    connector, patience = run.connector, run.patience

    def heard(view: View) -> bool:
        return fresh(view, connector, since, stamped or since, skew_s)

    def well(view: View) -> bool:
        return view.online and heard(view) and view.outlets[connector].clear and ailing(view, connector) is None

    view = await run.until(well, patience.nudge_s)
    if view is None:
        now = await run.look()
        if not now.online:
            return await _noted(run, Verdict.GONE)
        if not heard(now):
            await run.trigger("nudge", connector)
        view = await run.until(well, patience.verify_s - patience.nudge_s)
    if view is None:
        now = await run.look()
        unheard = Verdict.FAULTED if heard(now) else Verdict.SILENT
        return await _noted(run, unheard if now.online else Verdict.GONE)
    return await _noted(run, await _stays(run))


async def _stays(run: Run) -> Verdict:
    turned = await run.until(
        lambda view: not view.online or ailing(view, run.connector) is not None, run.patience.stable_s
    )
    if turned is None:
        return Verdict.CLEAR
    return Verdict.UNSTABLE if turned.online else Verdict.GONE


async def _noted(run: Run, verdict: Verdict) -> Verdict:
    await run.note("verify", verdict.value)
    return verdict
