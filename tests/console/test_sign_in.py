"""Signing in: who is let in, what the cookie is, who must wait, what nobody is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import members, sessions
from desk.work import House, Work
from models.access import OPERATOR, Role
from models.session import MemberSession, SignInTry
from tests.console.front import PASSWORD, Front, email

WRONG = "The email or the password is not right."


async def test_a_member_signs_in_and_out(console: Front) -> None:
    window = console.window()
    asked = await window.get("/console/team?left=1")
    assert (asked.status_code, asked.headers["location"]) == (303, "/console/sign-in?next=/console/team%3Fleft%3D1")

    entered = await window.post(
        asked.headers["location"], at=asked.headers["location"], email=" ADMIN@example.org ", password=PASSWORD
    )
    assert (entered.status_code, entered.headers["location"]) == (303, "/console/team?left=1")
    assert "Your account" in await window.read("/console/me")

    left = await window.post("/console/sign-out")
    assert left.headers["location"] == "/console/sign-in"
    assert (await window.get("/console/me")).status_code == 303
    assert [action for action in await console.audited() if action.startswith("sign_in")] == [
        "sign_in.ok",
        "sign_in.out",
    ]


async def test_the_cookie_is_random_kept_as_a_digest_and_out_of_reach_of_scripts(console: Front) -> None:
    window = console.window()
    answer = await window.sign_in(Role.ADMIN)
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("chargehand="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert window.session is not None
    assert len(window.session) >= 43

    def kept(work: Work) -> list[MemberSession]:
        return list(work.session.scalars(select(MemberSession)))

    (row,) = await console.office.read(OPERATOR, kept)
    assert row.digest == sessions.digest(window.session)
    assert window.session not in str(vars(row))
    assert (row.agent, row.ip) == ("Firefox · Linux", "127.0.0.1")


class TestByTls:
    """Where browsers reach us by https."""

    @pytest.fixture
    def house(self, house: House) -> House:
        """The same installation, with a certificate."""
        return House(**{**vars(house), "public_url": "https://desk.example"})

    async def test_the_cookie_is_bound_to_the_host_and_to_tls(self, console: Front) -> None:
        window = console.window()
        form = await window.get("/console/sign-in")
        door = form.headers["set-cookie"]
        assert door.startswith("__Host-chargehand_door=")
        assert "Secure" in door
        assert form.headers["strict-transport-security"].startswith("max-age=")

    async def test_a_proxys_origin_is_ours(self, console: Front) -> None:
        window = console.window()
        form = await window.get("/console/sign-in")
        name, _, value = form.headers["set-cookie"].partition(";")[0].partition("=")
        token = form.text.partition('name="csrf" value="')[2][:64]
        answer = await window.http.post(
            "/console/sign-in", data={"csrf": token, "email": email(Role.ADMIN), "password": PASSWORD},
            headers={"origin": "https://desk.example", "cookie": f"{name}={value}"},
        )  # fmt: skip
        assert answer.status_code == 303
        assert any(line.startswith("__Host-chargehand=") for line in answer.headers.get_list("set-cookie"))


async def test_a_session_that_was_planted_before_does_not_become_signed_in(console: Front) -> None:
    window = console.window()
    window.http.cookies.set("chargehand", "planted-by-somebody-else", domain="127.0.0.1")
    await window.sign_in(Role.ADMIN)
    other = console.window()
    other.http.cookies.set("chargehand", "planted-by-somebody-else", domain="127.0.0.1")
    assert (await other.get("/console/me")).status_code == 303
    planted = [cookie.value for cookie in window.http.cookies.jar if cookie.name == "chargehand"]
    assert any(value != "planted-by-somebody-else" for value in planted)


async def test_each_sign_in_has_an_id_of_its_own(console: Front) -> None:
    one, two = await console.signed_in(Role.ADMIN), await console.signed_in(Role.ADMIN)
    assert one.session != two.session


@pytest.mark.parametrize("who", ["admin@example.org", "nobody@example.org", "", "no email at all", "x" * 290])
async def test_a_wrong_password_and_an_unknown_email_are_told_the_same(console: Front, who: str) -> None:
    answer = await console.window().sign_in(who, "not the password")
    assert answer.status_code == 422
    assert WRONG in answer.text
    assert answer.headers.get_list("set-cookie")[0].startswith("chargehand_door=")


async def test_who_left_or_has_no_password_is_not_let_in(console: Front) -> None:
    def change(work: Work) -> None:
        members.disable(work, members.get(work, email(Role.MANAGER)))
        members.get(work, email(Role.DISPATCHER)).password_hash = None

    await console.office.run(OPERATOR, change)
    for role in (Role.MANAGER, Role.DISPATCHER):
        answer = await console.window().sign_in(role)
        assert (answer.status_code, WRONG in answer.text) == (422, True)


async def test_after_five_wrong_tries_even_the_right_password_waits(console: Front) -> None:
    window = console.window()
    for _ in range(5):
        assert (await window.sign_in(Role.ADMIN, "guess")).status_code == 422
    answer = await window.sign_in(Role.ADMIN)
    assert answer.status_code == 429
    assert "Please try again in 15 minutes" in answer.text
    assert (await window.sign_in("nobody@example.org", "guess")).status_code == 422, "others may go on"
    assert (await console.audited()).count("sign_in.limited") == 1

    console.clock.leap(16 * 60)
    assert (await window.sign_in(Role.ADMIN)).status_code == 303


async def test_guesses_at_somebody_whom_nobody_knows_wait_alike(console: Front) -> None:
    window = console.window()
    for _ in range(5):
        assert (await window.sign_in("nobody@example.org", "guess")).status_code == 422
    assert (await window.sign_in("nobody@example.org", "guess")).status_code == 429


async def test_guesses_beside_one_another_are_all_counted(console: Front) -> None:
    windows = [console.window() for _ in range(12)]
    answers = await asyncio.gather(*(window.sign_in(Role.ADMIN, "guess") for window in windows))
    refused = [answer.status_code for answer in answers].count(429)
    assert refused >= 12 - 5 - 4, "PostgreSQL may let as many more through as were looking at the same moment"
    assert (await windows[0].sign_in(Role.ADMIN)).status_code == 429


async def test_one_address_cannot_try_everybody(console: Front) -> None:
    window = console.window()
    for number in range(20):
        assert (await window.sign_in(f"member{number}@example.org", "guess")).status_code == 422
    assert (await window.sign_in(Role.ADMIN)).status_code == 429


async def test_right_passwords_do_not_count(console: Front) -> None:
    window = console.window()
    for _ in range(7):
        answer = await window.sign_in(Role.ADMIN)
        assert answer.status_code == 303
        window.http.cookies.clear()
    tries = await console.office.read(OPERATOR, lambda work: list(work.session.scalars(select(SignInTry.fits))))
    assert tries == [True] * 7


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/console/", "//evil.example/console/", "/\\evil.example", "/console/../evil", "/chat",
        "javascript:alert(1)", "/console//evil.example", "/consolevil", "/console/%0d%0aset-cookie:x", "http:/console/",
    ],
)  # fmt: skip
async def test_nobody_is_sent_elsewhere_after_signing_in(console: Front, elsewhere: str) -> None:
    window = console.window()
    answer = await window.sign_in(Role.ADMIN, next_path=elsewhere)
    assert answer.headers["location"].startswith(("/console/start", "/console/%0d%0a"))
    assert "\n" not in answer.headers["location"]


async def test_a_session_ends_after_twelve_idle_hours_and_after_a_week(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    console.clock.leap(timedelta(hours=11, minutes=59).total_seconds())
    assert (await window.get("/console/me")).status_code == 200
    console.clock.leap(timedelta(hours=12, minutes=1).total_seconds())
    assert (await window.get("/console/me")).status_code == 303

    window = await console.signed_in(Role.ADMIN)
    for _ in range(15):
        console.clock.leap(timedelta(hours=11).total_seconds())
        assert (await window.get("/console/me")).status_code == 200
    console.clock.leap(timedelta(hours=4).total_seconds())
    assert (await window.get("/console/me")).status_code == 303


async def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    for _ in range(13):
        console.clock.leap(3600)
        await window.get("/console/me", **{"x-live": "1"})
    assert (await window.get("/console/me")).status_code == 303


async def test_last_seen_is_noted_at_most_once_a_minute(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)

    async def seen() -> float:
        at = await console.office.read(
            OPERATOR, lambda work: work.session.scalars(select(MemberSession.last_seen_at)).one()
        )
        return (console.clock.now() - at).total_seconds()

    console.clock.leap(59)
    await window.get("/console/me")
    assert await seen() == 59
    console.clock.leap(1)
    await window.get("/console/me")
    assert await seen() == 0


async def test_a_given_password_must_be_changed_before_anything_else(console: Front) -> None:
    def give(work: Work) -> None:
        members.get(work, email(Role.ADMIN)).must_change_password = True

    await console.office.run(OPERATOR, give)
    window = await console.signed_in(Role.ADMIN)
    for path in ("/console/me", "/console/team", "/console/start"):
        assert (await window.get(path)).headers["location"] == "/console/me/password"
    form = {
        "at": "/console/me/password",
        "old": PASSWORD,
        "new": "a password of my own",
        "again": "a password of my own",
    }
    assert (await window.post("/console/me/password", **form)).status_code == 303
    assert (await window.get("/console/team")).status_code == 200


@pytest.mark.parametrize(
    ("header", "words"), [("si;q=0.9, en;q=0.1", "පිවිසෙන්න"), ("fr, ta", "உள்நுழைக"), ("es-MX", "Iniciar sesión")]
)
async def test_the_door_speaks_the_browsers_language_until_another_is_chosen(
    console: Front, header: str, words: str
) -> None:
    window = console.window(**{"accept-language": header})
    assert words in await window.read("/console/sign-in")
    assert (await window.get("/console/sign-in?language=en")).status_code == 303
    assert "Password lost?" in await window.read("/console/sign-in")
