"""Who gets what from which route, and in which shape."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest
from fastapi.openapi.models import OpenAPI

from models.access import Role
from tests.api.conftest import Api

DESK = frozenset({Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT})
TEAM = DESK | {Role.INSTALLER}
ALL = frozenset(Role)

ROUTES: list[tuple[str, str, Any, int, frozenset[Role]]] = [
    ("GET", "/messages", None, 200, TEAM),
    ("GET", "/messages/{message}", None, 200, TEAM),
    ("POST", "/messages/{message}/category", {"category": "fault"}, 200, TEAM),
    ("GET", "/tickets", None, 200, TEAM),
    ("POST", "/tickets", {"summary": "A cable", "category": "fault"}, 201, DESK),
    ("GET", "/tickets/{installers}", None, 200, TEAM),
    ("GET", "/tickets/{other}", None, 200, DESK),
    ("PATCH", "/tickets/{installers}", {"note": "called"}, 200, TEAM),
    ("PATCH", "/tickets/{other}", {"priority": "high"}, 200, DESK),
    ("POST", "/tickets/{installers}/notes", {"text": "seen"}, 201, TEAM),
    ("GET", "/chargers", None, 200, DESK | {Role.CPO}),
    ("GET", "/chargers/100001", None, 200, DESK | {Role.CPO}),
    ("GET", "/chargers/100002", None, 200, DESK),
    ("GET", "/chargers/100001/ocpp-log", None, 200, DESK),
    ("GET", "/contacts", None, 200, DESK),
    ("GET", "/conversations/{conversation}", None, 200, TEAM),
    ("POST", "/conversations/{conversation}/reply", {"text": "We are on it"}, 201, TEAM),
    ("POST", "/commands", {"text": "/whoami"}, 200, ALL),
    ("GET", "/procedures/1", None, 404, DESK),
    ("GET", "/audit", None, 200, frozenset({Role.ADMIN, Role.MANAGER, Role.DISPATCHER})),
]


def _filled(api: Api, path: str) -> str:
    staff = api.staff
    return path.format(
        message=staff.message_id, installers=staff.installers_ticket, other=staff.other_ticket,
        conversation=staff.conversation_id,
    )  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_what_the_table_gives_it_and_nothing_else(api: Api, role: Role) -> None:
    for method, path, body, status, allowed in ROUTES:
        answer = await api.ask(role, method, _filled(api, path), json=body)
        where = f"{role} {method} {path}: {answer.text}"
        if role in allowed:
            assert answer.status_code == status, where
        else:
            assert answer.status_code in (403, 404), where
            assert answer.json()["error"]["text"], where


async def test_every_route_of_the_table_wants_a_token(api: Api) -> None:
    for method, path, body, _, _ in ROUTES:
        for header in ({}, {"Authorization": "Bearer cht_wrong"}, {"Authorization": "Basic abc"}):
            answer = await api.http.request(method, "/api/v1" + _filled(api, path), json=body, headers=header)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.json()["error"]["code"] == "error.unauthorised"


async def test_a_message_has_the_contracts_fields(api: Api) -> None:
    answer = (await api.ask(Role.OPS_AGENT, "GET", f"/messages/{api.staff.message_id}")).json()
    assert answer["from"] == "+94771234567"
    assert answer["direction"] == "inbound"
    assert answer["text"] == "100001 does not start"
    assert answer["delivery"] is None
    fields = {
        "id", "direction", "channel", "from", "conversation_id", "contact_id", "text", "media", "category",
        "second_category", "confidence", "needs_review", "urgency", "language", "summary", "entities", "state",
        "received_at", "delivery",
    }  # fmt: skip
    assert fields <= set(answer)


async def test_a_ticket_has_the_contracts_fields_and_runs_its_life_by_the_api(api: Api) -> None:
    made = await api.ask(
        Role.DISPATCHER, "POST", "/tickets",
        json={
            "summary": "Cable broken", "category": "fault", "priority": "high", "charger_id": "100001",
            "contact_id": api.staff.contact_id, "assignee": "ops_agent@example.org",
            "scheduled_visit_at": "2026-03-03T09:00:00+05:30",
        },
    )  # fmt: skip
    assert made.status_code == 201, made.text
    ticket = made.json()
    fields = {
        "ref", "status", "priority", "class", "category", "department", "summary", "description", "charger_id",
        "contact_id", "assignee", "scheduled_visit_at", "created_at", "clocks", "incident", "notes", "history",
    }  # fmt: skip
    assert fields <= set(ticket)
    assert ticket["status"] == "ASSIGNED"
    assert ticket["assignee"]["name"] == "Ops Agent"
    assert {clock["kind"]: clock["target_s"] for clock in ticket["clocks"]} == {
        "first_response": 4 * 3600,
        "resolution": 24 * 3600,
    }
    path = f"/tickets/{ticket['ref']}"
    for body, status in (
        ({"status": "IN_PROGRESS", "note": "on my way"}, "IN_PROGRESS"),
        ({"status": "RESOLVED", "note": "new cable"}, "RESOLVED"),
        ({"status": "IN_PROGRESS", "note": "still broken"}, "IN_PROGRESS"),
        ({"status": "RESOLVED", "note": "really new cable"}, "RESOLVED"),
        ({"status": "CLOSED"}, "CLOSED"),
    ):
        answer = await api.ask(Role.DISPATCHER, "PATCH", path, json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == status
    late = await api.ask(Role.DISPATCHER, "PATCH", path, json={"note": "one more"})
    assert late.status_code == 409


async def test_a_change_that_is_refused_half_way_changes_nothing(api: Api) -> None:
    path = f"/tickets/{api.staff.other_ticket}"
    before = (await api.ask(Role.ADMIN, "GET", path)).json()
    answer = await api.ask(Role.ADMIN, "PATCH", path, json={"priority": "critical", "status": "CLOSED"})
    assert answer.status_code == 409
    assert (await api.ask(Role.ADMIN, "GET", path)).json() == before


async def test_a_ticket_goes_back_to_the_queue_when_its_assignee_is_taken_away(api: Api) -> None:
    path = f"/tickets/{api.staff.installers_ticket}"
    answer = await api.ask(Role.MANAGER, "PATCH", path, json={"assignee": None, "note": "on leave"})
    assert (answer.status_code, answer.json()["status"], answer.json()["assignee"]) == (200, "OPEN", None)
    assert (await api.ask(Role.INSTALLER, "GET", path)).status_code == 404


async def test_a_charger_has_the_contracts_fields(api: Api) -> None:
    answer = (await api.ask(Role.CPO, "GET", "/chargers")).json()
    assert [item["id"] for item in answer["items"]] == ["100001"]
    charger = answer["items"][0]
    fields = {
        "id", "name", "site", "current_type", "state", "connectors", "online", "last_seen_at", "firmware",
        "ocpp_version",
    }  # fmt: skip
    assert fields <= set(charger)
    assert {"id", "state", "error_code", "transaction"} <= set(charger["connectors"][0])


async def test_a_members_reply_is_sent_once_and_stops_the_first_response_clock(api: Api) -> None:
    path = f"/conversations/{api.staff.conversation_id}/reply"
    key = {"Idempotency-Key": "abc"}
    first = await api.ask(Role.OPS_AGENT, "POST", path, json={"text": "On my way"}, headers=key)
    again = await api.ask(Role.OPS_AGENT, "POST", path, json={"text": "On my way"}, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["text"] == "On my way"
    assert first.json()["delivery"]["state"] == "pending"
    ticket = (await api.ask(Role.OPS_AGENT, "GET", f"/tickets/{api.staff.other_ticket}")).json()
    states = {clock["kind"]: clock["state"] for clock in ticket["clocks"]}
    assert states == {"first_response": "met", "resolution": "running"}


async def test_a_conversation_shows_what_will_be_said_in_the_persons_language(api: Api) -> None:
    await api.ask(
        Role.DISPATCHER, "PATCH", f"/tickets/{api.staff.other_ticket}", json={"assignee": "admin@example.org"}
    )
    path = f"/conversations/{api.staff.conversation_id}"
    shown = (await api.ask(Role.ADMIN, "GET", path, headers={"Accept-Language": "ta"})).json()
    newest = shown["messages"]["items"][0]
    assert newest["direction"] == "outbound"
    assert newest["language"] == "en"
    assert api.staff.other_ticket in newest["text"]


async def test_a_correction_is_kept_and_audited(api: Api) -> None:
    path = f"/messages/{api.staff.message_id}/category"
    answer = await api.ask(Role.INSTALLER, "POST", path, json={"category": "rfid", "why": "it is about a card"})
    assert answer.json()["category"] == "rfid"
    assert [row.action for row in await api.staff.audit()][-1] == "message.corrected"
    told = {"category": "fault", "urgency": "safety", "language": "si-Latn"}
    answer = (await api.ask(Role.INSTALLER, "POST", path, json=told)).json()
    assert {key: answer[key] for key in told} == told
    refused = await api.ask(Role.INSTALLER, "POST", path, json={"category": "other", "urgency": "safety"})
    assert refused.status_code == 422
    assert (await api.ask(Role.INSTALLER, "POST", path, json={"category": "other", "language": "x"})).status_code == 422


async def test_a_change_refused_for_want_of_permission_leaves_an_audit_row(api: Api) -> None:
    await api.ask(Role.CPO, "POST", f"/messages/{api.staff.message_id}/category", json={"category": "rfid"})
    row = (await api.staff.audit())[-1]
    assert (row.action, row.actor_name) == ("api.refused", "Cpo")


async def test_the_openapi_document_lists_every_route(api: Api) -> None:
    answer = await api.http.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    listed = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    wanted = {
        (method, path.format(message="{id}", installers="{ref}", other="{ref}", conversation="{id}"))
        for method, path, *_ in ROUTES
        if "100001" not in path and "100002" not in path and not path.endswith("/1")
    } | {("GET", "/chargers/{id}"), ("GET", "/chargers/{id}/ocpp-log"), ("GET", "/procedures/{id}")}
    assert wanted == listed
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"]
            assert operation["description"]
            assert {"401", "403", "422", "429", "503"} <= set(operation["responses"])
    assert document["components"]["securitySchemes"]
    references = set(_references(document))
    assert references <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert any(server["url"] == "/api/v1" for server in document["servers"])


async def test_the_openapi_document_is_valid_and_every_answer_fits_it(api: Api) -> None:
    document = (await api.http.get("/api/v1/openapi.json")).json()
    OpenAPI.model_validate(document)
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    for role in (Role.ADMIN, Role.CPO):
        for method, path, body, *_ in ROUTES:
            shown = _filled(api, path)
            answer = await api.ask(role, method, shown, json=body)
            listed = _operation(document, method, shown)["responses"][str(answer.status_code)]
            schema = {**listed["content"]["application/json"]["schema"], "components": document["components"]}
            jsonschema_rs.validator_for(schema).validate(answer.json())


def _operation(document: dict[str, Any], method: str, shown: str) -> dict[str, Any]:
    for path, item in document["paths"].items():
        if method.lower() in item and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)), shown):
            found: dict[str, Any] = item[method.lower()]
            return found
    raise AssertionError(f"{method} {shown} is not in the document")


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []
