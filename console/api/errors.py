"""Every answer that is not a success has one shape: `{"error": {"code", "text", "incident"?, "facts"?}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from console.api.language import accepted, worded
from desk import audit
from desk.office import Office
from desk.work import Work
from models.access import Actor
from models.errors import NotAllowed, Refusal, Unavailable
from phrases.say import say

RETRY_S = 5
"""What a client is told to wait when the database is away."""

_BY_STATUS = {400: "error.not_json", 404: "error.not_found", 405: "error.method", 413: "error.too_large"}
_MOST_FIELDS = 10


def problem(
    status: int, code: str, facts: Mapping[str, Any], accept_language: str | None, *, timezone: str = "UTC",
    incident: str | None = None, headers: Mapping[str, str] | None = None,
) -> JSONResponse:  # fmt: skip
    """The answer for a phrase code."""
    error: dict[str, Any] = {"code": code, "text": _text(code, facts, accepted(accept_language), timezone)}
    if incident is not None:
        error["incident"] = incident
    if facts:
        error["facts"] = dict(facts)
    return JSONResponse({"error": error}, status, headers=headers)


def _text(code: str, facts: Mapping[str, Any], language: str, timezone: str) -> str:
    words = worded(code, facts, language, timezone)
    return words if words is not None else say("error.request", {}, language)


def install(app: FastAPI, office: Office) -> None:
    """Word what the routes raise. Bugs are left to the guard."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        if isinstance(error, NotAllowed) and request.method not in ("GET", "HEAD"):
            await office.run(_actor(request), _note_refusal, f"{request.method} {request.url.path}", error.code)
        return _say(request, error.status, error.code, error.facts)

    async def away(request: Request, error: Exception) -> Response:
        return _say(request, 503, "error.unavailable", {}, {"Retry-After": str(RETRY_S)})

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        problems = error.errors()
        if any(item["type"] == "json_invalid" or _not_read_as_json(item) for item in problems):
            return _say(request, 400, "error.not_json", {})
        fields = [_field(item) for item in problems[:_MOST_FIELDS]]
        named = ", ".join(dict.fromkeys(item["field"] for item in fields))
        return _say(request, 422, "error.not_understood", {"fields": named, "problems": fields})

    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _BY_STATUS.get(error.status_code, "error.request")
        facts = {"method": request.method} if code == "error.method" else {}
        return _say(request, error.status_code, code, facts, error.headers)

    def _say(
        request: Request, status: int, code: str, facts: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Response:
        language = request.headers.get("accept-language")
        return problem(status, code, facts, language, timezone=office.house.timezone, headers=headers)

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(Unavailable, away)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)


def _field(item: Mapping[str, Any]) -> dict[str, str]:
    """Where it is and what is wrong with it; never what was sent, which may be a secret."""
    place = [str(part) for part in item["loc"]]
    return {"field": ".".join(place[1:] or place)[:80], "problem": str(item["type"])}


def _not_read_as_json(item: Mapping[str, Any]) -> bool:
    """The body came under another content type, so that nobody parsed it."""
    return tuple(item["loc"]) == ("body",) and isinstance(item.get("input"), bytes)


def _actor(request: Request) -> Actor:
    actor = request.state.actor
    assert isinstance(actor, Actor)
    return actor


def _note_refusal(work: Work, route: str, code: str) -> None:
    audit.record(work, "api.refused", f"member:{work.actor.id}", route=route[:200], code=code)
