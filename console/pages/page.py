"""What a page is: a path, who may, and a handler that is given a Visit. Nothing is registered by importing.

    @page("/console/things/{thing_id:int}", needs=Permission.VIEW_THINGS)
    async def thing(visit: Visit) -> Response:
        found = await visit.desk.read(things.get, visit.key("thing_id"))
        return visit.render("things/one.html", thing=found)

    PAGES = (thing,)

Refusals that a handler lets through become a worded page, or a toast under htmx; CSRF, permission and size are
checked before a handler is called.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console import cookies, drawing
from console.house import ConsoleHouse
from console.pages.form import Form
from desk.office import Desk
from models.access import Actor, Permission
from models.base import HIGHEST_KEY
from models.errors import NotFound
from phrases.catalogue import LANGUAGES
from phrases.say import say as say_phrase

BODY_LIMIT = 1_000_000
NOTE_LIVES = timedelta(minutes=2)
_OF_A_PATH = ":/%#?=@[]!$&'()*+,;"
"""What stays as it is in an address; everything else is encoded, so that no line of a header ends early."""
_OUT_OF_PLACE = ("\\", "\r", "\n", "\t", "\0")
R = TypeVar("R", bound=Response)


@dataclass(frozen=True)
class Guest:
    """A request by somebody who may or may not be signed in, and how to answer it."""

    request: Request
    house: ConsoleHouse
    language: str
    timezone: str
    csrf: str
    posted: Form | None = field(default=None, repr=False)

    def now(self) -> datetime:
        """The present."""
        return self.house.now()

    def may(self, permission: Permission) -> bool:
        """Somebody who is not signed in may nothing."""
        return False

    @property
    def theme(self) -> str | None:
        """`light` or `dark`, where they chose; else their system decides."""
        chosen = cookies.read(self.request, self.house, cookies.THEME)
        return chosen if chosen in ("light", "dark") else None

    @property
    def htmx(self) -> bool:
        """Whether htmx asks for a part of a page."""
        headers = self.request.headers
        return "hx-request" in headers and "hx-history-restore-request" not in headers

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return self.request.url.path

    @property
    def ip(self) -> str:
        """Where the request came from, as the proxies that are trusted say."""
        return self.request.client.host if self.request.client else ""

    @property
    def here(self) -> str:
        """Where they are, to come back to."""
        query = self.request.url.query
        return self.path + (f"?{query}" if query else "")

    @property
    def languages(self) -> tuple[str, ...]:
        """Ours."""
        return LANGUAGES

    def say(self, code: str, /, **facts: Any) -> str:
        """A phrase in their language."""
        return say_phrase(code, facts, self.language, timezone=self.timezone)

    def query(self, name: str, *, most: int = 200) -> str:
        """A text of the address; empty where there is none."""
        return self.request.query_params.get(name, "").replace("\x00", "").strip()[:most]

    def number(self, name: str, *, least: int = 1) -> int | None:
        """A row's key in the address, such as a list's `after`; None where there is none."""
        text = self.query(name, most=20)
        return int(text) if text.isascii() and text.isdigit() and least <= int(text) <= HIGHEST_KEY else None

    def key(self, name: str) -> int:
        """A row's key in the path. NotFound where it can be none."""
        value = int(self.request.path_params[name])
        if not 0 < value <= HIGHEST_KEY:
            raise NotFound("trouble.unknown")
        return value

    async def form(self) -> Form:
        """What was posted, checked for CSRF before the handler was called."""
        assert self.posted is not None, "only an unsafe method brings a form"
        return self.posted

    def render(self, template: str, status: int = 200, *, block: str | None = None, **context: Any) -> HTMLResponse:
        """The whole page; under htmx only a block of it: `block`, else the one named as the target, else `content`."""
        if self.htmx:
            return self._part(template, status, block or self._target(template), context)
        note = self._note()
        text = drawing.draw(self, template, {"note": note, **self._around(), **context})
        response = HTMLResponse(text, status)
        if note is not None:
            cookies.drop(response, self.house, cookies.NOTE)
        return response

    def _part(self, template: str, status: int, block: str, context: Mapping[str, Any]) -> HTMLResponse:
        text = drawing.draw(self, template, {"note": None, **self._around(), **context}, block=block)
        return HTMLResponse(text, status, headers={"Vary": "HX-Request"})

    def _target(self, template: str) -> str:
        """`hx-target="#rows"` of a template that has a block `rows` gets that block."""
        name = self.request.headers.get("hx-target", "").replace("-", "_")
        return name if name.isidentifier() and drawing.has_block(template, name) else "content"

    def _around(self) -> dict[str, Any]:
        """What the frame of the page needs."""
        return {}

    def see_other(self, path: str, note_code: str | None = None, **facts: Any) -> Response:
        """Go there next, perhaps with a sentence about what was done."""
        if self.htmx:
            response = Response(status_code=200, headers={"HX-Redirect": quote(path, safe=_OF_A_PATH)})
        else:
            response = RedirectResponse(path, 303)
        if note_code is not None:
            note = cookies.sign(self.house, "note", {"code": note_code, "facts": facts}, lives=NOTE_LIVES)
            cookies.write(response, self.house, cookies.NOTE, note, max_age=int(NOTE_LIVES.total_seconds()))
        return response

    def toast(self, code: str, *, tone: str = "success", response: R | None = None, **facts: Any) -> R | Response:
        """A sentence in the corner, under htmx: with a part of a page, or alone, where nothing is to be swapped."""
        answer = response if response is not None else Response(status_code=204)
        answer.headers["HX-Trigger"] = json.dumps({"toast": {"text": self.say(code, **facts), "tone": tone}})
        return answer

    def _note(self) -> str | None:
        given = cookies.signed(self.house, "note", cookies.read(self.request, self.house, cookies.NOTE))
        return self.say(given["code"], **given["facts"]) if given else None


