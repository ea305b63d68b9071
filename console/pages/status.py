"""The house itself: whether its channels, queues, jobs and database do their work, and what did not arrive."""

from __future__ import annotations

import time

from starlette.responses import Response

from console.pages.page import Visit, page
from desk import outbox, system_status
from models.access import Permission

PATH = "/console/status"


@page(PATH, needs=Permission.VIEW_ROSTER)
async def show(visit: Visit) -> Response:
    """All of it, with the time that the database took to answer."""
    began = time.perf_counter()
    seen = await visit.desk.read(system_status.look)
    took_ms = (time.perf_counter() - began) * 1000
    return visit.render("status/page.html", **seen, took_ms=took_ms, health=visit.house.health())


@page(f"{PATH}/{{item_id:int}}/resend", needs=Permission.VIEW_ROSTER, methods=("POST",))
async def resend(visit: Visit) -> Response:
    """Send a dead letter once more."""
    await visit.desk.run(outbox.requeue, visit.key("item_id"))
    return visit.see_other(PATH, "status.resent")


PAGES = (show, resend)
