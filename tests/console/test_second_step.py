"""The second step at sign-in: set up, asked for, used once, lost and found again."""

from __future__ import annotations

import re

import pyotp
import pytest
from sqlalchemy import select

from models.access import OPERATOR, Role
from models.session import RecoveryCode, SecondFactor
from tests.console.front import PASSWORD, Front, Window

STEP = "/console/me/second-step"
CODE = "/console/sign-in/code"


def _code(console: Front, secret: str, *, off_s: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(console.clock.now().timestamp()) + off_s)


async def _set_up(console: Front, window: Window) -> tuple[str, list[str]]:
    """Turn it on; gives the secret and the recovery codes."""
    assert (await window.post(f"{STEP}/new")).headers["location"] == STEP
    page = await window.read(STEP)
    found = re.search(r'<code class="break-words">([A-Z2-7 ]+)</code>', page)
    assert found is not None
    assert "<svg" in page
    secret = found[1].replace(" ", "")
    answer = await window.post(f"{STEP}/confirm", at=STEP, code=_code(console, secret))
    assert answer.status_code == 200
    codes = re.findall(r"\b[2-9a-z]{5}-[2-9a-z]{5}\b", answer.text.partition('id="codes">')[2].partition("</pre>")[0])
    assert len(codes) == 10
    console.clock.leap(60)
    return secret, codes


async def _halfway(console: Front, role: Role = Role.ADMIN) -> Window:
    window = console.window()
    answer = await window.sign_in(role)
    assert (answer.status_code, answer.headers["location"]) == (303, CODE)
    assert window.session is None
    return window


async def _give(window: Window, code: str) -> int:
    return (await window.post(CODE, at=CODE, code=code)).status_code


async def test_the_password_alone_opens_nothing_any_more(console: Front) -> None:
    secret, _ = await _set_up(console, await console.signed_in(Role.ADMIN))
    window = await _halfway(console)
    assert (await window.get("/console/me")).status_code == 303
    assert await _give(window, "000000") == 422
    assert await _give(window, _code(console, secret)) == 303
    assert (await window.get("/console/me")).status_code == 200


async def test_a_code_opens_once_and_no_earlier_one_after_it(console: Front) -> None:
    secret, _ = await _set_up(console, await console.signed_in(Role.ADMIN))
    earlier, code = _code(console, secret, off_s=-30), _code(console, secret)
    assert await _give(await _halfway(console), code) == 303
    replay = await _halfway(console)
    assert await _give(replay, code) == 422, "the same code once more"
    assert await _give(replay, earlier) == 422, "a code from before it"
    console.clock.leap(30)
    assert await _give(replay, _code(console, secret)) == 303


async def test_a_phones_clock_may_be_a_little_off_but_not_much(console: Front) -> None:
    secret, _ = await _set_up(console, await console.signed_in(Role.ADMIN))
    window = await _halfway(console)
    for off_s in (-90, 90):
        assert await _give(window, _code(console, secret, off_s=off_s)) == 422
    assert await _give(window, _code(console, secret, off_s=30)) == 303


async def test_a_recovery_code_opens_once(console: Front) -> None:
    _, codes = await _set_up(console, await console.signed_in(Role.ADMIN))
    assert await _give(await _halfway(console), codes[0].upper().replace("-", " ")) == 303
    window = await _halfway(console)
    assert await _give(window, codes[0]) == 422
    assert await _give(window, codes[1]) == 303
    assert "8 recovery codes are left" in await window.read("/console/me")
    assert (await console.audited()).count("second_factor.recovery_used") == 2


async def test_codes_cannot_be_guessed_for_ever(console: Front) -> None:
    secret, _ = await _set_up(console, await console.signed_in(Role.ADMIN))
    window = await _halfway(console)
    for number in range(5):
        assert await _give(window, f"{number:06}") == 422
    assert await _give(window, _code(console, secret)) == 429


async def test_the_second_form_is_nothing_without_the_first(console: Front) -> None:
    window = console.window()
    assert (await window.get(CODE)).headers["location"] == "/console/sign-in"
    halfway = await _halfway_of_somebody(console)
    step = halfway.http.cookies.get("chargehand_step")
    assert step is not None
    thief = console.window()
    await thief.get("/console/sign-in")
    thief.http.cookies.set("chargehand_step", step, domain="127.0.0.1")
    assert (await thief.get(CODE)).status_code == 303, "bound to the browser that gave the password"
    console.clock.leap(6 * 60)
    assert (await halfway.get(CODE)).status_code == 303, "and to five minutes"


async def _halfway_of_somebody(console: Front) -> Window:
    await _set_up(console, await console.signed_in(Role.MANAGER))
    return await _halfway(console, Role.MANAGER)


async def test_secrets_and_codes_are_not_kept_in_the_clear(console: Front) -> None:
    secret, codes = await _set_up(console, await console.signed_in(Role.ADMIN))
    kept = await console.office.read(OPERATOR, lambda work: work.session.scalars(select(SecondFactor.sealed)).one())
    digests = await console.office.read(OPERATOR, lambda work: list(work.session.scalars(select(RecoveryCode.digest))))
    assert secret not in kept
    assert not set(codes) & set(digests)


async def test_a_secret_that_waits_is_not_asked_for_and_one_in_use_is_not_replaced(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    await window.post(f"{STEP}/new")
    assert (await console.window().sign_in(Role.ADMIN)).headers["location"] == "/console/start"
    await _set_up(console, window)
    assert (await window.post(f"{STEP}/new")).status_code == 409
    assert (await window.get(STEP)).headers["location"] == "/console/me#second-step"


async def test_it_is_turned_off_with_the_password_only(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    _, codes = await _set_up(console, window)
    assert (await window.post(f"{STEP}/off", password="wrong")).status_code == 422
    assert (await window.post(f"{STEP}/codes", password="wrong")).status_code == 422
    fresh = await window.post(f"{STEP}/codes", password=PASSWORD)
    assert codes[0] not in fresh.text
    assert await _give(await _halfway(console), codes[0]) == 422, "the old codes are void"
    assert (await window.post(f"{STEP}/off", password=PASSWORD)).status_code == 303
    assert (await console.window().sign_in(Role.ADMIN)).headers["location"] == "/console/start"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER])
async def test_only_who_manages_the_team_resets_it_for_another(console: Front, role: Role) -> None:
    lost = await console.signed_in(Role.DISPATCHER)
    await _set_up(console, lost)
    path = f"/console/team/{await console.member_id(Role.DISPATCHER)}/second-step"
    answer = await (await console.signed_in(role)).post(path)
    assert answer.status_code == (303 if role is Role.ADMIN else 403)
    assert (await lost.get("/console/me")).status_code == (303 if role is Role.ADMIN else 200)
    again = await console.window().sign_in(Role.DISPATCHER)
    assert again.headers["location"] == ("/console/start" if role is Role.ADMIN else CODE)
