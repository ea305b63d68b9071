"""Answers to what the bot posted: under a card to its customer, to a question into a command, photos onto a ticket."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from bot.cards import CardClerk
from desk import ticket_files, tickets
from desk.work import Work
from models.access import OPERATOR, Role
from models.message import Media, MediaState
from models.reading import Category
from models.ticket import Priority, Ticket, TicketEvent, TicketStatus, ticket_ref
from tests.fakes.telegram import FakeMessage
from tests.team_room import Room

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(200)


async def card(room: Room) -> FakeMessage:
    """A customer's ticket, and its card in the group."""
    clerk = asyncio.create_task(CardClerk(room.office, room.bus).run())

    def open_one(work: Work) -> None:
        tickets.open_ticket(
            work, category=Category.FAULT, summary="Sparks at the plug", charger_id="100001",
            priority=Priority.CRITICAL, contact_id=room.staff.contact_id, conversation_id=room.staff.conversation_id,
        )  # fmt: skip

    await room.office.run(OPERATOR, open_one)
    try:
        async with asyncio.timeout(20):
            while not any("Sparks" in text for text in room.heard()):
                await room.clock.fast_forward(seconds=1)
                await asyncio.sleep(0.05)
        await room.quiet()
    finally:
        clerk.cancel()
    return next(message for message in room.group.from_bots if "Sparks" in message.text)


async def newest(room: Room) -> Ticket:
    """The ticket behind the card."""
    query = select(Ticket).order_by(Ticket.id.desc()).limit(1)
    return await room.office.read(OPERATOR, lambda work: work.session.scalars(query).one())


async def notes(room: Room, ref: str) -> list[str]:
    """The notes of a ticket."""
    query = (
        select(TicketEvent.note)
        .where(TicketEvent.kind == "note", TicketEvent.ticket_id == int(ref[4:]))
        .order_by(TicketEvent.id)
    )
    return await room.office.read(OPERATOR, lambda work: list(work.session.scalars(query)))


async def files(room: Room) -> list[Media]:
    """Every file there is."""
    return await room.office.read(OPERATOR, lambda work: list(work.session.scalars(select(Media).order_by(Media.id))))


def to_customer(room: Room) -> list[str]:
    """What members wrote to the customer."""
    return [parcel.text for parcel in room.customers.got if parcel.text is not None]


async def test_words_under_a_card_go_to_the_customer(room: Room) -> None:
    shown = await card(room)
    said = await room.says(Role.DISPATCHER, "Please leave the car, somebody is on the way.", reply_to=shown)
    assert room.last().reply_to == said.id
    ticket = await newest(room)
    assert ticket.ref in room.last().text
    assert to_customer(room) == ["Please leave the car, somebody is on the way."]
    assert any("Please leave the car" in note for note in await notes(room, ticket.ref))
    await room.says(Role.CPO, "I am no member", reply_to=shown)
    await room.says(Role.DISPATCHER, "anonymous words", reply_to=shown, anonymous=True)
    await room.says(Role.DISPATCHER, "somebody else's", reply_to=shown, forwarded_from=room.people[Role.ADMIN])
    assert len(to_customer(room)) == 1


async def test_a_press_on_a_card_is_the_command_and_the_answer_is_seen_by_the_presser_alone(room: Room) -> None:
    shown = await card(room)
    before = len(room.heard())
    take = next(label for label in shown.buttons if "ake" in label)
    press = await room.presses(Role.MANAGER, shown, take)
    assert press.text
    assert not press.alert
    assert len(room.heard()) == before
    ticket = await newest(room)
    assert ticket.status is TicketStatus.ASSIGNED
    press = await room.presses(Role.DISPATCHER, shown, take)
    assert press.alert
    assert "Manager" in press.text


