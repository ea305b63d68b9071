"""Dangerous commands: asked, bound to member, door and time, used once, looked at again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from commands.command import Outcome, OutcomeKind
from commands.run import confirm_code, confirm_token, decline, run_text
from models.access import ASSISTANT, Role
from models.charger import ChargerState, OrderKind, OrderOutcome, ProcedureRun, RunKind
from models.ports import OrderAnswer
from phrases.say import say
from tests.staff import Staff

HERE, THERE = "whatsapp:+94770000001", "whatsapp:+94770000002"


async def _runs(staff: Staff) -> list[ProcedureRun]:
    return await staff.office.read(ASSISTANT, lambda work: list(work.session.scalars(select(ProcedureRun))))


@pytest.fixture
async def asked(staff: Staff) -> Outcome:
    """A reboot that waits for its yes."""
    outcome = await run_text(staff.context(Role.OPS_AGENT, HERE), "/reboot 100001")
    assert outcome.kind is OutcomeKind.CONFIRM
    assert await _runs(staff) == []
    return outcome


async def test_a_question_shows_the_charger_and_how_to_answer(staff: Staff, asked: Outcome) -> None:
    words = say(asked.code, asked.facts, "en")
    assert "Restart Charger 100001 (100001)? It is Available now." in words
    assert f"YES {asked.facts['code']}" in words
    assert asked.facts["expires_at"] == "2026-03-02T08:02:00+00:00"
    assert asked.facts["charger"]["id"] == "100001"
    assert [kind for _, kind, _ in staff.wire.orders] == [OrderKind.TRIGGER_STATUS] * 2


async def test_a_yes_starts_the_procedure_once(staff: Staff, asked: Outcome) -> None:
    context = staff.context(Role.OPS_AGENT, HERE)
    outcome = await confirm_code(context, f"yes {asked.facts['code']}")
    assert outcome.kind is OutcomeKind.STARTED
    [run] = await _runs(staff)
    assert outcome.facts["run"] == run.id
    assert (run.kind, run.charger_id, run.actor_name) == (RunKind.REBOOT, "100001", "Ops Agent")
    assert run.args["door"] == HERE
    assert run.args["member_id"] == staff.actors[Role.OPS_AGENT].member_id
    assert run.args["force"] is False
    again = await confirm_code(context, f"yes {asked.facts['code']}")
    assert (again.kind, again.code) == (OutcomeKind.REFUSED, "command.nothing_to_confirm")
    token = await confirm_token(context, asked.facts["token"])
    assert (token.kind, token.code) == (OutcomeKind.REFUSED, "command.token_used")
    assert len(await _runs(staff)) == 1
    actions = [row.action for row in await staff.audit()]
    assert actions.index("command.asked") < actions.index("command.confirmed") < actions.index("charger.reboot")


async def test_ten_presses_at_once_start_one_procedure(staff: Staff, asked: Outcome) -> None:
    context = staff.context(Role.OPS_AGENT, HERE)
    outcomes = await asyncio.gather(*(confirm_token(context, asked.facts["token"]) for _ in range(10)))
    assert [outcome.kind for outcome in outcomes].count(OutcomeKind.STARTED) == 1
    assert len(await _runs(staff)) == 1


async def test_two_questions_at_the_same_moment_leave_one_open(staff: Staff) -> None:
    context = staff.context(Role.OPS_AGENT, HERE)
    outcomes = await asyncio.gather(*(run_text(context, "/reboot 100001") for _ in range(6)))
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.CONFIRM}
    confirmed = [await confirm_token(context, outcome.facts["token"]) for outcome in outcomes]
    codes = sorted(outcome.code for outcome in confirmed)
    assert codes == ["command.started.reboot"] + ["command.token_used"] * 5


@pytest.mark.parametrize("role", [Role.ADMIN, Role.CPO])
async def test_another_member_cannot_confirm_and_does_not_burn_it(staff: Staff, asked: Outcome, role: Role) -> None:
    by_token = await confirm_token(staff.context(role, HERE), asked.facts["token"])
    by_code = await confirm_code(staff.context(role, HERE), f"YES {asked.facts['code']}")
    assert (by_token.code, by_code.code) == ("command.token_unknown", "command.nothing_to_confirm")
    assert await _runs(staff) == []
    own = await confirm_token(staff.context(Role.OPS_AGENT, HERE), asked.facts["token"])
    assert own.kind is OutcomeKind.STARTED


async def test_another_door_cannot_confirm(staff: Staff, asked: Outcome) -> None:
    context = staff.context(Role.OPS_AGENT, THERE)
    assert (await confirm_token(context, asked.facts["token"])).code == "command.token_unknown"
    assert (await confirm_code(context, f"YES {asked.facts['code']}")).code == "command.nothing_to_confirm"
    assert await _runs(staff) == []


async def test_after_two_minutes_it_is_too_late(staff: Staff, asked: Outcome, clock: Any) -> None:
    await clock.fast_forward(seconds=120)
    outcome = await confirm_code(staff.context(Role.OPS_AGENT, HERE), f"YES {asked.facts['code']}")
    assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "command.confirm_expired")
    assert await _runs(staff) == []


async def test_five_wrong_codes_drop_it(staff: Staff, asked: Outcome) -> None:
    context = staff.context(Role.OPS_AGENT, HERE)
    wrong = f"{(int(asked.facts['code']) + 1) % 10_000:04d}"
    outcomes = [await confirm_code(context, f"YES {wrong}") for _ in range(5)]
    assert [outcome.code for outcome in outcomes] == ["command.confirm_wrong"] * 4 + ["command.confirm_too_many"]
    assert [outcome.facts["left"] for outcome in outcomes[:4]] == [4, 3, 2, 1]
    assert (await confirm_code(context, f"YES {asked.facts['code']}")).code == "command.nothing_to_confirm"
    assert await _runs(staff) == []


async def test_a_new_question_replaces_the_old_one_at_its_door_only(staff: Staff, asked: Outcome) -> None:
    elsewhere = await run_text(staff.context(Role.OPS_AGENT, THERE), "/clear 100002")
    newer = await run_text(staff.context(Role.OPS_AGENT, HERE), "/reboot 100002")
    assert newer.facts["code"] != asked.facts["code"]
    context = staff.context(Role.OPS_AGENT, HERE)
    assert (await confirm_token(context, asked.facts["token"])).code == "command.token_used"
    assert (await confirm_code(context, f"YES {newer.facts['code']}")).kind is OutcomeKind.STARTED
    other = await confirm_token(staff.context(Role.OPS_AGENT, THERE), elsewhere.facts["token"])
    assert (other.kind, other.code) == (OutcomeKind.REFUSED, "run.already_running")


async def test_a_permission_that_was_taken_away_meanwhile_stops_it(staff: Staff, asked: Outcome) -> None:
    context = staff.context(Role.OPS_AGENT, HERE)
    demoted = replace(context, desk=staff.office.desk(replace(staff.actors[Role.OPS_AGENT], role=Role.CPO)))
    outcome = await confirm_token(demoted, asked.facts["token"])
    assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "access.not_allowed")
    assert await _runs(staff) == []
    assert (await staff.audit())[-1].action == "command.refused"


async def test_a_session_that_began_meanwhile_is_asked_about_anew(staff: Staff, asked: Outcome) -> None:
    context = staff.context(Role.OPS_AGENT, HERE)
    await staff.charger("100001", ChargerState.CHARGING)
    await staff.session("100001", 7)
    anew = await confirm_token(context, asked.facts["token"])
    assert anew.kind is OutcomeKind.CONFIRM
    words = say(anew.code, anew.facts, "en")
    assert words.startswith("Things have changed")
    assert "the session would be cut off" in words
    assert await _runs(staff) == []
    outcome = await confirm_token(context, anew.facts["token"])
    assert outcome.kind is OutcomeKind.STARTED
    [run] = await _runs(staff)
    assert run.args["force"] is True


async def test_a_charger_that_went_away_meanwhile_is_said(staff: Staff, asked: Outcome) -> None:
    await staff.charger("100001", ChargerState.AVAILABLE, online=False)
    outcome = await confirm_token(staff.context(Role.OPS_AGENT, HERE), asked.facts["token"])
    assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "run.not_connected")


async def test_a_no_drops_it(staff: Staff, asked: Outcome) -> None:
    context = staff.context(Role.OPS_AGENT, HERE)
    assert (await decline(context)).code == "command.declined"
    assert (await decline(context)).code == "command.nothing_to_confirm"
    assert (await confirm_token(context, asked.facts["token"])).code == "command.token_used"


async def test_clearing_a_charger_without_a_fault_says_so_before(staff: Staff) -> None:
    outcome = await run_text(staff.context(Role.ADMIN, HERE), "/clear 100001")
    assert outcome.facts["warnings"] == ["command.warn_not_faulted"]
    await staff.charger("100001", ChargerState.FAULTED, error="OtherError")
    outcome = await run_text(staff.context(Role.ADMIN, HERE), "/clear 100001")
    assert outcome.facts["warnings"] == []
    assert "It is Faulted now" in say(outcome.code, outcome.facts, "en")
    assert (await confirm_token(staff.context(Role.ADMIN, HERE), outcome.facts["token"])).kind is OutcomeKind.STARTED


async def test_a_charger_that_does_not_answer_is_shown_as_it_was_last_seen(staff: Staff) -> None:
    staff.wire.answer = OrderAnswer(OrderOutcome.TIMEOUT)
    outcome = await run_text(staff.context(Role.ADMIN, HERE), "/reboot 100001")
    assert outcome.kind is OutcomeKind.CONFIRM
    assert len(staff.wire.orders) == 1


async def test_what_was_late_runs_after_a_yes(staff: Staff) -> None:
    from datetime import timedelta

    context = staff.context(Role.ADMIN, HERE)
    before = staff.office.clock.now() - timedelta(hours=1)
    late = await run_text(context, f"/take {staff.other_ticket}", asked_at=before)
    assert late.kind is OutcomeKind.CONFIRM
    assert (await confirm_code(context, f"YES {late.facts['code']}")).code == "command.taken"
