"""Buttons below a question: whose they are, that they work once and for two minutes, and that the message changes."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.telegram_intake import row_of
from commands.run import confirm_token
from desk import inbox, members, run_steps
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Role
from models.charger import ProcedureRun, RunResult
from models.member import PendingAction
from models.signed import sign_press
from tests.team_room import Room

FOREIGN = "That question was put to Dispatcher; only Dispatcher can answer it."


async def test_the_owner_confirms_and_the_very_message_says_what_came_of_it(room: Room) -> None:
    asked = await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    assert question.text.startswith("Restart Charger 100001")
    assert question.reply_to == asked.id
    assert list(question.buttons) == ["Yes, do it", "No"]
    press = await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert (press.text, press.alert) == ("", False)
    assert "Restarting 100001" in question.text
    assert not question.buttons
    [run] = await started(room)
    assert run.args["door"] == f"team:{room.group.id}"
    assert run.actor_name == "Dispatcher"
    await room.office.run(ASSISTANT, run_steps.claim, "me", 60, 1)
    await room.office.run(ASSISTANT, run_steps.end, run.id, "me", RunResult.REBOOTED, {})
    room.bus.announce("runs.ended")
    await room.quiet()
    assert len(room.heard()) == 1
    assert "100001" in question.text
    assert "Restarting" not in question.text


async def test_somebody_elses_press_is_refused_by_name_and_the_owners_still_works(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    for label in question.buttons:
        press = await room.presses(Role.MANAGER, question, label)
        assert press.alert
        assert press.text == FOREIGN
    assert question.buttons
    assert await started(room) == []
    await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert len(await started(room)) == 1


async def test_whoever_is_in_the_group_and_no_member_presses_in_vain(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    press = await room.presses(Role.CPO, room.last(), "Yes, do it")
    assert press.alert
    assert press.text.startswith("I answer linked members of the team only.")
    assert await started(room) == []


async def test_forged_data_is_refused_with_a_sentence(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    elsewhere = sign_press(room.office.house.secret, "ack", "1", room.clock.now(), "-100999")
    stolen = sign_press(b"somebody's key", "ack", "1", room.clock.now(), str(room.group.id))
    for data in (f"y.{secrets.token_urlsafe(24)}", "y.", "n.x", "c1.", "c1.AAAA", elsewhere, stolen, "nonsense", ""):
        press = await room.forges(Role.DISPATCHER, question, data)
        assert press.alert, data
        assert press.text, data
    assert await started(room) == []
    await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert len(await started(room)) == 1


async def test_a_token_counts_in_its_own_chat_alone(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    data = room.last().buttons["Yes, do it"]
    own = room.private(room.people[Role.DISPATCHER])
    await room.says(Role.DISPATCHER, "/whoami", chat=own)
    press = await room.forges(Role.DISPATCHER, room.last(own), data)
    assert press.text == "This confirmation is not known here."
    assert await started(room) == []


async def test_a_second_press_finds_it_used(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    data = question.buttons["Yes, do it"]
    await room.presses(Role.DISPATCHER, question, "Yes, do it")
    press = await room.forges(Role.DISPATCHER, question, data)
    assert press.alert
    assert press.text == "This was confirmed or replaced already."
    assert len(await started(room)) == 1


async def test_a_late_press_finds_the_question_gone(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    await room.clock.fast_forward(seconds=121)
    press = await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert press.alert
    assert "100001" in press.text
    assert (question.text, question.buttons) == (press.text, {})
    assert await started(room) == []


async def test_no_drops_the_question(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    await room.presses(Role.DISPATCHER, question, "No")
    assert question.text == "Dropped. Nothing was done."
    assert not question.buttons
    assert await started(room) == []


async def test_the_question_may_be_answered_in_words(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    code = question.text[question.text.index("YES") :]
    await room.says(Role.MANAGER, code, reply_to=question)
    assert room.last().text == "Nothing waits for your confirmation."
    await room.says(Role.DISPATCHER, code, reply_to=question)
    assert "Restarting 100001" in room.last().text


async def test_who_lost_the_right_meanwhile_is_refused(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()

    def demote(work: Work) -> None:
        members.get(work, "dispatcher@example.org").role = Role.INSTALLER

    await room.office.run(OPERATOR, demote)
    press = await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert press.alert
    assert not question.buttons
    assert await started(room) == []


async def test_a_press_outlives_the_process_that_was_asked(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    await room.end()
    press = room.telegram.presses(room.people[Role.DISPATCHER], question, "Yes, do it")
    await room.begin()
    await room.quiet()
    assert press.answer is not None
    assert "Restarting 100001" in question.text
    assert len(await started(room)) == 1


async def test_a_press_that_a_crash_interrupted_is_not_run_twice(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    await room.end()
    press = room.telegram.presses(room.people[Role.DISPATCHER], question, "Yes, do it")
    await room.office.put(row_of("team", str(room.bot.id), room.bot.queue[-1]))
    await room.office.run(ASSISTANT, inbox.claim, 1, "me")
    context = room.staff.context(Role.DISPATCHER, door=f"team:{room.group.id}")
    await confirm_token(context, question.buttons["Yes, do it"].removeprefix("y."))
    await room.office.run(ASSISTANT, inbox.release_owned, "me")
    await room.begin()
    await room.quiet()
    assert press.text.startswith("I was interrupted while running “/reboot 100001”")
    assert len(await started(room)) == 1


async def test_a_press_too_old_to_be_answered_is_told_in_the_chat(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    await room.end()
    press = room.telegram.presses(room.people[Role.DISPATCHER], question, "Yes, do it")
    room.clock.set(room.clock.now() + timedelta(minutes=11))
    await room.begin()
    await room.quiet()
    assert press.answer is None
    assert question.edits
    assert "100001" in question.text
    assert await started(room) == []


async def test_a_charger_that_changed_meanwhile_is_asked_about_again(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    await room.staff.session("100001", 77)
    await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert list(question.buttons) == ["Yes, do it", "No"]
    assert await started(room) == []
    waiting = await room.office.read(
        OPERATOR, lambda work: list(work.session.scalars(select(PendingAction).where(PendingAction.used_at.is_(None))))
    )
    assert [f"y.{action.token}" for action in waiting] == [question.buttons["Yes, do it"]]
    await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert len(await started(room)) == 1


@pytest.mark.parametrize("role", [Role.MANAGER, Role.OPS_AGENT])
async def test_two_members_may_each_be_asked_at_the_same_time(room: Room, role: Role) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    first = room.last()
    await room.says(role, "/reboot 100002")
    second = room.last()
    await room.presses(role, second, "Yes, do it")
    await room.presses(Role.DISPATCHER, first, "Yes, do it")
    assert len(await started(room)) == 2


async def started(room: Room) -> list[ProcedureRun]:
    """Every procedure there is."""
    return await room.office.read(OPERATOR, lambda work: list(work.session.scalars(select(ProcedureRun))))
