"""What opens a door never stands in a log: a house is driven through what goes right and what goes wrong, and every
line that it wrote is searched. The product logs at INFO; here our own rooms and every library speak at DEBUG as well.
"""

from __future__ import annotations

import base64
import io
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import aiohttp
import httpx
import pytest
import structlog
import websockets

from bot.logs import QUIET, configure
from console import second_factor
from desk import member_links, members
from desk import second_factor as factors
from desk.work import Work
from models.access import OPERATOR, Role
from models.member import MemberIdentityKind
from models.signed import sign_link
from tests.console.caller import PASSWORD as MEMBERS_PASSWORD
from tests.console.caller import call_in
from tests.fakes.telegram_faults import broken_response, dropped_request, gateway_error, refused
from tests.fakes.twilio_faults import refused as twilio_refuses
from tests.fakes.twilio_faults import server_error
from tests.world import DRIVERS_BOT, PASSWORD, TEAM_BOT, World, world

DRIVER = "+94771234567"
WRONG = "wrong horse battery staple"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, as the product writes it."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    kept = {name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in QUIET}
    stream = io.StringIO()
    configure(json=True, level="DEBUG", stream=stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)
    for name, (old, handlers) in kept.items():
        logging.getLogger(name).setLevel(old)
        logging.getLogger(name).handlers[:] = handlers
    logging.getLogger("uvicorn.access").disabled = False
    structlog.reset_defaults()


def _searched(stream: io.StringIO, secrets: dict[str, str]) -> None:
    text = stream.getvalue()
    assert text, "nothing was logged, so nothing is shown"
    for what, secret in secrets.items():
        for spelling in (secret, quote(secret), quote(secret, safe="")):
            at = text.find(spelling)
            assert at < 0, f"{what} stands in the log: {text[max(at - 300, 0) : at + 100]}"


@asynccontextmanager
async def _house(database_url: str, folder: Path) -> AsyncIterator[World]:
    async with world(
        database_url, folder, telegram=True, team_telegram=True, PUBLIC_URL="http://127.0.0.1", METRICS_TOKEN="m" * 30
    ) as here:
        here.twilio.connect(here.settings["PUBLIC_URL"], deliver_to=here.http)  # what it signs
        yield here


async def test_a_day_in_the_house_tells_no_secret(database_url: str, tmp_path: Path, written: io.StringIO) -> None:
    async with _house(database_url, tmp_path) as here:
        assert here.telegram is not None
        secrets = {
            "the secret key": here.settings["SECRET_KEY"], "the metrics token": here.settings["METRICS_TOKEN"],
            "the drivers' bot": DRIVERS_BOT.partition(":")[2], "the team's bot": TEAM_BOT.partition(":")[2],
            "Twilio's token": here.twilio.auth_token, "a charger's password": PASSWORD,
            "a member's password": MEMBERS_PASSWORD, "a wrong password": WRONG, "a customer's number": DRIVER[1:],
        }  # fmt: skip
        secrets |= await _customers_write(here)
        secrets |= await _members_sign_in(here)
        secrets |= await _programs_call(here)
        await _a_charger_with_a_wrong_password(here)
        await here.quiet()
        for phone in here.phones.values():
            phone.read = len(phone.got)  # what they heard is other tests' matter
        for person in here.on_telegram:
            person.read = len(person.got)
        _searched(written, secrets)


