"""The map: sites by their coordinates with what stands there, and the same as a list for whoever sees no map."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from console.pages.page import Visit, page
from desk import charger_list
from models.access import Permission


@page("/console/chargers-map", needs=Permission.VIEW_CHARGERS)
async def site_map(visit: Visit) -> Response:
    """Markers coloured by type, dots by whether they are online."""
    places = await visit.desk.read(charger_list.on_map)
    return visit.render("chargers/map.html", places=places, worded=_worded(visit, places))


@page("/console/chargers-map/sites", needs=Permission.VIEW_CHARGERS)
async def sites(visit: Visit) -> Response:
    """The same places as they are now, for the script of the map."""
    places = await visit.desk.read(charger_list.on_map)
    return Response(json.dumps(_worded(visit, places)), media_type="application/json")


def _worded(visit: Visit, places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """States in the reader's words beside their keys."""
    return [
        {**place, "chargers": [{**one, "words": visit.say(f"state.{one['state']}")} for one in place["chargers"]]}
        for place in places
    ]


PAGES = (site_map, sites)
