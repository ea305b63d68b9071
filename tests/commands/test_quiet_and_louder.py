"""Tickets kept still for a while or raised; lines of the board acknowledged; what a card's buttons stand for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from commands.command import OutcomeKind, answer_line
from commands.press import press
from commands.run import confirm_token, decline_token, run_text
from desk import board, sla, tickets
from desk.work import Work
from models.access import OPERATOR, Role
from models.member import TeamAlert
from models.reading import Category
from models.signed import Press
from models.sla import SlaTimer
from models.ticket import Priority, Ticket
from phrases.catalogue import LANGUAGES
from phrases.say import say
from tests.clock import JumpingClock
from tests.commands.furniture import furnish
from tests.staff import Staff


def _chases(work: Work) -> list[str]:
    query = select(SlaTimer).where(SlaTimer.what.like("chase%"), SlaTimer.state == "armed").order_by(SlaTimer.id)
    return [timer.what for timer in work.session.scalars(query)]


def _critical(work: Work) -> str:
    return tickets.open_ticket(work, category=Category.FAULT, summary="dark", priority=Priority.CRITICAL).ref


async def test_a_snooze_stops_the_chasing_until_its_end_and_not_the_clock(staff: Staff, clock: JumpingClock) -> None:
    office = staff.office
    ref = await office.run(OPERATOR, _critical)
    await clock.fast_forward(minutes=61)
    await office.run(OPERATOR, sla.fire_due)
    assert await office.read(OPERATOR, _chases) == ["chase1"]
    outcome = await run_text(staff.context(Role.OPS_AGENT), f"/snooze {ref} 2h")
    assert outcome.code == "command.snoozed"
    assert outcome.facts["ticket"]["clocks"][0]["state"] == "breached"
    assert outcome.facts["ticket"]["snoozed_until_at"] == (clock.now() + timedelta(hours=2)).isoformat()
    for language in LANGUAGES:
        assert ref in say(outcome.code, outcome.facts, language)
    before = len(await office.read(OPERATOR, _pages))
    await clock.fast_forward(minutes=110)
    await office.run(OPERATOR, sla.fire_due)
    assert len(await office.read(OPERATOR, _pages)) == before
    await clock.fast_forward(minutes=15)
    await office.run(OPERATOR, sla.fire_due)
    assert len(await office.read(OPERATOR, _pages)) == before + 1
    assert len(await office.read(OPERATOR, _chases)) == 1  # and on it goes


def _pages(work: Work) -> list[TeamAlert]:
    return list(work.session.scalars(select(TeamAlert).where(TeamAlert.kind == "chase")))


@pytest.mark.parametrize(("line", "code"), [("25h", "ticket.bad_snooze"), ("2d", "ticket.bad_snooze")])
async def test_a_snooze_lasts_a_day_at_most(staff: Staff, line: str, code: str) -> None:
    outcome = await run_text(staff.context(Role.ADMIN), f"/snooze {staff.other_ticket} {line}")
    assert (outcome.code, outcome.status) == (code, 422)
    await run_text(staff.context(Role.ADMIN), f"/resolve {staff.other_ticket} done")
    late = await run_text(staff.context(Role.ADMIN), f"/snooze {staff.other_ticket} 1h")
    assert late.code == "ticket.not_live"


async def test_an_escalation_asks_three_things_and_raises_by_a_step(staff: Staff, clock: JumpingClock) -> None:
    admin, ref = staff.context(Role.INSTALLER), staff.installers_ticket
    for text in ("help", "a; b", "a;; c", "a; b; c; d"):
        refused = await run_text(admin, f"/escalate {ref} {text}")
        assert (refused.code, refused.status) == ("command.escalate_how", 422)
    outcome = await run_text(admin, f"/escalate {ref} Tried: two resets; failed: still red; needed: an electrician")
    assert outcome.code == "command.escalated", outcome
    assert outcome.facts["ticket"]["priority"] == "high"
    event = next(one for one in outcome.facts["ticket"]["history"] if one["kind"] == "escalated")
    assert event["note"] == "two resets\nstill red\nan electrician"
    checks = await staff.office.read(OPERATOR, _checks)
    assert [timer.fire_at for timer in checks] == [clock.now() + timedelta(hours=4)]
    assert any(alert.kind == "escalation" for alert in await staff.office.read(OPERATOR, board.open_alerts))


def _checks(work: Work) -> list[SlaTimer]:
    return list(work.session.scalars(select(SlaTimer).where(SlaTimer.what.like("check%"), SlaTimer.state == "armed")))


async def test_an_alert_is_acknowledged_once_for_all(staff: Staff) -> None:
    about = await furnish(staff)
    line = f"/ack {about['alert']}"
    first = await run_text(staff.context(Role.OPS_AGENT), line)
    assert (first.code, first.facts["by"]) == ("command.acked", "Ops Agent")
    assert (await staff.audit())[-1].action == "alert.acknowledged"
    again = await run_text(staff.context(Role.ADMIN), line)
    assert again.facts["by"] == "Ops Agent"
    for language in LANGUAGES:
        assert "Ops Agent" in say(again.code, again.facts, language)
    assert (await run_text(staff.context(Role.ADMIN), "/ack 999999")).status == 404
    mine = {row.id for row in await staff.office.run(OPERATOR, _alerts_of, staff.other_ticket)}
    for alert_id in mine:
        assert (await run_text(staff.context(Role.INSTALLER), f"/ack {alert_id}")).status == 404


def _alerts_of(work: Work, ref: str) -> list[TeamAlert]:
    board.raise_alert(
        work, kind="review", key="t:2", code="board.expired", facts={"channel": "web"},
        ticket_id=int(ref.removeprefix("TKT-")),
    )  # fmt: skip
    query = select(TeamAlert).where(TeamAlert.ticket_id == int(ref.removeprefix("TKT-")))
    return list(work.session.scalars(query))


# Buttons --------------------------------------------------------------------------------------------------------


async def test_a_press_does_what_its_button_says(staff: Staff, clock: JumpingClock) -> None:
    agent, ref = staff.context(Role.DISPATCHER), staff.other_ticket
    assert (await press(agent, Press("take", ref, clock.now()))).code == "command.taken"
    assert (await press(agent, Press("snooze", ref, clock.now()))).code == "command.snoozed"
    asked = await press(agent, Press("assign", ref, clock.now()))
    assert asked.choices[0].facts["name"] == "Dispatcher"
    assert asked.choices[0].id == f"assign:{ref}:{staff.actors[Role.DISPATCHER].member_id}"
    assert "Cpo" not in {choice.facts["name"] for choice in asked.choices}
    to = str(staff.actors[Role.INSTALLER].member_id)
    assert (await press(agent, Press("assign", ref, clock.now(), to))).code == "command.assigned"
    question = await press(agent, Press("resolve", ref, clock.now()))
    assert question.ask == f"/resolve {ref}"
    done = await run_text(agent, answer_line(question.ask, "changed\nthe fuse"))
    assert done.code == "command.resolved"
    for outcome in (asked, question):
        for language in LANGUAGES:
            assert ref in say(outcome.code, outcome.facts, language)
            assert all(say(choice.code, choice.facts, language) for choice in outcome.choices)


async def test_a_press_takes_a_charger_out_after_a_yes(staff: Staff, clock: JumpingClock) -> None:
    asked = await press(staff.context(Role.DISPATCHER), Press("out", "100001", clock.now()))
    assert asked.kind is OutcomeKind.CONFIRM
    assert (await press(staff.context(Role.CPO), Press("out", "100001", clock.now()))).status == 403


async def test_a_press_of_one_who_may_not_is_refused_and_noted(staff: Staff, clock: JumpingClock) -> None:
    for action in ("take", "snooze", "ack"):
        outcome = await press(staff.context(Role.CPO), Press(action, "1", clock.now()))
        assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "access.not_allowed")
        assert (await staff.audit())[-1].action == "command.refused"
    ref = staff.other_ticket
    assert (await press(staff.context(Role.INSTALLER), Press("assign", ref, clock.now()))).status == 403
    assert (await press(staff.context(Role.ADMIN), Press("explode", ref, clock.now()))).code == "press.unknown"
    assert (await press(staff.context(Role.ADMIN), Press("assign", "TKT-999999", clock.now()))).status == 404


async def test_a_question_in_a_room_is_its_members_alone(staff: Staff) -> None:
    room = "team:-1001"
    asked = await run_text(staff.context(Role.ADMIN, room), "/reboot 100001")
    token = asked.facts["token"]
    other = await confirm_token(staff.context(Role.MANAGER, room), token)
    assert (other.code, other.facts) == ("command.token_of_another", {"name": "Admin"})
    assert (await decline_token(staff.context(Role.MANAGER, room), token)).code == "command.token_of_another"
    assert (await confirm_token(staff.context(Role.ADMIN, "team:-2"), token)).code == "command.token_unknown"
    assert (await confirm_token(staff.context(Role.ADMIN, room), token)).kind is OutcomeKind.STARTED
    assert (await confirm_token(staff.context(Role.ADMIN, room), token)).code == "command.token_used"
    again = await run_text(staff.context(Role.MANAGER, room), "/reboot 100002")
    assert (await decline_token(staff.context(Role.MANAGER, room), again.facts["token"])).code == "command.declined"
    assert (await confirm_token(staff.context(Role.MANAGER, room), again.facts["token"])).code == "command.token_used"
    assert await staff.office.read(OPERATOR, lambda work: work.session.get(Ticket, 1)) is not None
