"""The first page: how things stand, part by part; each part looks again by itself when something of it changes."""

from __future__ import annotations

from starlette.responses import Response

from console.pages.page import Visit, page
from desk import dashboard
from models.access import Permission

BLOCKS: dict[str, tuple[str, ...]] = {
    "counters": ("counters", "review", "sends"),
    "pressing": ("pressing",),
    "network": ("figures",),
    "errors": ("errors",),
    "recent": ("recent",),
    "today": ("remedies", "duty"),
    "traffic": ("traffic",),
}
"""The blocks of the template that look again by themselves, and what each is made of."""


@page("/console/", needs=Permission.VIEW_DASHBOARD)
async def show(visit: Visit) -> Response:
    """All of it; or the one block that is asked for."""
    block = visit.request.headers.get("hx-target", "") if visit.htmx else ""
    parts = BLOCKS.get(block, tuple(dashboard.PARTS))
    return visit.render("dashboard/page.html", **await visit.desk.read(dashboard.look, parts))


PAGES = (show,)
