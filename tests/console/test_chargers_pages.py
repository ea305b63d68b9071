"""The chargers hub by HTTP, with virtual chargers: lists, one charger, its log, commands from there, who sees what."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from desk.work import Work
from models.access import OPERATOR, Role
from models.audit import AuditRow
from models.charger import Charger, Fleet, Site
from models.member import Member
from phrases.catalogue import LANGUAGES
from tests.console.caller import Caller, call_in
from tests.world import World, world

SLOW_S = 40
TOKEN = re.compile(r'name="token" value="([^"]+)"')
RUN = re.compile(r"/console/runs/(\d+)")
PARTS = ("", "/card", "/now", "/history", "/frames")


@dataclass
class Hub:
    """A house with three chargers, and whoever of the team has called in."""

    world: World
    callers: dict[str, Caller] = field(default_factory=dict)

    async def as_(self, role: Role) -> Caller:
        """Somebody of that role."""
        name = role.value.replace("_", "")
        if name not in self.callers:
            await self.world.member(role, name=name)
            if role is Role.CPO:
                await self.world.app.office.run(OPERATOR, _give_fleet, f"{name}@team.example")
            self.callers[name] = await call_in(self.world, name)
        return self.callers[name]


def _give_fleet(work: Work, email: str) -> None:
    fleet = Fleet(name="Island Taxis")
    work.session.add(fleet)
    work.session.flush()
    work.session.get_one(Charger, "100001").fleet_id = fleet.id
    member = work.session.scalar(select(Member).where(Member.email == email))
    assert member is not None
    member.fleet_id = fleet.id


def _place(work: Work) -> None:
    for site in work.session.scalars(select(Site)):
        site.latitude, site.longitude, site.address = 6.9, 79.85, "R. A. de Mel Mawatha"


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """On each database."""
    async with world(database_url, tmp_path, PUBLIC_URL="http://127.0.0.1") as here:  # cookies for plain HTTP
        await here.charger("100001", scenario="healthy", connectors=2)
        await here.charger("100003", scenario="transient_fault", site="Galle Fort")
        await here.charger("100006", scenario="silent", site="Kandy")
        await here.app.office.run(OPERATOR, _place)
        made = Hub(here)
        yield made
        for caller in made.callers.values():
            await caller.http.aclose()


def _ids(page: str) -> list[str]:
    return re.findall(r'id="charger-(\d+)"', page)


async def test_the_hub_lists_narrows_and_pages(hub: Hub) -> None:
    agent = await hub.as_(Role.OPS_AGENT)
    page = await agent.get("/console/chargers")
    assert (page.status_code, _ids(page.text)) == (200, ["100003", "100006", "100001"])
    for query, expected in (
        ("q=galle", ["100003"]), ("q=1000&state=Offline", ["100006"]), ("state=in_error", ["100003", "100006"]),
        ("type=AC", []), ("order=id&view=table", ["100001", "100003", "100006"]), ("state=nonsense", None),
        ("q=%25", []), ("site=999999999999999999", []), ("site=x", None),
    ):  # fmt: skip
        part = await agent.get(f"/console/chargers?{query}", part=True)
        assert _ids(part.text) == (["100003", "100006", "100001"] if expected is None else expected), query
        assert "<html" not in part.text
    assert "Show all" in (await agent.get("/console/chargers?q=nothing")).text
    assert (await agent.get("/console/chargers?after=broken")).status_code == 422
    card = await agent.get("/console/chargers/100003/card", part=True)
    assert _ids(card.text) == ["100003"]
    assert "InternalError" in card.text
    row = await agent.get("/console/chargers/100003/card?view=table", part=True)
    assert row.text.strip().startswith("<tr")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_part_is_drawn_in_every_language(hub: Hub, language: str) -> None:
    agent = await hub.as_(Role.ADMIN)
    await agent.post("/console/me/language", part=False, language=language, next="/console/chargers")
    for path in ("/console/chargers", "/console/chargers?view=table", "/console/chargers-map", "/console/bar?q=1000"):
        page = await agent.get(path)
        assert page.status_code == 200, (path, page.text[:2000])
        assert f'lang="{language}"' in page.text
    for charger_id in ("100001", "100003", "100006"):
        for part in PARTS:
            for under_htmx in (False, True):
                page = await agent.get(f"/console/chargers/{charger_id}{part}", part=under_htmx)
                assert page.status_code == 200, (part, page.text[:2000])


async def test_a_fault_is_cleared_from_the_page_and_the_verified_state_is_seen(hub: Hub) -> None:
    agent = await hub.as_(Role.OPS_AGENT)
    page = await agent.get("/console/chargers/100003")
    assert 'data-state="Faulted"' in page.text
    assert "chargers_page.advice.clear" in page.text
    asked = await agent.post("/console/bar/run", text="/clear 100003")
    assert 'data-outcome="confirm"' in asked.text
    assert "YES" not in asked.text
    token = TOKEN.search(asked.text)
    assert token is not None
    begun = await agent.post("/console/bar/confirm", token=token[1])
    run = RUN.search(begun.text)
    assert run is not None, begun.text

    async def ended() -> str:
        async with asyncio.timeout(SLOW_S):
            while True:
                text = (await agent.get(f"/console/runs/{run[1]}", part=True)).text
                if 'data-state="ended"' in text:
                    return text
                await hub.world.clock.fast_forward(seconds=2)

    text = await ended()
    assert 'data-result="CLEARED"' in text
    assert "the charger has confirmed it" in text
    now = await agent.get("/console/chargers/100003/now", part=True)
    assert 'data-state="Available"' in now.text
    past = await agent.get("/console/chargers/100003/history", part=True)
    assert "Cleared" in past.text
    assert (await agent.post("/console/bar/confirm", token=token[1])).text.count('data-outcome="refused"') == 1


async def test_no_is_no(hub: Hub) -> None:
    agent = await hub.as_(Role.OPS_AGENT)
    asked = await agent.post("/console/bar/run", text="/reboot 100001")
    token = TOKEN.search(asked.text)
    assert token is not None
    declined = await agent.post("/console/bar/confirm", token=token[1], no="1")
    assert 'data-outcome="done"' in declined.text
    assert 'data-outcome="refused"' in (await agent.post("/console/bar/confirm", token=token[1])).text


async def test_a_command_without_its_session_s_token_is_refused(hub: Hub) -> None:
    agent = await hub.as_(Role.OPS_AGENT)
    tries: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/console/bar/run", {"text": "/clear 100003"}), ("/console/bar/confirm", {"token": "x"}),
        ("/console/bar/press", {"press": "take:TKT-000001:"}),
        ("/console/chargers/100003/command", {"command": "config", "key": "HeartbeatInterval"}),
    )  # fmt: skip
    for path, fields in tries:
        assert (await agent.post(path, csrf="0" * 64, **fields)).status_code == 403, path
        assert (await agent.post(path, csrf="", **fields)).status_code == 403, path
        async with agent.http.stream("GET", path) as answer:
            assert answer.status_code in (404, 405), path


async def test_the_frame_log_goes_back_and_grows(hub: Hub) -> None:
    agent = await hub.as_(Role.OPS_AGENT)
    first = await agent.get("/console/chargers/100001/frames", part=True)
    newest = re.search(r'id="frames" data-newest="(\d+)"', first.text)
    assert newest is not None
    assert "BootNotification" in first.text
    assert hub.world.settings["SECRET_KEY"] not in first.text
    await agent.post("/console/bar/run", text="/reboot 100001")  # asks the charger for its state

    async def grown() -> str:
        async with asyncio.timeout(SLOW_S):
            while True:
                since = await agent.get(f"/console/chargers/100001/frames?since={newest[1]}", part=True)
                if "TriggerMessage" in since.text:
                    return since.text
                await hub.world.clock.fast_forward(seconds=1)

    text = await grown()
    assert f'id="frame-{newest[1]}"' not in text
    only = await agent.get("/console/chargers/100001/frames?action=BootNotification&direction=in", part=True)
    assert set(re.findall(r'font-medium">(\w+)<', only.text)) == {"BootNotification"}


# Who sees what ------------------------------------------------------------------------------------------------------


async def test_an_owner_sees_its_own_chargers_without_commands_sessions_and_frames(hub: Hub) -> None:
    owner = await hub.as_(Role.CPO)
    assert _ids((await owner.get("/console/chargers")).text) == ["100001"]
    assert _ids((await owner.get("/console/chargers?q=1000")).text) == ["100001"]
    page = (await owner.get("/console/chargers/100001")).text
    assert 'data-state="Available"' in page
    for hidden in ("data-command", "h-log", "/command", "h-active", "h-sessions"):
        assert hidden not in page, hidden
    past = (await owner.get("/console/chargers/100001/history", part=True)).text
    assert "<section" not in past
    for part in PARTS[:-1]:
        assert (await owner.get(f"/console/chargers/100003{part}")).status_code == 404, part
        assert (await owner.get(f"/console/chargers/100001{part}")).status_code == 200, part
    assert (await owner.get("/console/chargers/100001/frames")).status_code == 403
    assert (await owner.get("/console/runs/1")).status_code == 403
    assert (await owner.post("/console/chargers/100001/command", command="config")).status_code == 403
    refused = await owner.post("/console/bar/run", text="/clear 100001")
    assert 'data-outcome="refused"' in refused.text
    site_map = (await owner.get("/console/chargers-map/sites")).json()
    assert [one["id"] for place in site_map for one in place["chargers"]] == ["100001"]
    assert "100003" not in (await owner.get("/console/bar?q=1000", part=True)).text
    actions = await hub.world.rows(select(AuditRow.action))
    assert "command.refused" in actions


async def test_an_installer_sees_no_charger(hub: Hub) -> None:
    installer = await hub.as_(Role.INSTALLER)
    for path in ("/console/chargers", "/console/chargers-map", "/console/chargers-map/sites", "/console/runs/1"):
        assert (await installer.get(path)).status_code == 403, path
    for part in PARTS:
        assert (await installer.get(f"/console/chargers/100001{part}")).status_code == 403, part
    assert 'role="option"' not in (await installer.get("/console/bar?q=100001", part=True)).text


async def test_whoever_is_not_signed_in_is_sent_to_the_door(hub: Hub) -> None:
    await hub.as_(Role.ADMIN)
    async with httpx.AsyncClient(base_url=hub.world.http, trust_env=False) as stranger:
        for path in ("/console/chargers", "/console/chargers/100001", "/console/bar?q=/", "/console/chargers-map"):
            answer = await stranger.get(path)
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/console/sign-in"), path
        part = await stranger.get("/console/chargers/100001/now", headers={"HX-Request": "true"})
        assert part.status_code == 401


async def test_a_charger_that_is_not_there_is_said_so(hub: Hub) -> None:
    agent = await hub.as_(Role.OPS_AGENT)
    for part in PARTS:
        assert (await agent.get(f"/console/chargers/999999{part}")).status_code == 404, part


async def test_the_map_shows_every_placed_charger_by_type_and_line(hub: Hub) -> None:
    agent = await hub.as_(Role.DISPATCHER)
    page = await agent.get("/console/chargers-map")
    assert "leaflet.js" in page.text
    assert "leaflet" not in (await agent.get("/console/chargers")).text
    places = (await agent.get("/console/chargers-map/sites")).json()
    online = {one["id"]: one["online"] for place in places for one in place["chargers"]}
    assert online == {"100001": True, "100003": True, "100006": False}
