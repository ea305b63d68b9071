"""Tickets in the console by HTTP: the list, a new one, one from its opening to its end, and who may what."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from desk import ticket_views, tickets
from desk.work import Work
from models.access import OPERATOR, Role
from models.member import Member
from models.message import Direction, Message
from models.reading import Category
from models.ticket import Priority, Ticket, TicketEvent, TicketStatus
from phrases.catalogue import LANGUAGES
from tests.console.front import Front, Window

DESK = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT)


async def _in(console: Front, role: Role) -> Window:
    window = console.window()
    await window.sign_in(role)
    return window


def _refs(page: str) -> list[str]:
    return re.findall(r'<a class="[^"]*" href="/console/tickets/(TKT-\d+)"', page)


async def _facts(console: Front, ref: str) -> dict[str, Any]:
    return await console.office.read(OPERATOR, lambda work: ticket_views.facts(work, ticket_views.get(work, ref)))


async def _do(window: Window, ref: str, deed: str, *, seen: str | None = None, **fields: str) -> httpx.Response:
    """Send a deed's form as the page has it."""
    page = (await window.get(f"/console/tickets/{ref}")).text
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    latest = re.search(r'id="seen" value="(\d+)"', page)
    assert token is not None
    data = {"csrf": token[1], "seen": seen or (latest[1] if latest else "0"), **fields}
    return await window.http.post(f"/console/tickets/{ref}/{deed}", data=data)


# Lists ----------------------------------------------------------------------------------------------------------


async def test_the_list_filters_by_its_address(console: Front) -> None:
    staff = console.staff
    window = await _in(console, Role.DISPATCHER)
    both = {staff.installers_ticket, staff.other_ticket}
    assert set(_refs(await window.read("/console/tickets"))) == both
    installer = staff.actors[Role.INSTALLER].member_id
    for query, wanted in (
        ("unassigned=1", {staff.other_ticket}), (f"assignee={installer}", {staff.installers_ticket}),
        ("assignee=me", set()), ("category=fault", {staff.other_ticket}), ("charger=100001", {staff.other_ticket}),
        (f"contact={staff.contact_id}", {staff.other_ticket}), ("site=1", {staff.other_ticket}),
        ("department=technical", both), ("status=CLOSED", set()), ("status=all&sort=newest", both),
        ("priority=critical", set()), ("clock=overdue", set()), ("class=A", set()),
    ):  # fmt: skip
        page = await window.read(f"/console/tickets?{query}")
        assert set(_refs(page)) == wanted, query
        assert bool(wanted) or "No ticket fits" in page
    part = await window.get("/console/tickets?category=fault", **{"HX-Request": "true", "HX-Target": "rows"})
    assert part.text.strip().startswith('<section class="panel" id="rows"')
    assert _refs(part.text) == [staff.other_ticket]


@pytest.mark.parametrize(
    "query", ["status=x", "priority=1", "assignee=x", "site=-1", "clock=now", "sort=y", "after=zz", "class=D"]
)
async def test_an_address_that_asks_for_nonsense_is_refused(console: Front, query: str) -> None:
    window = await _in(console, Role.MANAGER)
    assert (await window.get(f"/console/tickets?{query}")).status_code == 422


async def test_pages_follow_each_other(console: Front) -> None:
    def many(work: Work) -> None:
        for number in range(60):
            tickets.open_ticket(work, category=Category.INFO, summary=f"Question {number}")

    await console.office.run(OPERATOR, many)
    window = await _in(console, Role.OPS_AGENT)
    seen: list[str] = []
    path: str | None = "/console/tickets?category=info"
    while path is not None:
        page = await window.read(path)
        seen += _refs(page)
        found = re.search(r'data-next href="([^"]+)"', page)
        path = found[1] if found else None
    assert len(seen) == len(set(seen)) == 60


async def test_a_reference_leads_to_its_ticket(console: Front) -> None:
    window = await _in(console, Role.OPS_AGENT)
    ref = console.staff.other_ticket
    assert (await window.get(f"/console/tickets?ref={ref.lower()}")).headers["location"] == f"/console/tickets/{ref}"
    assert (await window.get("/console/tickets/2")).headers["location"] == "/console/tickets/TKT-000002"
    assert (await window.get("/console/tickets/TKT-999999")).status_code == 404


