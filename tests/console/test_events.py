"""The stream of what changed: who hears of what, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from desk import live_topics, members, tickets
from desk.work import Work
from models.access import OPERATOR, Role
from tests.console.front import Front, Window, email

PATH = "/console/events"


@dataclass
class Ear:
    """An open stream."""

    lines: AsyncIterator[str]

    async def event(self) -> tuple[str, object]:
        """The next event; heartbeats are passed over."""
        name = ""
        async with asyncio.timeout(20):
            async for line in self.lines:
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                if line.startswith("data: "):
                    return name, json.loads(line.removeprefix("data: "))
        return "closed", None


@asynccontextmanager
async def listening(window: Window) -> AsyncIterator[Ear]:
    async with window.http.stream("GET", PATH) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        ear = Ear(answer.aiter_lines())
        assert await ear.event() == ("hello", {})
        yield ear


async def _announce(console: Front, *topics: str) -> None:
    def wake(work: Work) -> None:
        for topic in topics:
            work.wake(topic)

    await console.office.run(OPERATOR, wake)


async def test_nobody_listens_who_is_not_signed_in(console: Front) -> None:
    assert (await console.window().get(PATH)).status_code == 401


ALL = ("live.message.1", "live.charger.100002", "live.run.1", "live.alert.1", "live.secret.1", "live.charger.100001")


@pytest.mark.parametrize(
    ("role", "heard"),
    [
        (Role.ADMIN, ["live.message.1", "live.charger.100002", "live.run.1", "live.alert.1", "live.charger.100001"]),
        (Role.INSTALLER, ["live.message.1"]),
        (Role.CPO, ["live.charger.100001"]),
    ],
)
async def test_each_role_hears_of_what_it_may_see(console: Front, role: Role, heard: list[str]) -> None:
    async with listening(await console.signed_in(role)) as ear:
        await _announce(console, *ALL)
        assert [(await ear.event())[1] for _ in heard] == heard
        await _announce(console, "live.message.2" if role is Role.INSTALLER else "live.charger.100001")
        assert (await ear.event())[1] in ("live.message.2", "live.charger.100001"), "and of nothing in between"


async def test_an_installer_hears_of_their_own_tickets_only(console: Front) -> None:
    def ids(work: Work) -> tuple[int, int]:
        return tickets.get(work, console.staff.installers_ticket).id, tickets.get(work, console.staff.other_ticket).id

    own, other = await console.office.read(OPERATOR, ids)
    async with listening(await console.signed_in(Role.INSTALLER)) as ear:
        await _announce(console, f"live.ticket.{other}", f"live.ticket.{own}")
        assert await ear.event() == ("change", f"live.ticket.{own}")


def test_every_topic_that_the_desk_announces_is_decided() -> None:
    import re
    from pathlib import Path

    kinds = {
        kind
        for room in ("desk", "bot", "procedures", "commands", "jobs", "console", "integrations")
        for path in Path(room).rglob("*.py")
        for kind in re.findall(r'wake\(f?"live\.([a-z_]+)\.', path.read_text(encoding="utf-8"))
    }
    assert kinds <= set(live_topics.NEEDS)


async def test_the_stream_of_an_ended_session_ends_at_once(console: Front) -> None:
    window, other = await console.signed_in(Role.ADMIN), await console.signed_in(Role.ADMIN)
    async with listening(window) as ear:
        await other.post("/console/me/sessions/end-others")
        assert await ear.event() == ("over", {})
        assert await ear.event() == ("closed", None)


async def test_the_stream_of_somebody_who_left_ends_at_once(console: Front) -> None:
    async with listening(await console.signed_in(Role.DISPATCHER)) as ear:
        await console.office.run(
            OPERATOR, lambda work: members.disable(work, members.get(work, email(Role.DISPATCHER)))
        )
        assert await ear.event() == ("over", {})


async def test_the_streams_end_when_the_house_stops(console: Front) -> None:
    async with listening(await console.signed_in(Role.ADMIN)) as ear:
        console.house.stopping.set()
        assert await ear.event() == ("closed", None)


async def test_a_member_has_so_many_streams_and_no_more(console: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.events.STREAMS_EACH", 2)
    window = await console.signed_in(Role.ADMIN)
    async with listening(window), listening(window):
        assert (await window.get(PATH)).status_code == 503
        async with listening(await console.signed_in(Role.MANAGER)):
            pass
    for _ in range(100):
        answer = await _status(window)
        if answer == 200:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("a stream that was left counts for ever")


async def _status(window: Window) -> int:
    try:
        async with window.http.stream("GET", PATH) as answer:
            return answer.status_code
    except httpx.HTTPError:
        return 0
