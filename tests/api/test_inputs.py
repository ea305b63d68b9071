"""What cannot be understood gets a clear error at the API and changes nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from console.api.app import ApiSettings, build_api
from desk import members
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR, Role
from models.errors import Unavailable
from tests.api.conftest import Api
from tests.clock import JumpingClock

JSON = {"Content-Type": "application/json"}

BAD: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "/tickets", {"content": b"{", "headers": JSON}, 400, "error.not_json"),
    ("POST", "/tickets", {"content": b"\xff\xfe\x00", "headers": JSON}, 400, "error.not_json"),
    ("POST", "/tickets", {"content": b"[" * 60_000, "headers": JSON}, 400, "error.not_json"),
    ("POST", "/tickets", {"data": {"summary": "x", "category": "fault"}}, 400, "error.not_json"),
    ("POST", "/tickets", {"content": b'{"summary": "x", "category": "fault"}'}, 400, "error.not_json"),
    ("POST", "/tickets", {"json": []}, 422, "error.not_understood"),
    ("POST", "/tickets", {"json": {}}, 422, "error.not_understood"),
    ("POST", "/tickets", {"json": {"summary": "  ", "category": "fault"}}, 422, "error.not_understood"),
    ("POST", "/tickets", {"json": {"summary": "x" * 301, "category": "fault"}}, 422, "error.not_understood"),
    ("POST", "/tickets", {"json": {"summary": "a\u0000b", "category": "fault"}}, 422, "error.not_understood"),
    ("POST", "/tickets", {"content": b'{"summary": "\\ud800", "category": "fault"}', "headers": JSON}, 422,
     "error.not_understood"),
    ("POST", "/tickets", {"json": {"summary": "x", "category": "coffee"}}, 422, "error.not_understood"),
    ("POST", "/tickets", {"json": {"summary": "x", "category": "fault", "owner": 1}}, 422, "error.not_understood"),
    ("POST", "/tickets", {"json": {"summary": "x", "category": "fault", "charger_id": "999"}}, 404, "charger.unknown"),
    ("POST", "/tickets", {"json": {"summary": "x", "category": "fault", "contact_id": 10**30}}, 422,
     "error.not_understood"),
    ("POST", "/tickets", {"json": {"summary": "x", "category": "fault", "scheduled_visit_at": "2026-03-03T09:00"}},
     422, "error.not_understood"),
    ("POST", "/tickets", {"json": {"summary": "x", "category": "fault", "scheduled_visit_at": "2020-01-01T00:00Z"}},
     422, "ticket.visit_past"),
    ("POST", "/tickets", {"json": {"summary": "x", "category": "fault", "assignee": "nobody@x.org"}}, 404,
     "member.unknown"),
    ("PATCH", "/tickets/TKT-000001", {"json": {}}, 422, "error.nothing_to_change"),
    ("PATCH", "/tickets/TKT-000001", {"json": {"status": "DONE"}}, 422, "error.not_understood"),
    ("PATCH", "/tickets/TKT-000001", {"json": {"status": "CLOSED"}}, 409, "ticket.illegal_move"),
    ("PATCH", "/tickets/TKT-000001", {"json": {"status": "RESOLVED"}}, 422, "ticket.note_needed"),
    ("PATCH", "/tickets/TKT-000001", {"json": {"assignee": "cpo@example.org"}}, 409, "ticket.member_cannot"),
    ("GET", "/tickets/TKT-999999", {}, 404, "ticket.unknown"),
    ("GET", "/tickets/abc", {}, 422, "error.not_understood"),
    ("GET", "/messages/0", {}, 422, "error.not_understood"),
    ("GET", "/messages/99999999999999999999999", {}, 422, "error.not_understood"),
    ("GET", "/messages/12345", {}, 404, "message.unknown"),
    ("GET", "/messages?limit=0", {}, 422, "error.not_understood"),
    ("GET", "/messages?limit=201", {}, 422, "error.not_understood"),
    ("GET", "/messages?colour=red", {}, 422, "error.not_understood"),
    ("GET", "/messages?after=%00", {}, 422, "error.bad_cursor"),
    ("GET", "/messages?after=dGlja2V0LjE", {}, 422, "error.bad_cursor"),
    ("GET", "/messages?after=bWVzc2FnZS45OTk5OTk5OTk5OTk5OTk5OTk5OTk5", {}, 422, "error.bad_cursor"),
    ("GET", "/chargers/a%00b", {}, 422, "error.not_understood"),
    ("GET", "/chargers/%E2%82%AC", {}, 422, "error.not_understood"),
    ("GET", "/chargers?search=%00", {}, 422, "error.not_understood"),
    ("GET", "/nowhere", {}, 404, "error.not_found"),
    ("DELETE", "/tickets/TKT-000001", {}, 405, "error.method"),
    ("POST", "/commands", {"json": {}}, 422, "error.not_understood"),
    ("POST", "/commands", {"json": {"text": "/status 100001", "confirm": "x"}}, 422, "error.not_understood"),
    ("POST", "/commands", {"json": {"text": "/statsu 100001"}}, 422, "command.unknown_near"),
    ("POST", "/commands", {"json": {"confirm": "nonsense"}}, 409, "command.token_unknown"),
    ("POST", "/conversations/1/reply", {"json": {"text": ""}}, 422, "error.not_understood"),
    ("POST", "/conversations/77/reply", {"json": {"text": "hello"}}, 404, "conversation.unknown"),
    ("POST", "/tickets", {"content": b" " * (64 * 1024 + 1)}, 413, "error.too_large"),
]  # fmt: skip


async def test_malformed_requests_get_a_clear_error_and_change_nothing(api: Api) -> None:
    before = await api.staff.rows()
    for method, path, more, status, code in BAD:
        answer = await api.ask(Role.ADMIN, method, path, **more)
        where = f"{method} {path} {more!r:.80}: {answer.text}"
        assert answer.status_code == status, where
        error = answer.json()["error"]
        assert error["code"] == code, where
        assert error["text"], where
    assert await api.staff.rows() == before


async def test_what_was_sent_is_never_repeated_in_an_error(api: Api) -> None:
    answer = await api.ask(Role.ADMIN, "POST", "/tickets", json={"summary": "s3cret", "category": "s3cret"})
    assert "s3cret" not in answer.text
    assert answer.json()["error"]["facts"]["problems"] == [{"field": "category", "problem": "enum"}]


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("si", "නැත"), ("ta-LK, en;q=0.5", "இல்லை"), ("es;q=0.9, en;q=0.1", "No hay nada"), ("fr", "There is nothing"),
        ("", "There is nothing"), (";;;q=x", "There is nothing"), ("en, si;q=0.9", "There is nothing"),
    ],
)  # fmt: skip
async def test_an_error_is_worded_in_the_language_that_the_client_accepts(api: Api, header: str, word: str) -> None:
    answer = await api.ask(Role.ADMIN, "GET", "/nowhere", headers={"Accept-Language": header})
    assert word in answer.json()["error"]["text"]


async def test_a_body_that_does_not_say_how_long_it_is_is_cut_off_too(api: Api) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 1024

    answer = await api.ask(Role.ADMIN, "POST", "/tickets", content=endless())
    assert answer.status_code == 413


async def test_a_token_that_asks_too_often_waits_and_others_do_not(office: Office, clock: JumpingClock) -> None:
    def team(work: Work) -> list[str]:
        made = []
        for name in ("a", "b"):
            member = members.add(work, email=f"{name}@x.org", name=name, role=Role.ADMIN)
            made.append(members.create_token(work, member))
        return made

    busy, calm = await office.run(OPERATOR, team)
    app = Starlette(routes=[Mount("/api/v1", build_api(office, None, ApiSettings(per_s=0.5, burst=3)))])  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://t") as http:

        async def ask(token: str) -> httpx.Response:
            return await http.get("/api/v1/tickets", headers={"Authorization": f"Bearer {token}"})

        answers = [await ask(busy) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[3].headers["Retry-After"] == "2"
        assert answers[3].json()["error"]["code"] == "error.too_many"
        assert (await ask(calm)).status_code == 200
        await clock.fast_forward(seconds=2)
        assert (await ask(busy)).status_code == 200


async def test_whoever_guesses_tokens_waits_and_a_known_token_behind_the_same_address_does_not(
    office: Office, clock: JumpingClock
) -> None:
    member = await office.run(OPERATOR, lambda work: members.add(work, email="a@x.org", name="a", role=Role.ADMIN))
    known, fresh = [
        await office.run(OPERATOR, lambda work: members.create_token(work, members.get(work, member.id)))
        for _ in range(2)
    ]
    settings = ApiSettings(wrong_per_s=0.5, wrong_burst=3)
    app = Starlette(routes=[Mount("/api/v1", build_api(office, None, settings))])  # type: ignore[arg-type]

    async def ask(token: str, peer: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as http:
            return await http.get("/api/v1/tickets", headers={"Authorization": f"Bearer {token}"})

    attacker, neighbour, elsewhere = "2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"
    assert (await ask(known, neighbour)).status_code == 200
    answers = [await ask(f"cht_guess{number}", attacker) for number in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert answers[3].headers["Retry-After"] == "2"
    assert answers[3].json()["error"]["code"] == "error.too_many"
    assert (await ask(fresh, neighbour)).status_code == 429, "the same household, and nobody knows this token yet"
    assert (await ask(known, neighbour)).status_code == 200
    assert (await ask("cht_guess", elsewhere)).status_code == 401
    await clock.fast_forward(seconds=2)
    assert (await ask(fresh, attacker)).status_code == 200
    assert (await ask("cht_guess", attacker)).status_code == 401
    assert (await ask("cht_guess", attacker)).status_code == 429


async def test_a_database_that_is_away_is_503_and_a_bug_is_500_with_its_number(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = api.staff.office.read

    async def away(actor: Any, verb: Any, *args: Any, **kwargs: Any) -> Any:
        if verb is members.by_token:
            return await read(actor, verb, *args, **kwargs)
        raise Unavailable("gone")

    async def broken(actor: Any, verb: Any, *args: Any, **kwargs: Any) -> Any:
        if verb is members.by_token:
            return await read(actor, verb, *args, **kwargs)
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(api.staff.office, "read", away)
    answer = await api.ask(Role.ADMIN, "GET", "/tickets")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "error.unavailable")
    assert answer.headers["Retry-After"]
    monkeypatch.setattr(api.staff.office, "read", broken)
    answer = await api.ask(Role.ADMIN, "GET", "/tickets")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "error.bug")
    assert error["incident"] in error["text"]
    assert "secret detail" not in answer.text
    assert error["incident"] in [getattr(record, "incident", "") for record in caplog.records]


async def test_a_disabled_member_and_a_revoked_token_are_out_at_once(api: Api) -> None:
    def leave(work: Work) -> None:
        members.disable(work, members.get(work, "manager@example.org"))

    assert (await api.ask(Role.MANAGER, "GET", "/tickets")).status_code == 200
    await api.staff.office.run(OPERATOR, leave)
    assert (await api.ask(Role.MANAGER, "GET", "/tickets")).status_code == 401


async def test_pages_stay_whole_while_rows_come_in(api: Api) -> None:
    async def open_one(n: int) -> str:
        body = {"summary": f"Ticket {n}", "category": "info"}
        return str((await api.ask(Role.ADMIN, "POST", "/tickets", json=body)).json()["ref"])

    refs = [api.staff.installers_ticket, api.staff.other_ticket]
    refs += [await open_one(n) for n in range(5)]
    seen: list[str] = []
    after: str | None = None
    while True:
        query = "/tickets?limit=2" + (f"&after={after}" if after else "")
        page = (await api.ask(Role.ADMIN, "GET", query)).json()
        seen += [item["ref"] for item in page["items"]]
        await open_one(99)
        after = page["next"]
        if after is None:
            break
    assert seen == refs[::-1]


async def test_every_list_gives_the_whole_of_itself_page_by_page(api: Api) -> None:
    for n in range(3):
        await asyncio.gather(
            api.ask(Role.ADMIN, "POST", f"/conversations/{api.staff.conversation_id}/reply", json={"text": f"{n}"})
        )
    for path in ("/messages", "/tickets", "/chargers", "/contacts", "/audit"):
        whole = (await api.ask(Role.ADMIN, "GET", f"{path}?limit=200")).json()
        assert whole["next"] is None
        bits: list[Any] = []
        query = f"{path}?limit=1"
        for _ in range(len(whole["items"])):
            page = (await api.ask(Role.ADMIN, "GET", query)).json()
            bits += page["items"]
            query = f"{path}?limit=1&after={page['next']}"
        assert bits == whole["items"], path
        assert page["next"] is None


async def test_filters_choose(api: Api) -> None:
    async def count(path: str) -> int:
        return len((await api.ask(Role.ADMIN, "GET", path)).json()["items"])

    assert await count("/tickets?category=fault") == 1
    assert await count("/tickets?status=ASSIGNED&department=technical") == 1
    assert await count("/tickets?unassigned=true") == 1
    assert await count("/tickets?charger_id=100002") == 0
    assert await count("/messages?direction=outbound&contact_id=999") == 0
    assert await count("/messages?channel=whatsapp&direction=inbound") == 1
    assert await count("/chargers?search=100002") == 1
    assert await count("/chargers?state=Available") == 2
    assert await count("/chargers?state=Faulted") == 0
    assert await count("/contacts?search=nim") == 1
    assert await count("/contacts?search=%25") == 0
    assert await count("/contacts?search=_") == 0
    assert await count("/contacts?phone=%2B9477") == 1
    assert await count("/audit?target=charger:100001") == 1
