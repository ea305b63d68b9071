"""Role × API call and role × command: a table written by hand from the operator's role matrix, not from the code's.

A route or a command that the table does not know fails, so that nobody adds one without deciding who may use it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from commands.command import Outcome, OutcomeKind
from commands.run import run_text
from commands.table import COMMANDS, allowed
from console.api.app import ApiSettings, build_api
from models.access import Role
from tests.security.conftest import roles
from tests.staff import Staff

API: dict[str, str] = {
    "GET /messages": "AMDOI-",
    "GET /messages/{id}": "AMDOI-",
    "POST /messages/{id}/category": "AMDOI-",
    "GET /conversations/{id}": "AMDOI-",
    "POST /conversations/{id}/reply": "AMDOI-",
    "GET /tickets": "AMDOI-",
    "POST /tickets": "AMDO--",
    "GET /tickets/{ref}": "AMDOI-",
    "PATCH /tickets/{ref}": "AMDOI-",
    "POST /tickets/{ref}/notes": "AMDOI-",
    "GET /chargers": "AMDO-C",
    "GET /chargers/{id}": "AMDO-C",
    "GET /chargers/{id}/ocpp-log": "AMDO--",
    "GET /procedures/{id}": "AMDO--",
    "GET /contacts": "AMDO--",
    "GET /audit": "AMD---",
    "POST /commands": "AMDOIC",
}
"""Admin, Manager, Dispatcher, Ops agent, Installer, Cpo."""

BODIES: dict[str, dict[str, Any]] = {
    "POST /messages/{id}/category": {"category": "billing", "why": "it is about money"},
    "POST /conversations/{id}/reply": {"text": "We are on it."},
    "POST /tickets": {"summary": "Red light", "category": "fault"},
    "PATCH /tickets/{ref}": {"note": "looked at it"},
    "POST /tickets/{ref}/notes": {"text": "looked at it"},
    "POST /commands": {"text": "/whoami"},
}

COMMAND: dict[str, tuple[str, str]] = {
    "status": ("/status 100001", "AMDO-C"),
    "sessions": ("/sessions 100001", "AMDO--"),
    "clear": ("/clear 100001", "AMDO--"),
    "reboot": ("/reboot 100001", "AMDO--"),
    "restore": ("/restore 100001", "AMDO--"),
    "balance": ("/balance 0771234567", "AMDO--"),
    "tickets": ("/tickets", "AMDOI-"),
    "ticket": ("/ticket {ref}", "AMDOI-"),
    "take": ("/take {ref}", "AMDOI-"),
    "note": ("/note {ref} looked at it", "AMDOI-"),
    "resolve": ("/resolve {ref} replaced the fuse", "AMDOI-"),
    "close": ("/close {ref} customer is happy", "AMD---"),
    "assign": ("/assign {ref} installer", "AMDO--"),
    "whoami": ("/whoami", "AMDOIC"),
    "help": ("/help", "AMDOIC"),
}


@pytest.fixture
async def http(staff: Staff) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Mount("/api/v1", build_api(staff.office, staff.wire, ApiSettings(per_s=100, burst=4_000)))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api.test") as client:
        yield client


def _path(pattern: str, staff: Staff) -> str:
    kind = pattern.split("/")[1]
    ids: dict[str, str] = {
        "messages": str(staff.message_id), "conversations": str(staff.conversation_id), "chargers": "100001",
        "procedures": "1",
    }  # fmt: skip
    return pattern.replace("{ref}", staff.installers_ticket).replace("{id}", ids.get(kind, ""))


async def test_every_api_call_is_decided(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/api/v1/openapi.json")).json()["paths"]
    calls = {
        f"{method.upper()} {path.removeprefix('/api/v1')}" for path, methods in paths.items() for method in methods
    }
    assert calls == set(API)


@pytest.mark.parametrize("call", sorted(API))
async def test_an_api_call_by_every_role(call: str, staff: Staff, http: httpx.AsyncClient) -> None:
    method, _, pattern = call.partition(" ")
    for role in Role:
        before = await staff.rows()
        answer = await http.request(
            method, "/api/v1" + _path(pattern, staff), json=BODIES.get(call),
            headers={"Authorization": f"Bearer {staff.tokens[role]}"},
        )  # fmt: skip
        if role in roles(API[call]):
            assert answer.status_code not in (401, 403, 422), (role, answer.text)
        else:
            assert answer.status_code in (403, 404), (role, answer.text)
            assert await staff.rows() == before, f"{role} was refused and changed something"


@pytest.mark.parametrize("call", sorted(API))
async def test_an_api_call_by_nobody(call: str, staff: Staff, http: httpx.AsyncClient) -> None:
    method, _, pattern = call.partition(" ")
    for headers in ({}, {"Authorization": "Bearer cht_made-up"}, {"Authorization": "Basic YTpi"}):
        answer = await http.request(method, "/api/v1" + _path(pattern, staff), json=BODIES.get(call), headers=headers)
        assert answer.status_code == 401, (headers, answer.text)


def test_every_command_is_decided() -> None:
    assert {item.name for item in COMMANDS} == set(COMMAND)


async def _outcome(staff: Staff, role: Role, text: str) -> Outcome:
    return await run_text(staff.context(role, door=f"console:{role}"), text)


@pytest.mark.parametrize("name", sorted(COMMAND))
async def test_a_command_by_every_role(name: str, staff: Staff) -> None:
    text, letters = COMMAND[name]
    text = text.replace("{ref}", staff.installers_ticket)
    for role in (Role.CPO, Role.INSTALLER, Role.OPS_AGENT, Role.DISPATCHER, Role.MANAGER, Role.ADMIN):
        offered = name in {item.name for item in allowed(staff.actors[role])}
        before = await staff.rows()
        outcome = await _outcome(staff, role, text)
        if role in roles(letters):
            assert offered, f"{role} may use /{name} and is not shown it"
            assert outcome.status != 403, (role, outcome)
        else:
            assert not offered, f"{role} may not use /{name} and is shown it"
            assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "access.not_allowed"), (role, outcome)
            assert await staff.rows() == before, f"{role} was refused and changed something"
