"""The status page by HTTP: who sees it, what it tells, and a dead letter that is sent once more."""

from __future__ import annotations

import re

import pytest

from desk import ticks
from desk.work import Work
from models.access import CLOCK, OPERATOR, Role
from models.inbox import InboxRow
from models.member import Member
from models.outbox import OutboxItem, OutboxState
from phrases.catalogue import LANGUAGES
from tests.console.front import Front

DESK = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT)


async def _trouble(console: Front) -> None:
    def happen(work: Work) -> None:
        for number, state in enumerate((OutboxState.DEAD, OutboxState.UNKNOWN, OutboxState.SENT)):
            work.session.add(
                OutboxItem(
                    dedupe_key=f"k{number}", lane=f"l{number}", channel="web", account="site",
                    address=f"visitor{number}", intent="reply", priority=1, code="reply.by_member", facts={},
                    choices=[], language="en", state=state,
                    due_at=work.now, created_at=work.now, error_code="gone" if state is OutboxState.DEAD else None,
                )
            )  # fmt: skip

    await console.office.run(OPERATOR, happen)
    await console.office.run(CLOCK, ticks.run, "close_resolved", 3600, lambda _: 7)
    await console.office.run(CLOCK, ticks.failed, "retention", "the disk is full")
    await console.office.put(InboxRow("web", "site", "m9", "web:site:a", {"text": "hello"}))
    console.clock.leap(600)


@pytest.mark.parametrize("role", list(Role))
async def test_the_desk_sees_it_and_nobody_else(console: Front, role: Role) -> None:
    window = console.window()
    await window.sign_in(role)
    allowed = role in DESK
    assert (await window.get("/console/status")).status_code == (200 if allowed else 403)
    answer = await window.http.post("/console/status/1/resend", data={"csrf": await window.token()})
    assert answer.status_code == (404 if allowed else 403)


async def test_it_tells_how_the_house_is_doing(console: Front) -> None:
    await _trouble(console)
    window = console.window()
    await window.sign_in(Role.OPS_AGENT)
    page = " ".join(re.sub(r"<[^>]+>", " ", await window.read("/console/status")).split())
    for words in (
        "Incoming web 1 10 minutes", "Outgoing web 1", "close_resolved", "the disk is full", "visitor0", "gone",
        "visitor1", "Web chat 1 0 1 1 0", "SQLite" if console.office.sqlite else "PostgreSQL",
    ):  # fmt: skip
        assert words in page, words
    assert "visitor2" not in page


async def test_a_dead_letter_goes_out_once_more(console: Front) -> None:
    await _trouble(console)
    window = console.window()
    await window.sign_in(Role.DISPATCHER)
    found = re.search(r'action="(/console/status/\d+/resend)"', await window.read("/console/status"))
    assert found is not None
    assert (await window.post(found[1], at="/console/status")).status_code == 303
    states = await console.office.read(
        OPERATOR, lambda work: [row.state for row in work.session.query(OutboxItem).order_by(OutboxItem.id)][-3:]
    )
    assert states[0] is OutboxState.PENDING
    assert (await window.post(found[1])).status_code == 409


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_drawn_in_every_language(console: Front, language: str) -> None:
    await _trouble(console)

    def speak(work: Work) -> None:
        for member in work.session.query(Member):
            member.language = language

    await console.office.run(OPERATOR, speak)
    window = console.window()
    await window.sign_in(Role.ADMIN)
    assert f'<html lang="{language}"' in await window.read("/console/status")
