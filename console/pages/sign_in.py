"""Signing in and out."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from console import agents, cookies, csrf, passwords, second_factor, table
from console.pages.page import Guest, Visit, inside, open_page, page
from desk import second_factor as factors
from desk import sign_in
from desk.sign_in import STRANGER
from models.errors import Refusal
from phrases.catalogue import LANGUAGES

STEP_LIVES = timedelta(minutes=5)


@open_page("/console/sign-in")
async def show(guest: Guest) -> Response:
    """The form; whoever is signed in goes on."""
    if isinstance(guest, Visit):
        return guest.see_other(inside(guest.query("next", most=1000)) or table.home(guest))
    chosen = guest.query("language")
    if chosen in LANGUAGES:
        response = guest.see_other(_back_to_form(guest))
        cookies.write_choice(response, guest.house, cookies.LANGUAGE, chosen)
        return response
    return _form(guest)


@open_page("/console/sign-in", methods=("POST",))
async def enter(guest: Guest) -> Response:
    """An email and a password."""
    form, house = await guest.form(), guest.house
    email, password = form.text("email", most=300), form.secret("password")
    try:
        knock = await house.office.run(STRANGER, sign_in.knock, email, guest.ip)
    except Refusal as refusal:
        await house.office.run(STRANGER, sign_in.limited, email, guest.ip)
        return _form(guest, 429, refusal=refusal, email=email)
    if not await passwords.fits(knock.password_hash, password):
        await house.office.run(STRANGER, sign_in.wrong, knock.id)
        return _form(guest, 422, refusal=Refusal("sign_in.wrong"), email=email)
    assert knock.member_id is not None
    token = await house.office.run(STRANGER, sign_in.right, knock.id, knock.member_id, agent=_agent(guest), ip=guest.ip)
    if token is None:
        return _ask_code(guest, knock.member_id)
    return _let_in(guest, token)


@open_page("/console/sign-in/code")
async def show_code(guest: Guest) -> Response:
    """The second form."""
    if _halfway(guest) is None:
        return guest.see_other(_back_to_form(guest))
    return _code_form(guest)


@open_page("/console/sign-in/code", methods=("POST",))
async def enter_code(guest: Guest) -> Response:
    """A code of the authenticator, or one for recovery."""
    halfway, house = _halfway(guest), guest.house
    if halfway is None:
        return guest.see_other(_back_to_form(guest))
    member_id, code = int(halfway["member"]), (await guest.form()).text("code", most=40)
    try:
        knock = await house.office.run(STRANGER, sign_in.knock_with_code, member_id, guest.ip)
    except Refusal as refusal:
        return _code_form(guest, 429, refusal=refusal)
    way = await _take(guest, member_id, code)
    if way is None:
        await house.office.run(STRANGER, sign_in.wrong, knock.id)
        return _code_form(guest, 422, refusal=Refusal("second_factor.wrong"))
    token = await house.office.run(
        STRANGER, sign_in.right_code, knock.id, member_id, agent=_agent(guest), ip=guest.ip, way=way
    )
    return _let_in(guest, token)


@page("/console/sign-out", needs=None, methods=("POST",))
async def leave(visit: Visit) -> Response:
    """Sign out of this browser."""
    await visit.desk.run(sign_in.leave, visit.member["id"], visit.session_id)
    response = visit.see_other("/console/sign-in")
    cookies.drop(response, visit.house, cookies.SESSION)
    return response


async def _take(guest: Guest, member_id: int, code: str) -> str | None:
    """Use a code up; tells which kind it was."""
    house = guest.house
    factor = await house.office.read(STRANGER, factors.get, member_id)
    secret = second_factor.unseal(house, factor.sealed) if factor is not None else None
    step = second_factor.step_of(secret, code, house.now()) if secret is not None else None
    if step is not None:
        return "authenticator" if await house.office.run(STRANGER, factors.take, member_id, step) else None
    return "recovery" if await house.office.run(STRANGER, factors.take_recovery, member_id, code) else None


def _let_in(guest: Guest, token: str) -> Response:
    """A new id for the cookie, whatever the browser held before."""
    response = guest.see_other(inside(guest.query("next", most=1000)) or "/console/start")
    cookies.write(response, guest.house, cookies.SESSION, token)
    cookies.drop(response, guest.house, cookies.STEP)
    cookies.drop(response, guest.house, cookies.DOOR)
    return response


@page("/console/start", needs=None)
async def start(visit: Visit) -> Response:
    """To where this member begins."""
    return visit.see_other(table.home(visit))


def _ask_code(guest: Guest, member_id: int) -> Response:
    nonce = {"member": member_id, "door": cookies.read(guest.request, guest.house, cookies.DOOR)}
    step = cookies.sign(guest.house, "step", nonce, lives=STEP_LIVES)
    response = guest.see_other(f"/console/sign-in/code{_query(guest)}")
    cookies.write(response, guest.house, cookies.STEP, step, max_age=int(STEP_LIVES.total_seconds()))
    return response


def _halfway(guest: Guest) -> dict[str, Any] | None:
    given = cookies.signed(guest.house, "step", cookies.read(guest.request, guest.house, cookies.STEP))
    door = cookies.read(guest.request, guest.house, cookies.DOOR)
    return given if given is not None and given["door"] == door else None


def _form(guest: Guest, status: int = 200, *, refusal: Refusal | None = None, email: str = "") -> Response:
    return _at_door(guest, "access/sign_in.html", status, refusal, email=email)


def _code_form(guest: Guest, status: int = 200, *, refusal: Refusal | None = None) -> Response:
    return _at_door(guest, "access/code.html", status, refusal)


def _at_door(guest: Guest, template: str, status: int, refusal: Refusal | None, **more: Any) -> Response:
    """A form for somebody unknown: its token is bound to a cookie that only this browser has."""
    nonce = cookies.read(guest.request, guest.house, cookies.DOOR) or secrets.token_urlsafe(24)
    text = guest.say(refusal.code, **refusal.facts) if refusal is not None else None
    response = guest.render(
        template, status, text=text, door_csrf=csrf.token(guest.house, f"door:{nonce}"), query=_query(guest),
        languages=LANGUAGES, **more,
    )  # fmt: skip
    cookies.write(response, guest.house, cookies.DOOR, nonce)
    return response


def _query(guest: Guest) -> str:
    """`?next=…` where it leads into the console."""
    wanted = inside(guest.query("next", most=1000))
    return f"?next={quote(wanted, safe='/')}" if wanted else ""


def _back_to_form(guest: Guest) -> str:
    return f"/console/sign-in{_query(guest)}"


def _agent(guest: Guest) -> str:
    return agents.label(guest.request.headers.get("user-agent", ""))


PAGES = (show, enter, show_code, enter_code, leave, start)
