"""Procedures on screen: a run as it goes on step by step, and how it ended by what the charger itself reported."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from console.pages.page import Visit, page
from desk import chargers, runs
from desk.work import Work
from models.access import Permission
from models.charger import GOOD_RESULTS, RunResult

_GOOD = frozenset(result.value for result in GOOD_RESULTS)
_STEPS = frozenset(
    {"waiting", "refresh", "inoperative", "operative", "unlock", "reset", "verify", "stop_session", "start", "begin",
     "stop", "end_of_session", "reap", "end", "ended"}
)  # fmt: skip
"""Steps that have a phrase; another one is shown by its own name."""
ENDED = "ended"


@page("/console/runs/{run_id:int}", needs=Permission.COMMAND_CHARGERS)
async def follow(visit: Visit) -> Response:
    """A procedure under way, or how it ended."""
    run, state = await visit.desk.read(_with_state, visit.key("run_id"))
    return visit.render("chargers/run.html", block="run", run=shown(visit, run, state))


def _with_state(work: Work, run_id: int) -> tuple[dict[str, Any], str]:
    run = runs.get(work, run_id)
    return run, chargers.overview(work, run["charger_id"])["state"]


def shown(visit: Visit, run: dict[str, Any], state: str) -> dict[str, Any]:
    """A run for its template: steps with the seconds since its start, the sentence at its end."""
    begun = datetime.fromisoformat(run["created_at"])
    steps = [
        {
            "name": _step(visit, step["step"]),
            "outcome": str(step["outcome"]),
            "after_s": int((datetime.fromisoformat(step["at"]) - begun).total_seconds()),
        }
        for step in run["steps"]
    ]
    now = None if run["state"] == ENDED else _step(visit, run["step"])
    good = run["result"] in _GOOD
    return {**run, "steps": steps, "now": now, "good": good, "sentence": _sentence(visit, run, state)}


def _step(visit: Visit, name: str) -> str:
    return visit.say(f"chargers_page.step.{name}") if name in _STEPS else name.replace("_", " ")


def _sentence(visit: Visit, run: dict[str, Any], state: str) -> str:
    """What came of it; empty while it goes on."""
    if run["result"] is None:
        return ""
    facts = {"error_code": None, **run["facts"], "charger": run["charger_id"], "state": visit.say(f"state.{state}")}
    return visit.say(f"run.result.{RunResult(run['result']).value.lower()}", **facts)


PAGES = (follow,)
