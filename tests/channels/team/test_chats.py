"""What becomes of the chats: a group grows, the bot is put out and let in again, a member blocks it."""

from __future__ import annotations

import asyncio

from desk import audit, board, outbox, team_chats
from desk.work import Work
from models.access import OPERATOR, Role
from models.member import TeamAlert
from models.reply import Intent, Reply
from models.team import TeamChat
from tests.team_room import Room


async def chats(room: Room) -> list[TeamChat]:
    """Where the team works."""
    return await room.office.read(OPERATOR, team_chats.active)


async def lines(room: Room) -> list[TeamAlert]:
    """What nobody has acknowledged."""
    return await room.office.read(OPERATOR, board.open_alerts)


async def post(room: Room, text: str, address: str | None = None) -> None:
    """The house has something to say in the group."""

    def say(work: Work) -> None:
        outbox.post(
            work, address or str(room.group.id), Reply("team.help", text=text), key=text, language="en",
            intent=Intent.ALERT,
        )  # fmt: skip

    await room.office.run(OPERATOR, say)
    await room.quiet()


async def test_a_group_that_becomes_a_supergroup_stays_the_teams(room: Room) -> None:
    room.group.kind = "group"
    old = room.group
    new = room.telegram.upgrade(old, room.people[Role.ADMIN])
    await room.quiet()
    [chat] = await chats(room)
    assert (chat.chat_id, chat.former_id) == (str(new.id), str(old.id))
    await room.says(Role.DISPATCHER, "/whoami", chat=new)
    assert "Dispatcher" in room.last(new).text
    await room.end()
    await room.begin()
    await room.quiet()
    assert len(await chats(room)) == 1, "the settings still name the old number"


async def test_a_move_that_is_heard_twice_at_the_same_time_happens_once(room: Room) -> None:
    await room.end()
    moves = audit.Wanted(action="team_chat.moved")
    [chat] = await chats(room)
    for grown in range(1, 13):
        before, now = chat.chat_id, str(-1_000_000_000_000 - grown)
        await asyncio.gather(*(room.office.run(OPERATOR, team_chats.moved, before, now) for _ in range(4)))
        [chat] = await chats(room)
        assert (chat.chat_id, chat.former_id) == (now, before)
        told = await room.office.read(OPERATOR, audit.found, moves, limit=99)
        assert len(told) == grown


async def test_what_was_on_its_way_follows_the_group(room: Room) -> None:
    old = room.group
    await room.end()
    new = room.telegram.upgrade(old, room.people[Role.ADMIN])
    room.bot.queue.clear()  # Telegram never tells: only the send finds out
    await room.begin()
    for text in ("one", "two", "three"):
        await post(room, text, str(old.id))
    await room.quiet()
    assert room.heard(new) == ["one", "two", "three"]
    [chat] = await chats(room)
    assert chat.chat_id == str(new.id)


async def test_a_question_asked_before_the_group_grew_is_answered_in_words_after_it(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/reboot 100001")
    question = room.last()
    new = room.telegram.upgrade(room.group, room.people[Role.ADMIN])
    await room.quiet()
    await room.says(Role.DISPATCHER, question.text[question.text.index("YES") :], chat=new)
    assert room.heard(new) == []


async def test_who_puts_the_bot_out_is_told_of_elsewhere(room: Room) -> None:
    room.telegram.leaves(room.bot, room.group, "kicked")
    await room.quiet()
    assert await chats(room) == []
    [line] = [line for line in await lines(room) if line.code == "board.team_chat_lost"]
    assert line.urgent
    room.telegram.joins(room.bot, room.group)
    await room.quiet()
    assert len(await chats(room)) == 1
    await room.says(Role.DISPATCHER, "/whoami")
    assert "Dispatcher" in room.last().text


async def test_a_send_may_be_the_first_to_find_out(room: Room) -> None:
    room.telegram.leaves(room.bot, room.group, "kicked")
    room.bot.queue.clear()
    await post(room, "is anybody there?")
    assert await chats(room) == []
    codes = [line.code for line in await lines(room)]
    assert codes.count("board.team_chat_lost") == 1
    assert codes.count("board.chat_lost") == 0
    await post(room, "and now?")
    assert [line.code for line in await lines(room)].count("board.team_chat_lost") == 1


async def test_in_a_new_group_a_member_hears_how_it_becomes_the_teams(room: Room) -> None:
    other = room.telegram.group("Kandy", room.people[Role.ADMIN])
    update = {"my_chat_member": _added(room, Role.ADMIN, other.json())}
    other.members[room.bot.id] = (room.bot, "member")
    room.telegram.again(room.bot, {"update_id": 800_001, **update})
    await room.quiet()
    assert room.last(other).text.startswith("Here I am.")
    third = room.telegram.group("Elsewhere", room.people[Role.CPO])
    third.members[room.bot.id] = (room.bot, "member")
    room.telegram.again(room.bot, {"update_id": 800_002, "my_chat_member": _added(room, Role.CPO, third.json())})
    await room.quiet()
    assert room.heard(third) == []


def _added(room: Room, by: Role, chat: dict[str, object]) -> dict[str, object]:
    bot = room.bot.json()
    return {
        "chat": chat, "from": room.people[by].json(), "date": int(room.clock.now().timestamp()),
        "old_chat_member": {"user": bot, "status": "left"}, "new_chat_member": {"user": bot, "status": "member"},
    }  # fmt: skip


async def test_a_member_who_blocked_the_bot_is_a_line_on_the_board(room: Room) -> None:
    dispatcher = room.people[Role.DISPATCHER]
    room.telegram.blocks(dispatcher, room.bot)
    await post(room, "hello?", str(dispatcher.id))
    assert "board.not_delivered" in [line.code for line in await lines(room)]
    assert len(await chats(room)) == 1
