"""Who is heard in the team's chats, and what is for us there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from desk import inbox, members
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Role
from models.inbox import InboxItem, InboxState
from models.message import Message
from models.ticket import TicketEvent
from tests.team_room import Room


async def rows(room: Room) -> list[InboxItem]:
    """The inbox, oldest first."""
    return await room.office.read(
        OPERATOR, lambda work: list(work.session.scalars(select(InboxItem).order_by(InboxItem.id)))
    )


async def notes(room: Room) -> list[str]:
    """Every note on a ticket, oldest first."""
    query = select(TicketEvent.note).where(TicketEvent.kind == "note").order_by(TicketEvent.id)
    return await room.office.read(OPERATOR, lambda work: list(work.session.scalars(query)))


async def test_a_member_gets_an_answer_to_the_very_command(room: Room) -> None:
    asked = await room.says(Role.DISPATCHER, "/status 100001")
    assert room.last().text.startswith("Charger 100001")
    assert room.last().reply_to == asked.id
    await room.says(Role.DISPATCHER, "/status@OpsTeamBot 100001")
    assert len(room.heard()) == 2
    assert await room.office.read(OPERATOR, lambda work: work.session.scalar(select(Message.id).offset(1))) is None


async def test_chatter_is_no_business_of_ours_and_nothing_of_it_is_kept(room: Room) -> None:
    await room.says(Role.DISPATCHER, "has anybody seen the red fluke meter?")
    await room.says(Role.CPO, "no")
    await room.says(Role.DISPATCHER, "YES 4821")
    await room.says(Role.DISPATCHER, "/status@OtherBot 100001")
    assert room.heard() == []
    for row in await rows(room):
        assert (row.state, row.raw) == (InboxState.DONE, None)


async def test_a_group_is_no_membership(room: Room) -> None:
    stranger = room.people[Role.CPO]
    await room.says(stranger, "hello?")
    assert room.heard() == []
    await room.says(stranger, "/status 100001")
    assert room.last().text.startswith("I answer linked members of the team only.")
    await room.says(stranger, "/status 100002")
    assert len(room.heard()) == 1, "once is enough for a day"


async def test_a_member_who_left_is_a_stranger(room: Room) -> None:
    def leave(work: Work) -> None:
        members.disable(work, members.get(work, "dispatcher@example.org"))

    await room.office.run(OPERATOR, leave)
    await room.says(Role.DISPATCHER, "/status 100001")
    assert room.last().text.startswith("I answer linked members of the team only.")


async def test_a_name_proves_nothing(room: Room) -> None:
    twin = room.telegram.user("Dispatcher", username="dispatcher")
    room.telegram.joins(twin, room.group)
    await room.says(twin, "/status 100001")
    assert room.last().text.startswith("I answer linked members of the team only.")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"anonymous": True}, "I cannot tell who is speaking for the group."),
        ({"forwarded": True}, "I do not run what was forwarded."),
    ],
)
async def test_whose_words_are_not_their_own_is_refused(room: Room, how: dict[str, bool], sentence: str) -> None:
    admin = room.people[Role.ADMIN]
    more: dict[str, Any] = {"anonymous": True} if "anonymous" in how else {"forwarded_from": admin}
    await room.says(Role.DISPATCHER, "good morning", **more)
    assert room.heard() == []
    await room.says(Role.DISPATCHER, "/reboot 100001", **more)
    assert room.last().text.startswith(sentence)
    assert not room.last().buttons


async def test_bots_and_channels_are_not_heard(room: Room) -> None:
    other = room.telegram.bot("8002:another", "OtherBot")
    room.telegram.joins(other, room.group)
    await room.says(other, "/reboot 100001")
    assert room.heard() == ["I take nothing from other bots."]
    await room.says(other, "/reboot 100001")
    assert len(room.heard()) == 1, "two bots must not talk with each other for ever"
    room.telegram.posts_by_channel(room.group, "/reboot 100001")
    await room.quiet()
    assert room.last().text.startswith("I cannot tell who is speaking")


async def test_what_is_edited_never_runs(room: Room) -> None:
    said = await room.says(Role.DISPATCHER, "red light at 100001")
    room.telegram.edits(said, "/reboot 100001")
    await room.quiet()
    assert room.last().text.startswith("I do not run what was edited.")
    said = await room.says(Role.DISPATCHER, f"/note {room.staff.other_ticket} first")
    room.telegram.edits(said, f"/note {room.staff.other_ticket} second")
    room.telegram.edits(await room.says(Role.DISPATCHER, "tea?"), "coffee?")
    await room.quiet()
    assert await notes(room) == ["first"]


async def test_in_private_there_is_no_need_to_turn_to_us(room: Room) -> None:
    own = room.private(room.people[Role.DISPATCHER])
    await room.says(Role.DISPATCHER, "/status 100001", chat=own)
    assert room.last(own).text.startswith("Charger 100001")
    await room.says(Role.DISPATCHER, "hello", chat=own)
    assert room.last(own).text.startswith("I take commands")
    await room.says(Role.DISPATCHER, "/reboot 100001", chat=own)
    question = room.last(own)
    await room.says(Role.DISPATCHER, question.text[question.text.index("YES") :], chat=own)
    assert "Restarting 100001" in room.last(own).text


async def test_a_stranger_in_private_learns_once_how_to_be_let_in(room: Room) -> None:
    stranger = room.people[Role.CPO]
    own = room.private(stranger)
    for words in ("hello", "/help", "/start", "is anybody there?"):
        await room.says(stranger, words, chat=own)
    assert [text[:33] for text in room.heard(own)] == ["I answer linked members of the te"]


async def test_permissions_are_those_of_the_member(room: Room) -> None:
    await room.says(Role.INSTALLER, "/reboot 100001")
    assert not room.last().buttons
    assert await room.staff.audit()
    await room.says(Role.INSTALLER, f"/ticket {room.staff.other_ticket}")
    assert "TKT" in room.last().text
    assert "Red light" not in room.last().text


async def test_what_waited_too_long_is_asked_again(room: Room) -> None:
    await room.end()
    ref = room.staff.other_ticket
    room.telegram.says(room.people[Role.DISPATCHER], f"/note {ref} the customer called", room.group)
    room.clock.set(room.clock.now() + timedelta(minutes=11))
    await room.begin()
    await room.quiet()
    question = room.last()
    assert "waited too long" in question.text
    assert await notes(room) == []
    await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert question.text.startswith("Noted on")
    assert await notes(room) == ["the customer called"]


async def test_a_command_that_a_crash_interrupted_is_not_run_again(room: Room) -> None:
    await room.says(Role.DISPATCHER, f"/note {room.staff.other_ticket} once")
    await room.end()

    def again(work: Work) -> None:
        item = work.session.scalars(select(InboxItem).order_by(InboxItem.id.desc()).limit(1)).one()
        item.state, item.done_at, item.external_id = InboxState.NEW, None, "9"

    await room.office.run(OPERATOR, again)
    await room.begin()
    await room.quiet()
    assert await notes(room) == ["once"]


async def test_repeats_and_disorder_change_nothing(room: Room) -> None:
    room.bot.duplicate = room.bot.reverse = True
    for n in range(5):
        room.telegram.says(room.people[Role.DISPATCHER], f"/note {room.staff.other_ticket} {n}", room.group)
    await room.quiet()
    assert sorted(await notes(room)) == ["0", "1", "2", "3", "4"]
    assert len(room.heard()) == 5


async def test_updates_of_kinds_that_nobody_knows_are_counted_and_passed_over(room: Room) -> None:
    strange: list[dict[str, Any]] = [{"chat_join_request": {}}, {"hologram": {"x": 1}}, {"message": {"text": 5}}]
    for n, update in enumerate(strange):
        room.telegram.again(room.bot, {"update_id": 900_000 + n, **update})
    await room.says(Role.DISPATCHER, "/whoami")
    assert len(room.passed_over) == 3
    assert room.passed_over[1] == "hologram"
    assert "Dispatcher" in room.last().text
    assert (await room.office.read(ASSISTANT, inbox.depth)).dead == 0


async def test_a_topic_is_answered_in_the_topic(room: Room) -> None:
    room.group.forum = True
    topic = room.telegram.topic(room.group, "Colombo")
    await room.says(Role.DISPATCHER, "/reboot 100001", topic=topic)
    question = room.last()
    assert question.topic == topic
    await room.presses(Role.DISPATCHER, question, "Yes, do it")
    assert "Restarting 100001" in question.text


async def test_a_deleted_topic_is_answered_in_the_group(room: Room) -> None:
    room.group.forum = True
    topic = room.telegram.topic(room.group, "Colombo")
    await room.end()
    room.telegram.says(room.people[Role.DISPATCHER], "/whoami", room.group, topic=topic)
    del room.group.topics[topic]
    await room.begin()
    await room.quiet()
    assert room.last().topic is None
    assert "Dispatcher" in room.last().text
