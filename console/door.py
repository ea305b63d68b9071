"""The door of the console: who asks, whether they may, whether they meant it; and every trouble as a worded page."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import cookies, csrf
from console.api.language import accepted
from console.house import ConsoleHouse
from console.pages.form import Form
from console.pages.page import Guest, Page, Visit
from desk import audit, sessions, sign_in
from desk.sign_in import STRANGER, Visitor
from desk.work import Work
from models.errors import NotAllowed, Refusal, Unavailable
from phrases.catalogue import LANGUAGES, spoken

log = logging.getLogger(__name__)

SIGN_IN = "/console/sign-in"
PASSWORD = "/console/me/password"  # noqa: S105 - a path
_FREE_OF_CHANGE = (PASSWORD, "/console/sign-out")
_FIELDS = 500
_RETRY_S = 5


class TooLarge(Exception):  # noqa: N818 - it ends one request
    """More of a body came than is taken."""


class Door:
    """One page as an ASGI application."""

    def __init__(self, declared: Page, house: ConsoleHouse) -> None:
        self._page = declared
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        request = Request(scope, _limited(receive, self._page.body_limit))
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        guest = stranger(request, self._house)
        try:
            visitor = await who(request, self._house)
            if visitor is not None:
                guest = _visit(request, self._house, visitor)
            response = await self._serve(guest)
        except Refusal as refusal:
            await self._note(guest, refusal)
            return trouble(guest, refusal.status, refusal.code, refusal.facts)
        except (TooLarge, MultiPartException):
            return trouble(guest, 413, "trouble.too_large", {})
        except HTTPException as error:
            return trouble(guest, error.status_code, "trouble.not_understood", {})
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Unavailable:
            return away(guest)
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("a page failed", extra={"incident": incident, "path": request.url.path})
            return trouble(guest, 500, "trouble.bug", {"incident": incident})
        return response

    async def _serve(self, guest: Guest) -> Response:
        if self._page.open_handler is not None:
            return await self._page.open_handler(await self._checked(guest))
        if not isinstance(guest, Visit):
            return to_sign_in(guest)
        if guest.member["must_change_password"] and guest.path not in _FREE_OF_CHANGE:
            return guest.see_other(PASSWORD)
        assert self._page.handler is not None
        checked = await self._checked(guest)
        assert isinstance(checked, Visit)
        if self._page.needs is not None:
            guest.actor.require(self._page.needs)
        return await self._page.handler(checked)

    async def _checked(self, guest: Guest) -> Guest:
        """The form of an unsafe request, where it is meant; refuses what another page or session sent."""
        request = guest.request
        if request.method in csrf.SAFE:
            return guest
        if not csrf.same_site(request, self._house):
            raise NotAllowed("trouble.foreign")
        form = Form(await request.form(max_files=10, max_fields=_FIELDS, max_part_size=self._page.body_limit))
        given = request.headers.get(csrf.HEADER) or form.text(csrf.FIELD, most=200)
        if not csrf.fits(guest.csrf, given):
            raise NotAllowed("trouble.stale")
        return replace(guest, posted=form)

    async def _note(self, guest: Guest, refusal: Refusal) -> None:
        """Who was not allowed to change something is on record."""
        if not isinstance(guest, Visit) or not isinstance(refusal, NotAllowed) or guest.request.method in csrf.SAFE:
            return
        try:
            await guest.desk.run(_refused, f"{guest.request.method} {guest.path}", refusal.code)
        except Unavailable:
            log.warning("a refusal could not be written down", extra={"code": refusal.code})


async def who(request: Request, house: ConsoleHouse, *, noted: bool = True) -> Visitor | None:
    """The member whose session the cookie names. What they do is noted, but not what a page does by itself."""
    token = cookies.read(request, house, cookies.SESSION)
    if token is None:
        return None
    visitor = await house.office.read(STRANGER, sign_in.visitor, token)
    if visitor is None:
        return None
    due = house.now() - visitor.session.seen_at >= sessions.SEEN_EVERY
    if due and noted and "x-live" not in request.headers:
        await house.office.run(visitor.actor, sessions.seen, visitor.session.id)
    return visitor


def stranger(request: Request, house: ConsoleHouse) -> Guest:
    """Whoever asks, before it is known who they are."""
    chosen = cookies.read(request, house, cookies.LANGUAGE)
    language = chosen if chosen in LANGUAGES else accepted(request.headers.get("accept-language"))
    nonce = cookies.read(request, house, cookies.DOOR) or ""
    return Guest(request, house, language, house.timezone, csrf.token(house, f"door:{nonce}"))


def _visit(request: Request, house: ConsoleHouse, visitor: Visitor) -> Visit:
    role = visitor.actor.role
    member: dict[str, Any] = {
        "id": visitor.id, "name": visitor.name, "email": visitor.email, "role": role.value if role else "",
        "language": spoken(visitor.language), "timezone": visitor.timezone or house.timezone,
        "must_change_password": visitor.must_change_password,
    }  # fmt: skip
    return Visit(
        request, house, member["language"], member["timezone"], csrf.token(house, visitor.session.digest),
        actor=visitor.actor, member=member, session_id=visitor.session.id,
    )  # fmt: skip


def to_sign_in(guest: Guest) -> Response:
    """Sign in first, then come back; nothing that was posted is repeated."""
    request = guest.request
    wanted = guest.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method not in csrf.SAFE or guest.htmx:
        wanted = "/console/"
    path = f"{SIGN_IN}?next={quote(wanted, safe='/')}"
    if guest.htmx:
        return Response(status_code=401, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


def trouble(guest: Guest, status: int, code: str, facts: dict[str, Any]) -> Response:
    """What went wrong: a page, or under htmx a toast that leaves the page as it is."""
    try:
        text = guest.say(code, **facts)
    except (KeyError, ValueError):
        log.exception("no words", extra={"code": code})
        text = guest.say("trouble.not_understood")
    if guest.htmx:
        response = Response(status_code=status, headers={"HX-Reswap": "none"})
        return guest.toast("console.value", tone="error", response=response, value=text)
    title = f"trouble.title.{status}" if status in (403, 404, 409, 413, 422, 500, 503) else "trouble.title.other"
    return guest.render("trouble.html", status, text=text, title=guest.say(title), retry_s=None)


def away(guest: Guest) -> Response:
    """The database does not answer: the page tries again by itself."""
    if guest.htmx:
        return trouble(guest, HTTPStatus.SERVICE_UNAVAILABLE, "trouble.away", {})
    plain = stranger(guest.request, guest.house)  # the frame of a member's page would need the database
    retry_s = _RETRY_S if guest.request.method in csrf.SAFE else None
    response = plain.render(
        "trouble.html", 503, text=plain.say("trouble.away"), title=plain.say("trouble.title.503"), retry_s=retry_s
    )
    response.headers["Retry-After"] = str(_RETRY_S)
    return response


def _refused(work: Work, route: str, code: str) -> None:
    audit.record(work, "console.refused", f"member:{work.actor.id}", route=route[:200], code=code)


def _limited(receive: Receive, most: int) -> Receive:
    """A body of at most so many bytes."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise TooLarge
        return message

    return counted


class Lost:
    """For an address under /console that is none."""

    def __init__(self, house: ConsoleHouse) -> None:
        self._app: ASGIApp = Door(Page("", ("GET",), open_handler=_lost), house)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        scope["method"] = "GET"  # whatever was wanted of it, there is nothing here
        await self._app(scope, receive, send)


async def _lost(guest: Guest) -> Response:
    if not isinstance(guest, Visit):
        return to_sign_in(guest)
    return trouble(guest, 404, "trouble.unknown", {})