async def test_a_question_is_answered_by_the_member_whom_it_was_put_to_once(room: Room) -> None:
    shown = await card(room)
    ticket = await newest(room)
    await room.presses(Role.DISPATCHER, shown, next(label for label in shown.buttons if "esolve" in label))
    question = room.last()
    assert question.markup == {"force_reply": True, "selective": True}
    assert "Dispatcher" in question.text
    assert f"tg://user?id={room.people[Role.DISPATCHER].id}" in question.html
    await room.says(Role.MANAGER, "I did it", reply_to=question)
    assert room.last().text == "That question was put to Dispatcher; only Dispatcher can answer it."
    await room.end()
    await room.begin()
    await room.says(Role.DISPATCHER, "Replaced the fuse,\nand tested it.", reply_to=question)
    assert ticket.ref in room.last().text
    assert (await newest(room)).status is TicketStatus.RESOLVED
    await room.says(Role.DISPATCHER, "and again", reply_to=question)
    assert room.last().text == "That question was answered already."


async def test_whom_to_assign_is_chosen_by_buttons_and_the_list_turns_into_the_answer(room: Room) -> None:
    shown = await card(room)
    await room.presses(Role.DISPATCHER, shown, next(label for label in shown.buttons if "ssign" in label))
    choice = room.last()
    assert {"Installer", "Manager"} <= set(choice.buttons)
    data = choice.buttons["Installer"]
    await room.presses(Role.DISPATCHER, choice, "Installer")
    assert not choice.buttons
    assert "Installer" in choice.text
    press = await room.forges(Role.CPO, choice, data)
    assert press.alert


async def test_photos_of_a_visit_land_on_the_ticket(room: Room) -> None:
    ref, installer = room.staff.installers_ticket, room.people[Role.INSTALLER]
    for kind, caption in (("photo", f"{ref} before"), ("document", f"/note {ref.lower()}: the protocol")):
        room.telegram.sends(installer, kind, JPEG, room.group, caption=caption, file_name="x.pdf")
        await room.quiet()
        assert room.last().text == f"Kept on {ref}."
    assert await notes(room, ref) == ["before", "the protocol"]
    first, second = await files(room)
    assert (first.message_id, first.channel, first.state) == (None, "team", MediaState.WAITING)
    assert room.channel is not None
    kept = await room.channel.files.fetch(first.url)
    assert (kept.content, kept.content_type) == (JPEG, "image/jpeg")
    assert second.url != first.url
    event = await room.office.read(OPERATOR, lambda work: ticket_files.of_event(work, first.event_id or 0))
    assert [item.id for item in event] == [first.id]


async def test_a_photo_under_a_card_lands_on_its_ticket(room: Room) -> None:
    shown = await card(room)
    ref = (await newest(room)).ref
    room.telegram.sends(room.people[Role.DISPATCHER], "photo", JPEG, room.group, reply_to=shown)
    await room.quiet()
    assert room.last().text == f"Kept on {ref}."
    assert await notes(room, ref) == ["Photo or file from the site"]
    assert to_customer(room) == []


async def test_an_album_is_one_note(room: Room) -> None:
    ref, installer = room.staff.installers_ticket, room.people[Role.INSTALLER]
    await room.end()
    for n in range(3):
        sent = room.telegram.sends(installer, "photo", JPEG, room.group, caption=f"{ref} after" if n == 0 else "")
        room.bot.queue[-1]["message"]["media_group_id"] = "albumA"
        assert sent
    await room.begin()
    await room.quiet()
    assert await notes(room, ref) == ["after"]
    assert len(await files(room)) == 3
    assert room.heard() == [f"Kept on {ref}."]


async def test_a_photo_that_belongs_nowhere(room: Room) -> None:
    installer = room.people[Role.INSTALLER]
    room.telegram.sends(installer, "photo", JPEG, room.group, caption="lunch")
    await room.quiet()
    assert room.heard() == []
    own = room.private(installer)
    room.telegram.sends(installer, "photo", JPEG, own)
    await room.quiet()
    assert room.last(own).text.startswith("On which ticket does this belong?")
    room.telegram.sends(installer, "photo", JPEG, own, caption=room.staff.other_ticket)
    await room.quiet()
    assert "Kept" not in room.last(own).text, "an installer sees only the tickets that are theirs"
    room.telegram.sends(room.people[Role.DISPATCHER], "photo", JPEG, room.group, caption=ticket_ref(999))
    await room.quiet()
    assert "TKT-000999" in room.last().text
    assert await files(room) == []


async def test_a_file_of_a_command_goes_with_its_answer(room: Room) -> None:
    await room.says(Role.DISPATCHER, "/log 100001 5")
    assert room.last().kind in ("document", "text")
