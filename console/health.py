"""GET /healthz: the process is alive. GET /readyz: it can do its work, and if not, why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from desk import gauges
from desk.office import Office
from models.access import OPERATOR
from models.errors import Unavailable

INBOX_LIMIT_S = 120
"""A message that waits longer for its first look means that nobody works on the inbox."""
OUTBOX_LIMIT_S = 1_800
"""Sends may wait for a provider that asks for patience, but not for ever."""
ANSWER_S = 3

_NO_STORE = {"Cache-Control": "no-store"}


def build(
    office: Office, *, classifier_loaded: Callable[[], bool] | None = None,
    troubles: Callable[[], list[str]] = list,
) -> list[Route]:  # fmt: skip
    """The two routes. `classifier_loaded`: whether the model is in memory; `troubles`: channels that are not well."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    async def readyz(_: Request) -> Response:
        checks = {"database": await _database(office), "queues": await _queues(office)}
        if classifier_loaded is not None:
            checks["classifier"] = {"ok": True} if classifier_loaded() else {"ok": False, "why": "not loaded"}
        if lines := troubles():
            checks["channels"] = {"ok": False, "why": "; ".join(lines)}
        ready = all(check["ok"] for check in checks.values())
        return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503, headers=_NO_STORE)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def _database(office: Office) -> dict[str, Any]:
    try:
        await asyncio.wait_for(office.read(OPERATOR, gauges.answers), ANSWER_S)
    except (TimeoutError, Unavailable) as error:
        return {"ok": False, "why": f"does not answer: {type(error).__name__}"}
    return {"ok": True}


async def _queues(office: Office) -> dict[str, Any]:
    try:
        depth = await asyncio.wait_for(office.read(OPERATOR, gauges.queues), ANSWER_S)
    except (TimeoutError, Unavailable):
        return {"ok": False, "why": "cannot be read"}
    facts: dict[str, Any] = {
        "inbox": {"waiting": depth.inbox.waiting, "oldest_s": round(depth.inbox.oldest_s, 1)},
        "outbox": {"waiting": depth.outbox_waiting, "oldest_s": round(depth.outbox_oldest_s, 1)},
    }
    late = [
        f"the {name}'s oldest row waits {facts[name]['oldest_s']} s, more than {limit}"
        for name, limit in (("inbox", INBOX_LIMIT_S), ("outbox", OUTBOX_LIMIT_S))
        if facts[name]["oldest_s"] > limit
    ]
    return {"ok": not late, **facts, **({"why": "; ".join(late)} if late else {})}
