"""The console, put together: a route for each page, its files, its stream of events."""

from __future__ import annotations

from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Route, request_response
from starlette.types import ASGIApp

from console import assets, drawing
from console.door import Door, Lost
from console.events import Events
from console.headers import SecurityHeaders
from console.house import ConsoleHouse
from console.table import PAGES


def build_console(house: ConsoleHouse) -> list[BaseRoute]:
    """Everything under /console."""
    drawing.environment()  # a template that cannot be read is told at the start
    assets.table()
    routes: list[BaseRoute] = [Route("/console", _headed(RedirectResponse("/console/", 308), house))]
    routes += [
        Route(page.path, _headed(Door(page, house), house), methods=list(page.methods), name=f"console:{page.path}")
        for page in PAGES
    ]
    routes.append(Route("/console/events", _headed(Events(house), house), methods=["GET"]))
    files = _headed(request_response(assets.serve), house)
    routes.append(Route(f"{assets.PREFIX}/{{digest}}/{{name:path}}", files, methods=["GET"]))
    routes.append(Route("/console/{rest:path}", _headed(Lost(house), house)))
    return routes


def _headed(app: ASGIApp, house: ConsoleHouse) -> ASGIApp:
    return SecurityHeaders(app, https=house.https)