# A new one ------------------------------------------------------------------------------------------------------


async def test_a_ticket_is_opened_with_everything(console: Front) -> None:
    staff = console.staff
    window = await _in(console, Role.DISPATCHER)
    choices = await window.get("/console/tickets/new/contacts?contact_words=Nimal", **{"HX-Request": "true"})
    assert f'name="contact" value="{staff.contact_id}"' in choices.text
    assert "+94771234567" in choices.text
    seen = await window.get("/console/tickets/new/charger?charger=100001", **{"HX-Request": "true"})
    assert "Available" in seen.text
    unknown = await window.get("/console/tickets/new/charger?charger=99", **{"HX-Request": "true"})
    assert 'role="alert"' in unknown.text
    people = await window.get("/console/tickets/new/assignees?category=billing", **{"HX-Request": "true"})
    assert "Installer" in people.text
    assert "Charge point operator" not in people.text
    installer = staff.actors[Role.INSTALLER].member_id
    answer = await window.post(
        "/console/tickets/new", at="/console/tickets/new", summary="Plug is hot", category="fault", priority="high",
        charger="100001", connector="1", contact=str(staff.contact_id), assignee=str(installer),
        visit="2026-03-03T10:30", description="since this morning",
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    ref = answer.headers["location"].rsplit("/", 1)[1]
    facts = await _facts(console, ref)
    assert (facts["summary"], facts["priority"], facts["charger_id"], facts["connector"]) == (
        "Plug is hot",
        "high",
        "100001",
        1,
    )
    assert facts["assignee"]["id"] == installer
    assert facts["scheduled_visit_at"] == "2026-03-03T05:00:00+00:00"  # half past ten in Colombo
    assert ref in await window.read(f"/console/tickets/{ref}")


async def test_a_refused_form_comes_back_as_it_was_filled_in(console: Front) -> None:
    window = await _in(console, Role.DISPATCHER)
    for fields in (
        {"charger": "nowhere"},
        {"visit": "soon"},
        {"visit": "2020-01-01T10:00"},
        {"contact": "999"},
        {"summary": " "},
    ):
        given = {"summary": "Lamp is dark", "category": "fault", "priority": "low", **fields}
        answer = await window.post("/console/tickets/new", at="/console/tickets/new", **given)
        assert answer.status_code in (404, 422), fields
        assert 'role="alert"' in answer.text or fields == {"contact": "999"}
    assert await console.office.read(OPERATOR, lambda work: len(list(work.session.scalars(select(Ticket))))) == 2


async def test_a_ticket_from_a_message_runs_from_when_the_person_wrote(console: Front) -> None:
    staff = console.staff
    window = await _in(console, Role.DISPATCHER)
    console.clock.leap(3600)
    at = f"/console/tickets/new?message={staff.message_id}"
    assert "100001 does not start" in await window.read(at)
    answer = await window.post(
        "/console/tickets/new",
        at=at,
        summary="Does not start",
        category="fault",
        message=str(staff.message_id),
        contact=str(staff.contact_id),
    )
    facts = await _facts(console, answer.headers["location"].rsplit("/", 1)[1])
    assert facts["created_at"] == "2026-03-02T08:00:00+00:00"
    assert facts["conversation_id"] == staff.conversation_id


# One from its opening to its end --------------------------------------------------------------------------------


async def test_a_ticket_goes_its_way_by_the_page(console: Front) -> None:
    staff, ref = console.staff, console.staff.other_ticket
    agent, boss = await _in(console, Role.OPS_AGENT), await _in(console, Role.MANAGER)
    steps: list[tuple[Window, str, dict[str, str]]] = [
        (agent, "take", {}),
        (agent, "start", {}),
        (agent, "note", {"note": "Called the customer"}),
        (agent, "reply", {"text": "We are on our way", "nonce": "abc"}),
        (agent, "reply", {"text": "We are on our way", "nonce": "abc"}),
        (agent, "visit", {"visit": "2026-03-04T09:00"}),
        (agent, "snooze", {"hours": "4"}),
        (agent, "escalate", {"priority": "high", "tried": "reset", "failed": "again", "needed": "an electrician"}),
        (boss, "pause", {"clock": "resolution", "note": "a part is on its way"}),
        (boss, "resume", {"clock": "resolution"}),
        (boss, "priority", {"priority": "normal", "note": "not so bad"}),
        (boss, "assign", {"assignee": str(staff.actors[Role.INSTALLER].member_id), "note": "please go there"}),
        (boss, "release", {}),
        (agent, "resolve", {"note": "Replaced the fuse"}),
        (agent, "reopen", {"note": "dark again"}),
        (agent, "resolve", {"note": "Replaced the lamp"}),
        (boss, "close", {"satisfied": "1", "note": "said so by phone"}),
    ]  # fmt: skip
    for window, deed, fields in steps:
        answer = await _do(window, ref, deed, **fields)
        assert answer.status_code == 303, (deed, re.sub(r"<[^>]+>", " ", answer.text)[-400:])
        page = await window.read(f"/console/tickets/{ref}")
        assert ref in page
    facts = await _facts(console, ref)
    assert facts["status"] == "CLOSED"
    kinds = [event["kind"] for event in facts["history"]]
    for kind in (
        "taken",
        "visit",
        "snoozed",
        "escalated",
        "paused",
        "resumed",
        "priority",
        "assigned",
        "first_response",
    ):
        assert kind in kinds, kind
    said = await console.office.read(OPERATOR, _answers, staff.conversation_id)
    assert said == ["We are on our way"]
    page = await agent.read(f"/console/tickets/{ref}")
    for words in ("an electrician", "Replaced the lamp", "said so by phone", "A closed ticket accepts no change."):
        assert words in page, words


def _answers(work: Work, conversation_id: int) -> list[str | None]:
    query = select(Message.text).where(
        Message.conversation_id == conversation_id, Message.direction == Direction.OUTBOUND,
        Message.code == "reply.by_member",
    )  # fmt: skip
    return list(work.session.scalars(query))


async def test_an_old_form_overwrites_nothing(console: Front) -> None:
    ref = console.staff.other_ticket
    first, second = await _in(console, Role.DISPATCHER), await _in(console, Role.MANAGER)
    page = await first.read(f"/console/tickets/{ref}")
    seen = re.search(r'id="seen" value="(\d+)"', page)
    assert seen is not None
    assert (await _do(second, ref, "priority", priority="critical")).status_code == 303
    late = await _do(first, ref, "priority", seen=seen[1], priority="low")
    assert late.status_code == 409
    assert "Manager changed" in late.text
    assert (await _facts(console, ref))["priority"] == "critical"
    note = await _do(first, ref, "note", seen=seen[1], note="a note stands beside it")
    assert note.status_code == 303
    assert (await _do(first, ref, "priority", priority="low")).status_code == 303


async def test_what_is_missing_is_asked_for(console: Front) -> None:
    ref = console.staff.other_ticket
    window = await _in(console, Role.MANAGER)
    before = await _facts(console, ref)
    for deed, fields in (
        ("resolve", {}), ("note", {"note": " "}), ("reply", {"text": "hi"}),
        ("escalate", {"priority": "high", "tried": "x"}),
        ("visit", {"visit": ""}), ("visit", {"visit": "2020-01-01T10:00"}), ("snooze", {"hours": "99"}),
        ("assign", {"assignee": "x"}), ("priority", {"priority": "huge"}), ("close", {"note": "x"}), ("nonsense", {}),
        ("escalate", {"priority": "low", "tried": "a", "failed": "b", "needed": "c"}),
    ):  # fmt: skip
        answer = await _do(window, ref, deed, **fields)
        assert answer.status_code in (404, 409, 422), (deed, fields, answer.status_code)
    assert (await _facts(console, ref)) == before
    await _do(window, ref, "resolve", note="done")
    unsure = await _do(window, ref, "close")
    assert unsure.status_code == 422
    assert "satisfied" in unsure.text


async def test_a_ticket_is_given_only_to_who_works_for_its_department(console: Front) -> None:
    ref = console.staff.other_ticket
    window = await _in(console, Role.MANAGER)
    cpo = console.staff.actors[Role.CPO].member_id
    page = await window.read(f"/console/tickets/{ref}")
    assert f'<option value="{cpo}">' not in page
    assert (await _do(window, ref, "assign", assignee=str(cpo))).status_code == 409


# Who may what ---------------------------------------------------------------------------------------------------


async def test_an_installer_sees_and_works_on_its_own_alone(console: Front) -> None:
    staff = console.staff
    window = await _in(console, Role.INSTALLER)
    for query in ("", "?status=all", "?unassigned=1", "?category=fault", f"?contact={staff.contact_id}"):
        assert set(_refs(await window.read(f"/console/tickets{query}"))) <= {staff.installers_ticket}, query
    page = await window.read(f"/console/tickets/{staff.installers_ticket}")
    for deed in ("assign", "close", "pause"):
        assert f'id="{deed}"' not in page
    assert (await window.get(f"/console/tickets/{staff.other_ticket}")).status_code == 404
    before = await _facts(console, staff.other_ticket)
    token = await window.token()
    for deed in ("take", "note", "resolve", "reply"):
        data = {"csrf": token, "seen": "999", "note": "x", "text": "x", "nonce": "n"}
        answer = await window.http.post(f"/console/tickets/{staff.other_ticket}/{deed}", data=data)
        assert answer.status_code == 404, deed
    assert await _facts(console, staff.other_ticket) == before
    assert (await _do(window, staff.installers_ticket, "start")).status_code == 303
    for deed, fields in (
        ("assign", {"assignee": "1"}),
        ("release", {}),
        ("close", {"satisfied": "1"}),
        ("pause", {"clock": "resolution", "note": "x"}),
    ):
        assert (await _do(window, staff.installers_ticket, deed, **fields)).status_code == 403, deed
    assert (await window.get("/console/tickets/new")).status_code == 403


async def test_an_agent_resolves_and_does_not_close(console: Front) -> None:
    window, ref = await _in(console, Role.OPS_AGENT), console.staff.other_ticket
    await _do(window, ref, "resolve", note="done")
    assert (await _do(window, ref, "close", satisfied="1")).status_code == 403
    assert (await _facts(console, ref))["status"] == TicketStatus.RESOLVED.value


async def test_a_cpo_has_no_tickets(console: Front) -> None:
    window, ref = await _in(console, Role.CPO), console.staff.other_ticket
    for path in ("", "/new", f"/{ref}", "/new/contacts?contact_words=n", "/new/assignees"):
        assert (await window.get(f"/console/tickets{path}")).status_code == 403, path
    answer = await window.http.post(f"/console/tickets/{ref}/note", data={"csrf": await window.token(), "note": "x"})
    assert answer.status_code == 403


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_drawn_in_every_language(console: Front, language: str) -> None:
    ref = console.staff.other_ticket
    boss = console.staff.actors[Role.MANAGER]

    def happen(work: Work) -> None:
        for member in work.session.query(Member):
            member.language = language
        tickets.take(work, ref)
        tickets.escalate(work, ref, Priority.CRITICAL, "a", "b", "c")
        tickets.pause_clock(work, ref, "part")
        ticket = tickets.get(work, ref)
        for kind in ("no_news", "customer", "charger", "evidence", "something"):
            event = TicketEvent.of(ticket, kind, by=work.actor, at=work.now, was=work.now.isoformat())
            work.session.add(event)

    await console.office.run(boss, happen)
    for role in (Role.ADMIN, Role.INSTALLER):
        window = await _in(console, role)
        shown = ref if role is Role.ADMIN else console.staff.installers_ticket
        for path in (
            "/console/tickets",
            f"/console/tickets/{shown}",
            *(("/console/tickets/new",) if role is Role.ADMIN else ()),
        ):
            assert f'<html lang="{language}"' in await window.read(path)


@pytest.mark.parametrize("part", ["head", "talk", "history", "charger_panel"])
async def test_a_part_of_a_ticket_looks_again_alone(console: Front, part: str) -> None:
    window = await _in(console, Role.OPS_AGENT)
    target = part.replace("_", "-")
    answer = await window.get(
        f"/console/tickets/{console.staff.other_ticket}", **{"HX-Request": "true", "HX-Target": target}
    )
    assert answer.status_code == 200
    assert f'id="{target}"' in answer.text
    assert len(re.findall(r"data-live=", answer.text)) == 1