@dataclass(frozen=True)
class Visit(Guest):
    """A request by a signed-in member."""

    actor: Actor = field(kw_only=True)
    member: dict[str, Any] = field(kw_only=True)
    session_id: int = field(kw_only=True)

    @property
    def desk(self) -> Desk:
        """The office in their name: `await visit.desk.read(verb, …)`, `await visit.desk.run(verb, …)`."""
        return self.house.office.desk(self.actor)

    def may(self, permission: Permission) -> bool:
        """Whether they may."""
        return self.actor.may(permission)

    def _around(self) -> dict[str, Any]:
        from console.table import sidebar  # noqa: PLC0415 - the table lists the pages, which are made of this

        return {"sidebar": sidebar(self)}


Handler = Callable[[Visit], Awaitable[Response]]
OpenHandler = Callable[[Guest], Awaitable[Response]]


@dataclass(frozen=True)
class Page:
    """A declared page. `needs` None: every member. `open_handler`: for people who are not signed in."""

    path: str
    methods: tuple[str, ...]
    needs: Permission | None = None
    body_limit: int = BODY_LIMIT
    handler: Handler | None = None
    open_handler: OpenHandler | None = None


def page(
    path: str, *, needs: Permission | None, methods: tuple[str, ...] = ("GET",), body_limit: int = BODY_LIMIT
) -> Callable[[Handler], Page]:
    """Declare a page for members. `body_limit` in bytes is raised only where files are taken."""
    assert path.startswith("/console"), "a page is declared by its whole path"

    def declare(handler: Handler) -> Page:
        return Page(path, methods, needs, body_limit, handler=handler)

    return declare


def open_page(path: str, *, methods: tuple[str, ...] = ("GET",)) -> Callable[[OpenHandler], Page]:
    """Declare a page for people who are not signed in."""

    def declare(handler: OpenHandler) -> Page:
        return Page(path, methods, open_handler=handler)

    return declare


def inside(path: str | None) -> str | None:
    """The path where it leads to a page of the console, and nowhere else; None for anything that might not."""
    if not path or not path.isascii() or any(sign in path for sign in _OUT_OF_PLACE):
        return None
    parts = urlsplit(path)
    leads = not parts.scheme and not parts.netloc and (parts.path == "/console" or parts.path.startswith("/console/"))
    return path if leads and "//" not in parts.path and ".." not in parts.path else None
