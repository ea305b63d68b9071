"""What goes out in the team's chats: within the limits of a group, changed in place, judged when it fails."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk import outbox
from desk.work import Work
from models.access import OPERATOR
from models.outbox import OutboxItem, OutboxState
from models.reply import Choice, Extra, Intent, Reply
from tests.fakes import telegram_faults as faults
from tests.fakes.telegram_faults import Fault
from tests.team_room import Room


async def post(
    room: Room, text: str, *, address: str | None = None, intent: str = Intent.RECEIPT, **how: object
) -> int:
    """A row for the group."""
    reply = Reply("team.help", text=text, **how)  # type: ignore[arg-type]

    def say(work: Work) -> int:
        row = outbox.post(work, address or str(room.group.id), reply, key=text[:150], language="en", intent=intent)
        assert row is not None
        return row.id

    return await room.office.run(OPERATOR, say)


async def row(room: Room, key: int) -> OutboxItem:
    """A row as it stands."""
    return await room.office.read(OPERATOR, lambda work: work.session.get_one(OutboxItem, key))


async def test_a_group_gets_eighteen_messages_a_minute_and_no_more(room: Room) -> None:
    room.telegram.enforce_rates = True
    for n in range(40):
        await post(room, f"line {n}")
    begun = room.clock.now()
    await room.quiet()
    assert room.heard() == [f"line {n}" for n in range(40)]
    assert (room.clock.now() - begun).total_seconds() >= 120
    assert ("team", "put_off") not in room.sent, "Telegram never had to ask us to slow down"


async def test_a_group_that_is_asked_to_wait_holds_up_nobody_else(room: Room) -> None:
    other = room.telegram.group("Kandy", room.bot)
    room.telegram.inject(faults.rate_limited(60))
    first = await post(room, "one")
    await room.office.read(OPERATOR, lambda work: work.session.get_one(OutboxItem, first))
    while ("team", "put_off") not in room.sent:
        await room.clock.fast_forward(seconds=0.1)
    await post(room, "two", address=str(other.id))
    while not room.heard(other):
        await room.clock.fast_forward(seconds=0.1)
    assert room.heard() == []
    await room.clock.fast_forward(seconds=60)
    await room.quiet()
    assert room.heard() == ["one"]


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        (faults.dropped_request(), ["(repeat)"]),
        (faults.lost_response(), ["hello", "(repeat)"]),
        (faults.gateway_error(taken=True), ["hello", "(repeat)"]),
        (faults.gateway_error(html=True), ["(repeat)"]),
        (faults.broken_response(), ["hello", "(repeat)"]),
    ],
    ids=["cut before", "cut after", "502 after", "502 page", "half an answer"],
)
async def test_what_may_have_arrived_is_never_silently_lost_nor_silently_doubled(
    room: Room, fault: Fault, heard: list[str]
) -> None:
    room.telegram.inject(fault)
    key = await post(room, "hello")
    while (await row(room, key)).state is not OutboxState.UNKNOWN:
        await room.clock.fast_forward(seconds=0.1)
    await room.office.run(OPERATOR, outbox.not_found, key)
    await room.quiet()
    assert len(room.heard()) == len(heard)
    assert "hello" in room.last().text
    assert room.last().text != "hello", "the second one says that it is one"


async def test_nobody_home_is_tried_again_without_a_doubt(room: Room) -> None:
    await room.telegram.go_away()
    key = await post(room, "hello")
    while (await row(room, key)).attempts < 2:
        await room.clock.fast_forward(seconds=1)
    await room.telegram.come_back()
    await room.quiet()
    assert room.heard() == ["hello"]
    assert not (await row(room, key)).repeated


async def test_a_message_is_changed_in_place(room: Room) -> None:
    key = await post(room, "first", choices=(Choice("x", "team.yes"),))
    await room.quiet()
    message = room.last()
    provider_id = (await row(room, key)).provider_id
    await post(room, "second", extra={Extra.EDIT: provider_id})
    await room.quiet()
    assert (message.text, message.buttons, room.heard()) == ("second", {}, ["second"])
    again = await post(room, "second ", extra={Extra.EDIT: provider_id})
    await room.quiet()
    assert (await row(room, again)).state is OutboxState.SENT, "it says so already"
    room.telegram.inject(faults.lost_response())
    await post(room, "third", extra={Extra.EDIT: provider_id})
    await room.quiet()
    assert room.heard() == ["third"]
    message.deleted = True
    await post(room, "fourth", extra={Extra.EDIT: provider_id})
    await room.quiet()
    assert room.last().text == "fourth"


async def test_people_s_words_are_no_markup(room: Room) -> None:
    await post(room, "<b>not bold</b> & <script>\nsecond line", intent=Intent.ALERT)
    await room.quiet()
    assert room.last().text == "<b>not bold</b> & <script>\nsecond line"
    assert room.last().html.startswith("<b>&lt;b&gt;not bold")


async def test_long_texts_come_in_parts_with_the_buttons_below_the_last(room: Room) -> None:
    text = "\n".join(f"line {n} of a long list of chargers 🔌" for n in range(300))
    await post(room, text, choices=(Choice("x", "team.yes"),))
    await room.quiet()
    parts = room.group.from_bots
    assert len(parts) > 2
    assert "\n".join(part.text for part in parts) == text
    assert [bool(part.buttons) for part in parts] == [False] * (len(parts) - 1) + [True]


async def test_a_part_that_was_taken_is_not_sent_again(room: Room) -> None:
    text = "\n".join(f"line {n} of a long list of chargers 🔌" for n in range(150))
    room.telegram.inject(Fault(accept=True))  # the first part goes well
    room.telegram.inject(faults.rate_limited(5))
    key = await post(room, text)
    await room.quiet()
    assert ("team", "put_off") in room.sent
    assert "\n".join(part.text for part in room.group.from_bots) == text
    assert (await row(room, key)).state is OutboxState.SENT


async def test_a_file_goes_with_its_words(room: Room) -> None:
    await post(room, "the frames", extra={Extra.DOCUMENT: {"name": "100001.txt", "text": "අ frame\n"}})
    await room.quiet()
    assert (room.last().file_name, room.last().file.decode(), room.last().text) == (
        "100001.txt", "අ frame\n", "the frames",
    )  # fmt: skip


async def test_a_token_that_is_revoked_parks_what_waits(room: Room) -> None:
    room.bot.revoked = True
    key = await post(room, "hello")
    while (await row(room, key)).error_code is None:
        await room.clock.fast_forward(seconds=0.1)
    assert (await row(room, key)).state is OutboxState.PENDING
    room.bot.revoked = False
    await room.clock.fast_forward(seconds=301)
    await room.quiet()
    assert room.heard() == ["hello"]


async def test_what_is_refused_for_good_is_a_line_on_the_board(room: Room) -> None:
    room.telegram.inject(faults.refused(400, "Bad Request: BUTTON_DATA_INVALID"))
    key = await post(room, "hello")
    await room.quiet()
    stands = await row(room, key)
    assert (stands.state, stands.error_code) == (OutboxState.DEAD, "400")
    long = await post(room, "too long a button", choices=(Choice("x" * 65, "team.yes"),))
    await room.quiet()
    assert (await row(room, long)).error_code == "no_phrase"
    assert await room.office.read(OPERATOR, lambda work: len(list(work.session.scalars(select(OutboxItem)))))
