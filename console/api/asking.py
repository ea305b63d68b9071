"""Who asks: the desk in the member's name, and the language and time zone of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from console.api.language import accepted
from console.api.shapes import Problem
from desk.office import Desk, Office
from phrases.say import say

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
}
"""What every route may answer instead."""


@dataclass(frozen=True)
class Asking:
    """A request, admitted."""

    desk: Desk
    language: str
    timezone: str

    def say(self, code: str, facts: dict[str, Any]) -> str:
        """Words for the client."""
        return say(code, facts, self.language, timezone=self.timezone)


def asking(request: Request) -> Asking:
    """What the door found out."""
    office: Office = request.app.state.office
    language = accepted(request.headers.get("accept-language"))
    return Asking(office.desk(request.state.actor), language, office.house.timezone)


Asked = Annotated[Asking, Depends(asking)]
