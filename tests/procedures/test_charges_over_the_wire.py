"""Force charge, unlock and settings by command: a virtual charger on a real WebSocket, both OCPP versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from commands.command import CommandContext, Outcome, OutcomeKind
from commands.run import confirm_token, run_text
from desk import charging, force_charge, members, runs, wallets
from desk.work import House, Work
from integrations.ocpp.simulator.charger import VirtualCharger
from models.access import ASSISTANT, OPERATOR, Actor, Role
from models.audit import AuditRow
from models.charger import ChargerCommand, OrderKind
from models.charging import Tariff
from models.contact import Contact
from models.force_charge import ForceCharge, ForceState
from models.money import Money
from phrases.catalogue import LANGUAGES
from phrases.say import say
from tests.procedures.test_over_the_wire import Network, Version, _until

VERSIONS = pytest.mark.parametrize("version", ["1.6", "2.0.1"])


class Team:
    """A network with a member who types, a customer who has money, and the job that watches charges."""

    def __init__(self, network: Network, actor: Actor) -> None:
        self.network = network
        self.context = CommandContext(network.office.desk(actor), network.clerk, "api")

    async def ask(self, line: str) -> Outcome:
        """Type a line."""
        return await run_text(self.context, line)

    async def do(self, line: str) -> Outcome:
        """Type a line and confirm it."""
        asked = await self.ask(line)
        assert asked.kind is OutcomeKind.CONFIRM, asked
        for language in LANGUAGES:
            assert asked.facts["code"] in say(asked.code, asked.facts, language)
        return await confirm_token(self.context, asked.facts["token"])

    async def result(self, line: str) -> dict[str, Any]:
        """Type a line, confirm it, and wait for the end of its procedure."""
        begun = await self.do(line)
        assert begun.kind is OutcomeKind.STARTED, begun

        async def ended() -> dict[str, Any] | None:
            run = await self.network.office.read(OPERATOR, runs.get, begun.facts["run"])
            return run if run["state"] == "ended" else None

        run: dict[str, Any] = await _until(ended, 30)
        facts = {**run["facts"], "charger": "100003", "state": "?"}
        for language in LANGUAGES:
            assert say(f"run.result.{run['result'].lower()}", facts, language)
        return run

    async def row(self) -> ForceCharge:
        """The charge that is watched."""
        found: ForceCharge = await self.network.office.read(
            OPERATOR, lambda work: work.session.scalars(select(ForceCharge)).one()
        )
        return found

    async def over(self) -> bool:
        """Whether it has ended."""
        return (await self.row()).state is ForceState.ENDED

    async def orders(self, kind: OrderKind) -> list[ChargerCommand]:
        """The orders of a kind, as they were written down."""
        query = select(ChargerCommand).where(ChargerCommand.kind == kind)
        return await self.network.office.read(OPERATOR, lambda work: list(work.session.scalars(query)))


def _seed(work: Work) -> Actor:
    work.session.add(Tariff(name="default", price_minor_per_kwh=1_000_000, currency="LKR", created_at=work.now))
    work.session.add(Contact(name="Nimal", username="nimal", created_at=work.now))
    work.session.flush()
    wallets.credit(work, amount=Money(10_000_000, "LKR"), note="", key="a", contact_id=1)
    member = members.add(work, email="ana@example.org", name="Ana", role=Role.ADMIN)
    return members.actor(work, member)


@pytest.fixture
async def team(database_url: str, house: House, tmp_path: Path) -> AsyncIterator[Team]:
    network = Network(database_url, house, tmp_path)
    await network.open()
    team = Team(network, await network.office.run(OPERATOR, _seed))
    watching = asyncio.create_task(_watch(network))
    yield team
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await network.stack.aclose()
    network.office.close()


async def _watch(network: Network) -> None:
    while True:
        await network.office.run(ASSISTANT, force_charge.sweep)
        await asyncio.sleep(0.1)


async def _fast(charger: VirtualCharger) -> None:
    """Energy flows as in a minute for each second, so that an amount is reached soon."""
    outlet = charger.outlet(1)
    await _until(_true_when(lambda: outlet.session is not None))
    assert outlet.session is not None
    outlet.session.power_w = 900_000


def _true_when(true: Any) -> Any:
    async def look() -> bool:
        return bool(true())

    return look


@VERSIONS
async def test_a_charge_begins_ends_at_its_amount_and_is_paid_once(team: Team, version: Version) -> None:
    charger = await team.network.charger("healthy", version)
    run = await team.result("/charge nimal 100003 500")
    assert run["result"] == "CHARGE_STARTED", run["steps"]
    await _fast(charger)
    await _until(team.over)
    [session] = await team.network.office.read(OPERATOR, charging.sessions, charger_id="100003")
    assert session["amount"]["minor"] >= 50_000
    assert (session["customer"], session["stop_reason"]) == ("Nimal", "Remote")
    left = await team.network.office.read(OPERATOR, wallets.balance, 1)
    assert left.wallet == Money(10_000_000 - session["amount"]["minor"], "LKR")
    assert len(await team.orders(OrderKind.REMOTE_START)) == 1
    assert {order.actor_name for order in await team.orders(OrderKind.REMOTE_STOP)} == {"Ana"}
    trail = await team.network.office.read(OPERATOR, _actions)
    assert [one for one in trail if one.startswith("charge.")] == ["charge.ordered", "charge.began", "charge.ended"]


def _actions(work: Work) -> list[str]:
    return list(work.session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


@VERSIONS
async def test_a_charge_is_ended_by_a_member_who_hears_what_it_came_to(team: Team, version: Version) -> None:
    charger = await team.network.charger("healthy", version)
    assert (await team.ask("/stopcharge 100003")).code == "charge.nothing_runs"
    assert (await team.result("/charge nimal 100003 30m"))["result"] == "CHARGE_STARTED"
    await _fast(charger)
    await asyncio.sleep(0.7)
    shown = await team.ask("/sessions 100003")
    assert shown.facts["sessions"][0]["customer"] == "Nimal"
    busy = await team.ask("/charge nimal 100003 1")
    assert busy.code == "charge.not_available"
    run = await team.result("/stopcharge 100003 1")
    assert run["result"] == "CHARGE_ENDED"
    assert float(run["facts"]["kwh"]) > 0
    assert run["facts"]["cost"]["$money"][0] > 0
    await _until(team.over)
    assert charger.outlet(1).session is None


@VERSIONS
async def test_a_session_that_the_driver_ends_closes_the_charge(team: Team, version: Version) -> None:
    charger = await team.network.charger("healthy", version)
    await team.result("/charge nimal 100003")
    charger.unplug(1)
    await _until(team.over)
    assert await team.orders(OrderKind.REMOTE_STOP) == []


@VERSIONS
async def test_a_charger_that_says_no_has_started_nothing(team: Team, version: Version) -> None:
    charger = await team.network.charger("healthy", version)
    asked = await team.ask("/charge nimal 100003 30m")
    charger.outlet(1).operative = False  # and has not said so yet
    begun = await confirm_token(team.context, asked.facts["token"])

    async def ended() -> Any:
        run = await team.network.office.read(OPERATOR, runs.get, begun.facts["run"])
        return run["state"] == "ended" and run

    run = await _until(ended)
    assert (run["result"], run["facts"]["reason"]) == ("CHARGE_NOT_STARTED", "rejected")
    assert not await team.network.charging()


@VERSIONS
async def test_a_cable_is_let_go_and_the_answer_told(team: Team, version: Version) -> None:
    charger = await team.network.charger("healthy", version)
    assert (await team.result("/unlock 100003"))["result"] == "UNLOCKED"
    charger.fault("ConnectorLockFailure")
    await _until(lambda: team.network.shows("Faulted"))
    assert (await team.result("/unlock 100003 1"))["result"] == "UNLOCK_FAILED"
    charger.clear()
    await _until(lambda: team.network.shows("Available"))
    await team.result("/charge nimal 100003")
    asked = await team.ask("/unlock 100003 1")
    assert "command.warn_session" in asked.facts["warnings"]
    run = await team.result("/unlock 100003 1")
    assert run["result"] == ("UNLOCKED" if version == "1.6" else "UNLOCK_FAILED")
    assert run["facts"]["status"] == ("Unlocked" if version == "1.6" else "OngoingAuthorizedTransaction")


@VERSIONS
async def test_settings_are_read_and_changed(team: Team, version: Version) -> None:
    beat, ping, secret = {
        "1.6": ("HeartbeatInterval", "WebSocketPingInterval", "AuthorizationKey"),
        "2.0.1": (
            "OCPPCommCtrlr.HeartbeatInterval", "OCPPCommCtrlr.WebSocketPingInterval",
            "SecurityCtrlr.BasicAuthPassword",
        ),
    }[version]  # fmt: skip
    charger = await team.network.charger("healthy", version)
    shown = await team.ask("/config 100003")
    assert f"{beat} = 300" in say(shown.code, shown.facts, "en")
    assert secret not in say(shown.code, shown.facts, "en")
    assert (await team.ask(f"/config 100003 {beat}")).facts["settings"] == {beat: ["300", False]}
    changed = await team.do(f"/config 100003 {beat} 240")
    assert (changed.code, charger.variables[beat][0]) == ("config.changed", "240")
    assert (await team.do(f"/config 100003 {ping} 60")).code == "config.reboot_required"
    refused = await team.do(f"/config 100003 {beat} soon")
    assert (refused.kind, refused.code, refused.facts["status"]) == (
        OutcomeKind.REFUSED,
        "config.not_changed",
        "Rejected",
    )
    for line in (f"/config 100003 {secret}", f"/config 100003 {secret} 0123456789abcdef"):
        assert (await team.ask(line)).code == "config.secret"
    unknown = await team.ask("/config 100003 No.SuchKey")
    assert (unknown.code, unknown.status) == ("config.unknown_key", 404)
    for outcome in (shown, changed, refused, unknown):
        for language in LANGUAGES:
            assert say(outcome.code, outcome.facts, language)
    assert {order.actor_name for order in await team.orders(OrderKind.CHANGE_CONFIGURATION)} == {"Ana"}
    trail = await team.network.office.read(OPERATOR, _actions)
    assert trail.count("charger.configured") == 3
    charger.go_silent()
    await _until(lambda: team.network.shows("Offline"))
    assert (await team.ask("/config 100003")).code == "run.not_connected"


@VERSIONS
async def test_the_last_frames_come_as_a_file(team: Team, version: Version) -> None:
    await team.network.charger("healthy", version)

    async def logged() -> Any:
        outcome = await team.ask("/log 100003")
        return outcome.attachment and "StatusNotification" in outcome.attachment.text and outcome

    outcome = await _until(logged)
    assert outcome.attachment.name == "100003-frames.txt"
    lines = outcome.attachment.text.splitlines()
    assert len(lines) == outcome.facts["count"]
    assert sorted(lines) == lines  # oldest first
    assert "BootNotification" in outcome.attachment.text
    for language in LANGUAGES:
        assert len(say(outcome.code, outcome.facts, language).splitlines()) == 2
    assert len((await team.ask("/log 100003 1")).attachment.text.splitlines()) == 1  # type: ignore[union-attr]
    for count in ("0", "2001", "-5"):
        assert (await team.ask(f"/log 100003 {count}")).code == "command.bad_frames"
