"""The first page by HTTP, for each role: who sees which part, what stands in it, and how it looks again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from desk import tickets
from desk.work import Work
from models.access import OPERATOR, Role
from models.charger import Charger, ChargerState, Connector, ProcedureRun, RunKind, RunResult
from models.member import Member
from models.outbox import OutboxItem, OutboxState
from models.reading import Category
from models.ticket import Priority
from phrases.catalogue import LANGUAGES
from tests.console.front import Front

PARTS = ("counters", "network", "pressing", "errors", "recent", "today", "traffic")
DESK = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT)
SEES: dict[Role, set[str]] = {
    **{role: set(PARTS) for role in DESK},
    Role.INSTALLER: {"counters", "pressing", "recent"},
    Role.CPO: {"network"},
}


def _parts(page: str) -> set[str]:
    found = set(re.findall(r'id="(\w+)" data-live=', page))
    return found - ({"counters"} if 'id="counters"' in page and 'href="/console/tickets' not in page else set())


async def _trouble(console: Front) -> None:
    """A fault, somebody who went away, a remedy that worked, a send that did not, a late ticket."""

    def happen(work: Work) -> None:
        connector = work.session.get_one(Connector, ("100001", 1))
        connector.status, connector.error_code, connector.info = (
            ChargerState.FAULTED,
            "InternalError",
            "display is dark",
        )
        connector.faulted_since_at = connector.received_at = work.now
        work.session.get_one(Charger, "100002").online = False
        work.session.add(
            ProcedureRun(
                kind=RunKind.CLEAR_FAULT, charger_id="100001", args={}, steps=[], result=RunResult.CLEARED,
                ended_at=work.now, deadline_at=work.now, actor_kind="assistant", actor_id="a", actor_name="A",
                created_at=work.now,
            )
        )  # fmt: skip
        for number, state in enumerate((OutboxState.DEAD, OutboxState.UNKNOWN, OutboxState.UNKNOWN)):
            work.session.add(
                OutboxItem(
                    dedupe_key=f"k{number}", lane=f"l{number}", channel="web", account="site", address="s",
                    intent="reply", priority=1, code="x", facts={}, choices=[], language="en", state=state,
                    due_at=work.now, created_at=work.now,
                )
            )  # fmt: skip
        tickets.open_ticket(work, category=Category.FAULT, summary="Smoke at the plug", priority=Priority.CRITICAL)

    await console.office.run(OPERATOR, happen)
    console.clock.leap(2 * 3600)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_sees_its_parts_and_no_other(console: Front, role: Role) -> None:
    await _trouble(console)
    window = console.window()
    await window.sign_in(role)
    page = await window.read("/console/")
    assert _parts(page) == SEES[role]
    if role is Role.CPO:
        assert "/console/tickets" not in page
        assert "100002" not in page  # another fleet's
    if role is Role.INSTALLER:
        assert "New wallbox" in page
        assert "Red light" not in page
        assert "Smoke at the plug" not in page


async def test_it_says_how_things_stand(console: Front) -> None:
    await _trouble(console)
    window = console.window()
    await window.sign_in(Role.DISPATCHER)
    page = " ".join(re.sub(r"<[^>]+>", " ", await window.read("/console/")).split())
    for words in (
        "100 % of all tickets are still to be worked on.", "Open 2 tickets", "Assigned 1 ticket", "Total 3",
        "Not delivered 3", "1 given up, 2 uncertain", "DC fast, L3 0 0 1 1 0 2", "2 in all", "display is dark",
        "does not answer", "1 overdue", "Smoke at the plug", "1 tried, 1 healed", "nobody; alerts go to the whole desk",
    ):  # fmt: skip
        assert words in page, words
    await console.office.run(OPERATOR, _close_all, console.staff.actors[Role.ADMIN])
    page = " ".join(re.sub(r"<[^>]+>", " ", await window.read("/console/")).split())
    assert "are still to be worked on" not in page
    assert "No clock is close to its end" in page


def _close_all(work: Work, admin: Any) -> None:
    for number in (1, 2, 3):
        tickets.resolve(work.acting_as(admin), f"TKT-{number:06d}", "done")


async def test_a_cpo_counts_its_own_fleet(console: Front) -> None:
    await _trouble(console)
    window = console.window()
    await window.sign_in(Role.CPO)
    page = " ".join(re.sub(r"<[^>]+>", " ", await window.read("/console/")).split())
    assert "DC fast, L3 0 0 1 0 0 1" in page


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_looks_again_alone(console: Front, part: str) -> None:
    window = console.window()
    await window.sign_in(Role.ADMIN)
    answer = await window.get("/console/", **{"HX-Request": "true", "HX-Target": part, "X-Live": "1"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert f'id="{part}" data-live=' in answer.text
    assert len(re.findall(r'id="(\w+)" data-live=', answer.text)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_drawn_in_every_language(console: Front, language: str) -> None:
    await _trouble(console)

    def speak(work: Work) -> None:
        for member in work.session.query(Member):
            member.language = language

    await console.office.run(OPERATOR, speak)
    for role in (Role.ADMIN, Role.INSTALLER, Role.CPO):
        window = console.window()
        await window.sign_in(role)
        assert f'<html lang="{language}"' in await window.read("/console/")
