"""The API, put together: routes, error shape, door. Mounted at /api/v1; OpenAPI at /api/v1/openapi.json."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from console.api import chargers, commands, contacts, errors, messages, tickets
from console.api.door import Door, Pace
from desk.office import Office
from models.ports import Chargers

VERSION = "1"


@dataclass(frozen=True)
class ApiSettings:
    """`per_s` requests a second and `burst` at once for each token, the same of wrong tokens for each address that they
    come from; `body_limit` in bytes.
    """

    per_s: float = 20.0
    burst: int = 100
    wrong_per_s: float = 0.5
    wrong_burst: int = 30
    body_limit: int = 64 * 1024


def build_api(office: Office, chargers_port: Chargers, settings: ApiSettings | None = None) -> FastAPI:
    """The ASGI application."""
    chosen = settings or ApiSettings()
    app = FastAPI(
        title="Chargehand", version=VERSION, openapi_url="/openapi.json", docs_url=None, redoc_url=None,
        description="Messages, tickets, chargers and commands of an EV charging operator.",
        dependencies=[Depends(HTTPBearer(auto_error=False, description="chargehand token create --member EMAIL"))],
        redirect_slashes=False,
    )  # fmt: skip
    app.state.office = office
    app.state.chargers = chargers_port
    for part in (messages, tickets, chargers, contacts, commands):
        app.include_router(part.router)
    errors.install(app, office)
    app.add_middleware(
        Door, office=office, pace=Pace(chosen.per_s, chosen.burst),
        guesses=Pace(chosen.wrong_per_s, chosen.wrong_burst), body_limit=chosen.body_limit,
    )  # fmt: skip
    return app
