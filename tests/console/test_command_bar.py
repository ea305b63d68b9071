"""The command bar by HTTP: what it offers to whom, what it finds, and commands run through it to their end."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commands.table import COMMANDS
from desk import contacts, conversations, tickets
from desk.work import Work
from models.access import OPERATOR, Role
from models.charger import RunKind, RunResult
from models.charging import Tariff
from models.contact import IdentityKind
from models.message import Heard
from models.reading import Category
from phrases.catalogue import LANGUAGES
from phrases.say import say
from tests.console.caller import Caller, call_in
from tests.world import World, world

TITLES = re.compile(r'<span class="block truncate[^"]*">([^<]*)</span>')
TOKEN = re.compile(r'name="token" value="([^"]+)"')


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A charger, a customer who wrote, and a ticket, on each database."""
    async with world(database_url, tmp_path, PUBLIC_URL="http://127.0.0.1") as here:  # cookies for plain HTTP
        await here.charger("100001", connectors=2)
        await here.customer("+94771234567", name="Nimali Perera", rupees=5000)
        await here.app.office.run(OPERATOR, _furnish)
        yield here


def _furnish(work: Work) -> None:
    contact = contacts.by_phone(work, "+94771234567")
    assert contact is not None
    heard = Heard(
        channel="web", account="site", address="visitor", external_id="m1", identity_kind=IdentityKind.WEB_SESSION,
        identity="visitor", text="the lamp above bay seven is broken", sender_name="Kamal",
    )  # fmt: skip
    conversations.hear(work, 1, heard)
    work.session.add(Tariff(name="default", price_minor_per_kwh=8500, currency="LKR", created_at=work.now))
    tickets.open_ticket(work, category=Category.FAULT, summary="Red light", charger_id="100001", contact_id=contact.id)


async def _as(house: World, role: Role) -> Caller:
    name = role.value.replace("_", "")
    await house.member(role, name=name)
    return await call_in(house, name)


async def _titles(caller: Caller, typed: str) -> list[str]:
    page = await caller.get("/console/bar", part=True, params={"q": typed})
    assert page.status_code == 200, page.text
    return [html.unescape(title) for title in TITLES.findall(page.text)]


async def test_a_slash_offers_what_this_member_may_and_completes(house: World) -> None:
    agent, owner, installer = [await _as(house, role) for role in (Role.OPS_AGENT, Role.CPO, Role.INSTALLER)]
    assert "/reboot <charger-id>" in await _titles(agent, "/re")
    offered = [title for title in await _titles(owner, "/") if title.startswith("/")]
    assert "/status <charger-id>" in offered
    assert not any(title.startswith(("/clear", "/reboot", "/charge", "/balance", "/ticket")) for title in offered)
    assert await _titles(owner, "/reboot 1") == []
    assert await _titles(installer, "/status 1") == []
    assert (await _titles(agent, "/status "))[:2] == ["/status <charger-id>", "100001 Liberty Plaza 100001"]
    assert (await _titles(agent, "/status 100001"))[0] == "/status 100001"
    assert (await _titles(agent, "/ticket red"))[1] == "TKT-000001 Red light"
    assert await _titles(agent, "／whoami") == ["/whoami"]
    assert await _titles(agent, "/nonsense") == []


async def test_anything_else_is_looked_for_everywhere(house: World) -> None:
    agent, installer = await _as(house, Role.OPS_AGENT), await _as(house, Role.INSTALLER)
    assert "100001 Liberty Plaza 100001" in await _titles(agent, "liberty")
    assert (await _titles(agent, "TKT-000001"))[0].startswith("TKT-000001")
    assert "Nimali Perera" in await _titles(agent, "nimali")
    assert any("lamp above bay seven" in title for title in await _titles(agent, "lamp bay"))
    assert "Chargers" in await _titles(agent, "charg")
    assert await _titles(agent, "zzzz") == []
    found = await _titles(installer, "liberty") + await _titles(installer, "nimali") + await _titles(installer, "red")
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_command_that_asks_is_answered_by_buttons_and_not_by_typing(house: World, language: str) -> None:
    agent = await _as(house, Role.ADMIN)
    await agent.post("/console/me/language", part=False, language=language, next="/console/chargers")
    for line in (
        "/clear 100001", "/reset 100001", "/reboot 100001", "/out 100001", "/unlock 100001 1",
        "/charge +94771234567 100001 1 30m", "/config 100001 HeartbeatInterval 120",
    ):  # fmt: skip
        asked = await agent.post("/console/bar/run", text=line)
        assert asked.status_code == 200, asked.text
        assert 'data-outcome="confirm"' in asked.text, (line, asked.text)
        assert "YES" not in asked.text, line
        assert TOKEN.search(asked.text), line
    for line in ("/status 100001", "/tickets", "/ticket TKT-000001", "/balance +94771234567", "/whoami", "/help"):
        answer = await agent.post("/console/bar/run", text=line)
        assert 'data-outcome="done"' in answer.text, (line, answer.text)


async def test_refusals_are_worded_and_change_nothing(house: World) -> None:
    agent = await _as(house, Role.OPS_AGENT)
    for line in ("/status 999999", "/nonsense", "no slash", "", "/status", "/ticket 999", "/reboot 100001 now"):
        answer = await agent.post("/console/bar/run", text=line)
        assert answer.status_code == 200, line
        assert 'data-outcome="refused"' in answer.text, line
    assert 'data-outcome="refused"' in (await agent.post("/console/bar/confirm", token="no such token")).text
    assert 'data-outcome="refused"' in (await agent.post("/console/bar/press", press="x")).text


async def test_a_log_comes_as_a_file_and_a_press_as_the_command_it_stands_for(house: World) -> None:
    agent = await _as(house, Role.OPS_AGENT)
    log = await agent.post("/console/bar/run", text="/log 100001")
    assert "data-download=" in log.text
    assert "BootNotification" in log.text
    taken = await agent.post("/console/bar/press", press="take:TKT-000001:")
    assert 'data-outcome="done"' in taken.text
    asked = await agent.post("/console/bar/press", press="resolve:TKT-000001:")
    assert 'name="ask"' in asked.text
    done = await agent.post("/console/bar/run", ask="/resolve TKT-000001", text="replaced the fuse")
    assert 'data-outcome="done"' in done.text, done.text


async def test_a_form_of_the_charger_s_page_is_the_line_that_anybody_could_type(house: World) -> None:
    agent = await _as(house, Role.MANAGER)
    path = "/console/chargers/100001/command"
    asked = await agent.post(path, command="charge", customer="Nimali Perera", connector="1", amount="30m")
    assert 'data-code="command.confirm.charge"' in asked.text, asked.text
    changed = await agent.post(path, command="config", key="HeartbeatInterval", value='120" 1')
    assert 'data-code="command.confirm.config"' in changed.text, changed.text
    assert (await agent.post(path, command="assign")).status_code == 422


def test_every_procedure_and_result_has_words_in_every_language() -> None:
    for language in LANGUAGES:
        for kind in RunKind:
            assert say(f"chargers_page.run.{kind.value}", {}, language)
        for result in RunResult:
            assert say(f"chargers_page.result.{result.value}", {}, language)
    assert all(say(command.help_code, {}, "en") for command in COMMANDS)