async def _customers_write(here: World) -> dict[str, str]:
    """By WhatsApp and Telegram, while both providers stumble; and a webhook that nobody signed."""
    assert here.telegram is not None
    here.twilio.inject(server_error())
    here.twilio.inject(twilio_refuses(63024))
    driver = here.driver(DRIVER)
    await driver.says("hello")
    for fault in (gateway_error(html=True), dropped_request(), broken_response(), refused(400, "Bad Request: no")):
        here.telegram.inject(fault)
    person = here.telegram_driver()
    person.starts()
    await here.quiet()
    signature = "Zm9yZ2VkIHNpZ25hdHVyZQ=="
    async with httpx.AsyncClient(base_url=here.http, trust_env=False) as http:
        form = {"From": f"whatsapp:{DRIVER}", "Body": "hi"}
        answer = await http.post("/webhooks/twilio/whatsapp", data=form, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 403
    return {"a signature": signature}


async def _members_sign_in(here: World) -> dict[str, str]:
    """With a wrong password, the right one, a second step; with links to tie their accounts."""
    await here.member(Role.ADMIN, name="Asha")
    caller = await call_in(here, "Asha")
    stranger = httpx.AsyncClient(base_url=here.http, timeout=30, trust_env=False)
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', (await stranger.get("/console/sign-in")).text)
    assert found is not None
    form = {"csrf": found[1], "email": "asha@team.example", "password": WRONG}
    assert (await stranger.post("/console/sign-in", data=form)).status_code == 422
    await stranger.aclose()
    await caller.post("/console/me/second-step/new", part=False)
    secret = await here.app.office.read(OPERATOR, _sealed)
    plain = second_factor.unseal(here.app.console, secret)
    assert plain is not None
    await caller.post("/console/me/second-step/confirm", code="000000")
    session = caller.http.cookies["chargehand"]
    await caller.http.aclose()
    telegram, typed = await here.app.office.run(OPERATOR, _links)
    await here.driver("+94779999999").says(f"LINK {typed[:4]}-{typed[4:]}")
    await here.quiet()
    return {
        "the e-mail's name": "asha@team", "the sign-in form's token": found[1], "a session": session,
        "a form's token": caller.csrf, "the authenticator's secret": plain, "a link for Telegram": telegram,
        "a code for WhatsApp": typed,
    }  # fmt: skip


def _sealed(work: Work) -> str:
    factor = factors.get(work, members.get(work, "asha@team.example").id)
    assert factor is not None
    return factor.sealed


def _links(work: Work) -> tuple[str, str]:
    member = members.get(work, "asha@team.example")
    code = member_links.create_link(work, member, MemberIdentityKind.WHATSAPP)
    return member_links.create_link(work, member), code


async def _programs_call(here: World) -> dict[str, str]:
    """With a token, with a wrong one, by a link to a file, and where our own code fails."""
    api = await here.api("Asha")
    token = api.headers["authorization"].removeprefix("Bearer ")
    assert (await api.get("/tickets")).status_code == 200
    wrong = f"{token[:-4]}AAAA"
    assert (await api.get("/tickets", headers={"Authorization": f"Bearer {wrong}"})).status_code == 401
    link = sign_link(here.app.house.secret, 999_999, here.clock.now() + timedelta(minutes=5))
    assert (await api.get(f"{here.http}/files/{link}")).status_code == 404
    for token_of in (here.settings["METRICS_TOKEN"], WRONG.replace(" ", "")):
        await api.get(f"{here.http}/metrics", headers={"Authorization": f"Bearer {token_of}"})
    await api.aclose()
    return {"an API token": token, "a wrong API token": wrong, "a link to a file": link}


async def _a_charger_with_a_wrong_password(here: World) -> None:
    await here.charger("100001")
    address = f"ws://127.0.0.1:{here.app.central.port}/ocpp/100001"
    basic = "Basic " + base64.b64encode(f"100001:{WRONG}".encode()).decode()
    with pytest.raises(websockets.exceptions.InvalidStatus):
        await websockets.connect(address, subprotocols=["ocpp1.6"], additional_headers={"Authorization": basic})  # type: ignore[list-item]


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_libraries_that_fail_at_an_address_with_a_token_do_not_tell_it(written: io.StringIO, level: str) -> None:
    configure(json=True, level=level, stream=written)
    address = f"http://127.0.0.1:1/bot{DRIVERS_BOT}/getMe"
    log = logging.getLogger("bot.x")
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.get(address)
    except httpx.HTTPError as error:
        log.exception("at %s", address)
        log.warning("said: %s %r", error.request.url, error.request)
    try:
        async with aiohttp.ClientSession() as session:
            await session.get(address)
    except aiohttp.ClientError as error:
        log.exception("at %s: %r", address, error)
    response = httpx.Response(404, request=httpx.Request("GET", address))
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError:
        log.exception("it failed")
    _searched(written, {"the bot": DRIVERS_BOT.partition(":")[2]})
    assert "HTTPStatusError" in written.getvalue()
