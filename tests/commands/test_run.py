"""Commands at a door: who may, what happens, what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from commands.command import Outcome, OutcomeKind
from commands.document import DOCS, commands_page, roles_page
from commands.run import run_text
from commands.table import COMMANDS
from models.access import Department, Role
from models.charger import ChargerState
from models.member import PendingAction
from models.sla import ClockKind, ClockState
from phrases.catalogue import LANGUAGES, templates
from phrases.say import say
from tests.commands.furniture import furnish
from tests.commands.test_parse import BAD
from tests.staff import Staff

DESK = frozenset({Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT})
TEAM = DESK | {Role.INSTALLER}

MAY: list[tuple[str, frozenset[Role]]] = [
    ("/status 100001", DESK | {Role.CPO}),
    ("/status 100002", DESK),
    ("/sessions 100001", DESK),
    ("/clear 100001", DESK),
    ("/reboot 100001", DESK),
    ("/reset 100001", DESK),
    ("/out 100001", DESK),
    ("/restore 100001", DESK),
    ("/balance +94771234567", DESK),
    ("/tickets", TEAM),
    ("/ticket {installers}", TEAM),
    ("/ticket {other}", DESK),
    ("/note {installers} seen", TEAM),
    ("/unlock 100001 1", DESK),
    ("/charge nimal 100001 2 30m", DESK),
    ("/stopcharge 100001", DESK),
    ("/config 100001", DESK),
    ("/log 100001", DESK),
    ("/heal on 100001", frozenset({Role.ADMIN, Role.MANAGER})),
    ("/block DEMO1", DESK),
    ("/unblock DEMO1", DESK),
    ("/contact nimal", DESK),
    ("/send 0771234567 we are on our way", DESK),
    ("/resend {dead}", TEAM),
    ("/reply {installers} on our way", TEAM),
    ("/snooze {installers} 1h", TEAM),
    ("/escalate {installers} a reset; still red; an electrician", TEAM),
    ("/incident", DESK),
    ("/ack {alert}", TEAM),
    ("/oncall", DESK),
    ("/oncall set manager tonight", DESK - {Role.OPS_AGENT}),
    ("/correct {message} rfid it was the tag", TEAM),
    ("/take {installers}", frozenset({Role.INSTALLER})),
    ("/resolve {installers} mounted", TEAM),
    ("/close {installers}", DESK - {Role.OPS_AGENT}),
    ("/assign {other} me", DESK),
    ("/whoami", frozenset(Role)),
    ("/help", frozenset(Role)),
]
REFUSED_OTHERWISE = {
    "/status 100002": {Role.CPO: "charger.unknown"},
    "/ticket {other}": {Role.INSTALLER: "ticket.unknown"},
    "/take {installers}": dict.fromkeys(DESK, "ticket.taken"),
}
"""Where the role may use the command and yet not for this one."""


def test_the_matrix_covers_every_command() -> None:
    assert {line.split()[0].removeprefix("/") for line, _ in MAY} == {item.name for item in COMMANDS}


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_what_the_vocabulary_gives_it_and_nothing_else(staff: Staff, role: Role) -> None:
    about = await furnish(staff)
    for line, allowed in MAY:
        text = line.format(
            installers=staff.installers_ticket, other=staff.other_ticket, message=staff.message_id, **about
        )
        before = await staff.rows()
        if line.startswith("/close") and role in allowed:
            await run_text(staff.context(Role.ADMIN), f"/resolve {staff.installers_ticket} done")
        outcome = await run_text(staff.context(role), text)
        if role in allowed:
            assert outcome.kind in (OutcomeKind.DONE, OutcomeKind.CONFIRM), (line, outcome)
            for language in LANGUAGES:
                assert say(outcome.code, outcome.facts, language)
            continue
        assert outcome.kind is OutcomeKind.REFUSED, (line, outcome)
        assert outcome.code == REFUSED_OTHERWISE.get(line, {}).get(role, "access.not_allowed"), (line, outcome)
        assert await staff.rows() == before
        if outcome.code == "access.not_allowed":
            row = (await staff.audit())[-1]
            assert (row.action, row.facts["text"], row.actor_id) == ("command.refused", text, staff.actors[role].id)


async def test_malformed_commands_get_a_clear_error_and_change_nothing(staff: Staff) -> None:
    before = await staff.rows()
    for line, code in BAD:
        if code:
            outcome = await run_text(staff.context(Role.ADMIN), line)
            assert (outcome.kind, outcome.code, outcome.status) == (OutcomeKind.REFUSED, code, 422)
            for language in LANGUAGES:
                assert say(outcome.code, outcome.facts, language)
    assert await staff.rows() == before


async def test_what_no_database_can_store_is_taken_out_before_anything_is_stored(staff: Staff) -> None:
    refused = await run_text(staff.context(Role.CPO), "/reboot 100001\x00\ud800")
    assert refused.code == "access.not_allowed"
    assert (await staff.audit())[-1].facts["text"] == "/reboot 100001"
    asked = await run_text(staff.context(Role.ADMIN), "/reboot\x00 100001\ud800")
    assert asked.kind is OutcomeKind.CONFIRM
    noted = await run_text(staff.context(Role.ADMIN), f"/note {staff.other_ticket} odd\x00\ud800 sign")
    assert noted.facts["ticket"]["notes"][-1]["text"] == "odd sign"


async def test_status_tells_the_connectors_and_their_faults(staff: Staff) -> None:
    await staff.charger("100001", ChargerState.FAULTED, error="GroundFailure")
    outcome = await run_text(staff.context(Role.CPO), "/status 100001")
    words = say(outcome.code, outcome.facts, "en")
    assert "Charger 100001 (100001): Faulted" in words
    assert "Connector 1: Faulted (GroundFailure)" in words
    assert "Connector 2: Available" in words
    assert outcome.facts["charger"]["id"] == "100001"


async def test_balance_finds_by_phone_however_it_is_written_and_by_username(staff: Staff) -> None:
    for words in ("0771234567", "94771234567", "+94 77 123 4567", "nimal", "NIMAL"):
        outcome = await run_text(staff.context(Role.OPS_AGENT), f"/balance {words}")
        assert outcome.kind is OutcomeKind.DONE, (words, outcome)
        assert "3,450.00" in say(outcome.code, outcome.facts, "en")
    nobody = await run_text(staff.context(Role.OPS_AGENT), "/balance 0779999999")
    assert (nobody.kind, nobody.status) == (OutcomeKind.REFUSED, 404)


async def test_sessions_tell_who_charges(staff: Staff) -> None:
    assert (await run_text(staff.context(Role.ADMIN), "/sessions 100001")).code == "command.no_sessions"
    await staff.session("100001", 7)
    outcome = await run_text(staff.context(Role.ADMIN), "/sessions 100001")
    assert "Connector 1: unknown customer, 0.00 kWh, 1 hour" in say(outcome.code, outcome.facts, "en")
    assert (await run_text(staff.context(Role.ADMIN), "/sessions 999")).status == 404


async def test_a_ticket_runs_its_life_by_commands(staff: Staff) -> None:
    ref = staff.other_ticket
    admin = staff.context(Role.ADMIN)

    async def now() -> dict[str, Any]:
        outcome = await run_text(admin, f"/ticket {ref}")
        facts: dict[str, Any] = outcome.facts["ticket"]
        return facts

    assert (await run_text(admin, f"/take {ref}")).code == "command.taken"
    assert (await now())["status"] == "ASSIGNED"
    assert (await run_text(admin, f"/assign {ref} ops_agent@example.org")).code == "command.assigned"
    assert (await now())["assignee"]["name"] == "Ops Agent"
    assert (await run_text(admin, f"/note {ref} the “red” cable")).code == "command.noted"
    assert (await now())["notes"][-1]["text"] == "the “red” cable"
    early = await run_text(admin, f"/close {ref}")
    assert (early.kind, early.code) == (OutcomeKind.REFUSED, "ticket.illegal_move")
    assert (await run_text(admin, f"/resolve {ref} new cable")).code == "command.resolved"
    assert (await run_text(admin, f"/close {ref} customer is happy")).code == "command.closed"
    assert (await now())["status"] == "CLOSED"
    assert "TKT-" in say("command.ticket", (await run_text(admin, f"/ticket {ref}")).facts, "si")


async def test_tickets_lists_what_was_asked_for(staff: Staff) -> None:
    async def refs(role: Role, which: str) -> list[str]:
        outcome: Outcome = await run_text(staff.context(role), f"/tickets {which}".strip())
        return [item["ref"] for item in outcome.facts["tickets"]]

    both = [staff.installers_ticket, staff.other_ticket]
    assert sorted(await refs(Role.ADMIN, "")) == both
    assert await refs(Role.INSTALLER, "") == [staff.installers_ticket]
    assert await refs(Role.INSTALLER, "mine") == [staff.installers_ticket]
    assert await refs(Role.ADMIN, "mine") == []
    assert await refs(Role.ADMIN, "unassigned") == [staff.other_ticket]
    assert await refs(Role.ADMIN, "resolved") == []


async def test_help_lists_what_this_member_may_and_explains_one(staff: Staff) -> None:
    outcome = await run_text(staff.context(Role.CPO), "/help")
    assert [item["name"] for item in outcome.facts["commands"]] == ["status", "whoami", "help"]
    one = await run_text(staff.context(Role.ADMIN), "/help reboot")
    assert [item["name"] for item in one.facts["commands"]] == ["reboot"]
    assert (await run_text(staff.context(Role.CPO), "/help reboot")).status == 404


async def test_a_command_that_waited_longer_than_ten_minutes_is_asked_again(staff: Staff) -> None:
    ref, admin = staff.other_ticket, staff.context(Role.ADMIN)
    now = staff.office.clock.now()
    late = await run_text(admin, f"/note {ref} hello", asked_at=now - timedelta(minutes=11))
    assert late.kind is OutcomeKind.CONFIRM
    assert f"/note {ref} hello" in say(late.code, late.facts, "en")
    assert (await run_text(admin, f"/ticket {ref}")).facts["ticket"]["notes"] == []
    soon = await run_text(admin, f"/note {ref} hello", asked_at=now - timedelta(minutes=9))
    assert soon.kind is OutcomeKind.DONE


async def test_a_customer_or_the_assistant_types_no_commands(staff: Staff) -> None:
    from dataclasses import replace

    from models.access import ASSISTANT, contact_actor

    for actor in (ASSISTANT, contact_actor(1, "Nimal")):
        context = replace(staff.context(Role.ADMIN), desk=staff.office.desk(actor))
        outcome = await run_text(context, "/reboot 100001")
        assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "access.members_only")
    assert await staff.office.read(ASSISTANT, lambda work: work.session.scalar(select(PendingAction.id))) is None


def test_the_pages_in_docs_are_what_the_tables_say() -> None:
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == commands_page()
    assert (DOCS / "roles.md").read_text(encoding="utf-8") == roles_page()


def test_every_command_and_word_has_its_phrase_in_every_language() -> None:
    made = {item.help_code for item in COMMANDS}
    made |= {f"command.confirm.{item.name}" for item in COMMANDS if item.dangerous} | {"command.confirm.late"}
    made |= {f"command.clock.{kind.value}" for kind in ClockKind}
    made |= {f"command.clock_state.{state.value}" for state in ClockState}
    made |= {f"access.role.{role.value}" for role in Role} | {f"access.department.{item.value}" for item in Department}
    for language in LANGUAGES:
        assert made <= set(templates(language))
    for item in COMMANDS:
        assert say(item.help_code, {}, "en") == item.summary
