"""What is asked before a charge, its end or a cable, and what is refused without being asked."""

from __future__ import annotations

import pytest

from commands.command import OutcomeKind
from commands.run import confirm_token, run_text
from desk import chargers, runs, tags
from desk.work import Work
from models.access import OPERATOR, Role
from models.charger import Charger, Site
from models.charging import IdTag, TagStatus
from phrases.catalogue import LANGUAGES
from phrases.say import say
from tests.commands.furniture import TAG, furnish
from tests.staff import Staff


async def test_a_charge_shows_both_balances_and_is_started_once(staff: Staff) -> None:
    await furnish(staff)
    await staff.office.run(OPERATOR, tags.set_status, TAG, TagStatus.ACTIVE)
    agent = staff.context(Role.OPS_AGENT)
    asked = await run_text(agent, "/charge nimal 100001 2 500")
    assert asked.kind is OutcomeKind.CONFIRM
    for language in LANGUAGES:
        words = say(asked.code, asked.facts, language)
        assert "500" in words
        assert "3,450" in words or "3.450" in words
    begun = await confirm_token(agent, asked.facts["token"])
    assert (begun.kind, begun.code) == (OutcomeKind.STARTED, "command.started.charge")
    for language in LANGUAGES:
        assert "100001" in say(begun.code, begun.facts, language)
    assert (await confirm_token(agent, asked.facts["token"])).code == "command.token_used"
    run = await staff.office.read(OPERATOR, runs.get, begun.facts["run"])
    assert (run["kind"], run["connector"], run["by"]) == ("start_charge", 2, "Ops Agent")
    assert "charge.ordered" in [row.action for row in await staff.audit()]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/charge nimal 100001 1", "charge.not_available"),
        ("/charge nimal 100001 9", "charge.no_connector"),
        ("/charge nimal 999999 1", "charger.unknown"),
        ("/charge kamal 100001 2", "contact.nobody"),
        ("/charge nimal 100001 2 5000", "charge.low_balance"),
        ("/charge nimal 100001 2 13h", "charge.bad_time"),
        ("/stopcharge 100002", "charge.nothing_runs"),
        ("/stopcharge 999999", "charger.unknown"),
        ("/unlock 100001", "charge.which"),
        ("/unlock 100001 7", "run.no_connector"),
        ("/unlock 999999 1", "charger.unknown"),
        ("/log 999999", "charger.unknown"),
        ("/log 100001 0", "command.bad_frames"),
        ("/config 999999", "charger.unknown"),
        ("/config 100001 AuthorizationKey", "config.secret"),
        ("/config 100001 AuthorizationKey 0123456789", "config.secret"),
        ("/config 100001 NoSuchKey", "config.unknown_key"),
        ("/block NOBODY", "charger.no_tag"),
        ("/heal off Nowhere", "charger.no_site"),
        ("/ack 4711", "board.no_alert"),
        ("/resend 4711", "outbox.unknown"),
        ("/snooze 4711 1h", "ticket.unknown"),
    ],
)
async def test_what_cannot_be_is_said_at_once_and_changes_nothing(staff: Staff, line: str, code: str) -> None:
    await furnish(staff)
    if code == "config.unknown_key":
        staff.wire.answer = staff.wire.answer.__class__(staff.wire.answer.outcome, "Accepted", {})
    before = await staff.rows()
    outcome = await run_text(staff.context(Role.ADMIN), line)
    assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, code), outcome
    for language in LANGUAGES:
        assert say(outcome.code, outcome.facts, language)
    assert await staff.rows() == before


async def test_an_agent_reads_settings_and_changes_none(staff: Staff) -> None:
    await furnish(staff)
    agent = staff.context(Role.OPS_AGENT)
    assert (await run_text(agent, "/config 100001 HeartbeatInterval")).kind is OutcomeKind.DONE
    sent = len(staff.wire.orders)
    refused = await run_text(agent, "/config 100001 HeartbeatInterval 60")
    assert (refused.code, refused.status) == ("access.not_allowed", 403)
    assert len(staff.wire.orders) == sent
    asked = await run_text(staff.context(Role.MANAGER), "/config 100001 HeartbeatInterval 60")
    assert (asked.kind, asked.facts["was"]) == (OutcomeKind.CONFIRM, "300")
    changed = await confirm_token(staff.context(Role.MANAGER), asked.facts["token"])
    assert changed.code == "config.changed"
    row = (await staff.audit())[-1]
    assert (row.action, row.facts["key"], row.facts["value"]) == ("charger.configured", "HeartbeatInterval", "60")


async def test_healing_is_switched_for_a_charger_a_site_and_the_network(staff: Staff) -> None:
    boss = staff.context(Role.MANAGER)
    for line, where in (("/heal off 100001", "100001"), ("/heal off colombo 1", "Colombo 1")):
        outcome = await run_text(boss, line)
        assert (outcome.code, outcome.facts["where"]) == ("command.heal_off", where)
    everywhere = await run_text(boss, "/heal off")
    for language in LANGUAGES:
        assert say(everywhere.code, everywhere.facts, language)
    charger, site = await staff.office.read(OPERATOR, _switches)
    assert (charger, site) == (False, False)
    assert [row.action for row in await staff.audit()][-3:] == [
        "charger.auto_heal", "site.auto_heal", "network.auto_heal",
    ]  # fmt: skip
    assert (await run_text(boss, "/heal on network")).code == "command.heal_on"
    assert (await run_text(staff.context(Role.DISPATCHER), "/heal on")).status == 403


def _switches(work: Work) -> tuple[bool, bool]:
    charger = work.session.get_one(Charger, "100001")
    assert charger.site_id is not None
    assert chargers.get(work, "100001") is charger
    return charger.auto_heal, work.session.get_one(Site, charger.site_id).auto_heal


async def test_a_tag_is_blocked_and_let_again(staff: Staff) -> None:
    await furnish(staff)
    agent = staff.context(Role.OPS_AGENT)
    assert (await run_text(agent, "/block demo1")).code == "command.tag_blocked"
    assert (await staff.office.read(OPERATOR, tags.verdict, TAG)).status == "Blocked"
    assert (await run_text(agent, "/unblock DEMO1")).code == "command.tag_unblocked"
    tag = await staff.office.read(OPERATOR, tags.find, TAG)
    assert isinstance(tag, IdTag)
    assert tag.status is TagStatus.ACTIVE
    assert [row.action for row in await staff.audit()][-2:] == ["tag.status", "tag.status"]
