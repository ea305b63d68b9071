"""The queue of messages and the list of contacts: filters, orders, numbers, and pages that join without a gap."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from desk import contact_list, erasure, message_list
from desk.contact_list import ContactFilter, Order
from desk.message_list import MessageFilter
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR, Role
from models.contact import Contact, ContactIdentity, IdentityKind, Tier
from models.conversation import Conversation
from models.errors import BadInput, NotAllowed
from models.message import Direction, Message, MessageKind, MessageState
from models.reading import Category, Urgency
from tests.staff import hire

PEOPLE = (
    ("Nimal Perera", "+94771234567", Tier.GOLD, "Island Taxis"),
    ("anura silva", "+94771239999", Tier.STANDARD, "Island Taxis"),
    ("", "+94714444567", Tier.STANDARD, None),
    ("Zoë Fernando", "+34600123456", Tier.PLATINUM, None),
    ("Kumar", "+94112345678", Tier.GOLD, "Kandy Cabs"),
)


def people(work: Work) -> None:
    for name, phone, tier, organisation in PEOPLE:
        contact = Contact(name=name, tier=tier, organisation=organisation, created_at=work.now)
        work.session.add(contact)
        work.session.flush()
        work.session.add(
            ContactIdentity(contact_id=contact.id, kind=IdentityKind.PHONE, value=phone, created_at=work.now)
        )


def many(work: Work, count: int) -> None:
    """Messages of one person; the oldest is the only one of its kind."""
    people(work)
    work.session.flush()
    talk = Conversation(key="k", contact_id=1, channel="web", account="a", address="x", created_at=work.now)
    work.session.add(talk)
    work.session.flush()
    work.session.execute(
        insert(Message),
        [
            {
                "conversation_id": talk.id, "contact_id": 1, "channel": "web" if number else "telegram", "sender": "x",
                "direction": Direction.OUTBOUND if number % 3 == 2 else Direction.INBOUND, "kind": MessageKind.TEXT,
                "text": f"no {number}", "needs_review": number % 50 == 0, "received_at": work.now,
                "state": MessageState.NEEDS_REVIEW if number % 50 == 0 else MessageState.REPLIED,
                "category": Category.RFID if number % 2 else Category.FAULT,
                "urgency": Urgency.SAFETY if number == 1 else Urgency.NORMAL, "language": "ta" if number % 5 else "es",
            }
            for number in range(count)
        ],
    )  # fmt: skip


async def walk(office: Office, wanted: MessageFilter, limit: int) -> list[int]:
    """The numbers of all pages."""
    seen: list[int] = []
    after: int | None = None
    while True:
        part = await office.read(OPERATOR, message_list.page, wanted, limit=limit, after=after)
        seen += [int(row["text"].split()[1]) for row in part.items]
        if part.next is None:
            return seen
        assert after is None or part.next < after
        after = part.next


async def test_every_filter_gives_what_fits_newest_first(office: Office) -> None:
    count = 260
    await office.run(OPERATOR, many, count)
    inbound = [number for number in range(count - 1, -1, -1) if number % 3 != 2]
    cases: list[tuple[MessageFilter, list[int]]] = [
        (MessageFilter(), inbound),
        (MessageFilter(direction=None), list(range(count - 1, -1, -1))),
        (MessageFilter(needs_review=True), [n for n in inbound if n % 50 == 0]),
        (MessageFilter(state=MessageState.NEEDS_REVIEW), [n for n in inbound if n % 50 == 0]),
        (MessageFilter(category=Category.RFID, language="es"), [n for n in inbound if n % 2 and n % 5 == 0]),
        (MessageFilter(urgency=Urgency.SAFETY), [1]),
        (MessageFilter(channel="telegram"), [0]),
        (MessageFilter(contact_id=1, needs_review=False, category=Category.FAULT),
         [n for n in inbound if n % 50 and n % 2 == 0]),
        (MessageFilter(contact_id=2), []),
    ]  # fmt: skip
    for wanted, numbers in cases:
        assert await walk(office, wanted, 17) == numbers, wanted
        assert await walk(office, wanted, 1_000) == numbers, wanted


async def test_a_filter_that_fits_one_in_thousands_gives_short_parts_and_a_way_on(office: Office) -> None:
    await office.run(OPERATOR, many, 4_100)
    wanted = MessageFilter(needs_review=False, state=MessageState.REPLIED, urgency=Urgency.SAFETY)
    first = await office.read(OPERATOR, message_list.page, wanted)
    assert [row["text"] for row in first.items] == ["no 1"]
    pair = MessageFilter(channel="web", urgency=Urgency.NORMAL, language="es", category=Category.RFID, state=None)
    assert (await office.read(OPERATOR, message_list.page, pair)).next is not None
    scarce = MessageFilter(direction=None, needs_review=False, words="", contact_id=1, channel="telegram")
    assert await walk(office, scarce, 50) == []
    oldest = MessageFilter(direction=None, contact_id=1, channel="telegram")
    part = await office.read(OPERATOR, message_list.page, oldest)
    assert (part.items, part.next is None) == ([], False)
    assert await walk(office, oldest, 50) == [0]


async def test_a_row_says_who_wrote_and_what_in_one_short_line(office: Office) -> None:
    def say(work: Work) -> None:
        many(work, 1)
        work.session.get_one(Message, 1).text = "first line\n\n  second " + "long " * 100

    await office.run(OPERATOR, say)
    row = (await office.read(OPERATOR, message_list.page, MessageFilter())).items[0]
    assert row["name"] == "Nimal Perera"
    assert row["text"].startswith("first line second long")
    assert (len(row["text"]), row["text"][-1]) == (message_list.SNIPPET, "…")


async def test_what_waits_is_counted_only_so_far(office: Office) -> None:
    await office.run(OPERATOR, many, 160)
    assert await office.read(OPERATOR, message_list.waiting) == {"needs_review": 4, "unread": 0}


async def names(office: Office, *, limit: int = 50, order: Order = Order.NEWEST, **wanted: Any) -> list[str]:
    """All pages of a list, each contact by its name or number."""
    seen: list[str] = []
    after: str | None = None
    while True:
        part = await office.read(
            OPERATOR, contact_list.page, ContactFilter(**wanted), order=order, limit=limit, after=after
        )
        seen += [row["name"] or row["phone"] for row in part.items]
        if part.next is None:
            return seen
        after = part.next


async def test_contacts_by_age_by_name_and_by_what_is_known_of_them(office: Office) -> None:
    await office.run(OPERATOR, people)
    newest = ["Kumar", "Zoë Fernando", "+94714444567", "anura silva", "Nimal Perera"]
    by_name = ["anura silva", "Kumar", "Nimal Perera", "Zoë Fernando"]
    for limit in (1, 2, 50):
        assert await names(office, limit=limit) == newest
        assert await names(office, limit=limit, order=Order.NAME) == by_name
        assert await names(office, limit=limit, tier=Tier.GOLD) == ["Kumar", "Nimal Perera"]
        assert (
            await names(office, limit=limit, organisation="Island Taxis", order=Order.NAME)
            == by_name[:1] + by_name[2:3]
        )


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("+94771", ["Nimal Perera", "anura silva"]), ("0771 23", ["Nimal Perera", "anura silva"]),
        ("+94 (77) 123-4567", ["Nimal Perera"]), ("4567", ["+94714444567", "Nimal Perera"]),
        ("444567", ["+94714444567"]),
        ("9477", ["Nimal Perera", "anura silva"]), ("3460", ["Zoë Fernando"]), ("0112345678", ["Kumar"]),
        ("771239", ["anura silva"]), ("99999", []), ("perera", ["Nimal Perera"]), ("nimal per", ["Nimal Perera"]),
        ("island", ["anura silva", "Nimal Perera"]), ("zoe", ["Zoë Fernando"]), ("%", []), ("'", []),
    ],
)  # fmt: skip
async def test_what_is_typed_is_words_or_a_piece_of_a_number(office: Office, typed: str, expected: list[str]) -> None:
    await office.run(OPERATOR, people)
    assert sorted(await names(office, typed=typed)) == sorted(expected)
    assert sorted(await names(office, typed=typed, limit=1)) == sorted(expected)


async def test_numbers_as_filters(office: Office) -> None:
    await office.run(OPERATOR, people)
    assert await names(office, phone_begins="9477", limit=1) == ["Nimal Perera", "anura silva"]
    assert await names(office, phone_ends="4567", tier=Tier.GOLD) == ["Nimal Perera"]
    assert await names(office, phone_begins="+9477", typed="silva") == ["anura silva"]
    assert await names(office, phone_begins="+1") == []


async def test_the_forgotten_are_in_no_list(office: Office) -> None:
    await office.run(OPERATOR, people)
    await office.run(OPERATOR, lambda work: erasure.erase(work, work.session.get_one(Contact, 1)))
    for wanted in ({}, {"typed": "4567"}, {"typed": "perera"}, {"tier": Tier.GOLD}):
        for order in Order:
            assert "Nimal Perera" not in await names(office, order=order, **wanted)


@pytest.mark.parametrize(
    ("order", "cursor"),
    [
        (Order.NEWEST, "x"), (Order.NEWEST, "~"), (Order.NEWEST, "newest~x"), (Order.NEWEST, f"newest~{2**63}"),
        (Order.NEWEST, "name~1~kumar"), (Order.NEWEST, "number~+94"), (Order.NAME, "newest~1"), (Order.NAME, "name~"),
        (Order.NAME, "name~x~y"), (Order.NAME, "name~1~\x00"), (Order.NAME, "number~+94"),
    ],
)  # fmt: skip
async def test_a_cursor_of_elsewhere_is_refused(office: Office, order: Order, cursor: str) -> None:
    await office.run(OPERATOR, people)
    with pytest.raises(BadInput):
        await office.read(OPERATOR, contact_list.page, ContactFilter(), order=order, after=cursor)


async def test_only_who_may_see_them_gets_the_lists(office: Office) -> None:
    staff = await hire(office)
    for role in (Role.INSTALLER, Role.CPO):
        with pytest.raises(NotAllowed):
            await office.read(staff.actors[role], contact_list.page, ContactFilter())
    with pytest.raises(NotAllowed):
        await office.read(staff.actors[Role.CPO], message_list.page, MessageFilter())
    assert (await office.read(staff.actors[Role.INSTALLER], message_list.page, MessageFilter())).items
