"""Words are found in messages, tickets and contacts, alike on both engines, whatever is typed; and go with them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, text

from desk import erasure, message_list, search, tickets
from desk.message_list import MessageFilter
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR
from models.contact import Contact, ContactIdentity, IdentityKind
from models.conversation import Conversation
from models.message import Direction, Message, MessageState
from models.reading import Category
from models.ticket import Ticket

SAID = (
    "Charger 100003 won't start — RED light!",
    "මගේ චාජරය වැඩ නෑ ක්\u200dරියා",
    "சார்ஜர் வேலை செய்யவில்லை",
    "Está dañado el cargador, ÑANDÚ",
    "call +94771234567 or foo.bar@mail.com about TKT-000042",
    "<b>bold</b> & https://x.example/a-b?c=1 costs 3.5kWh",
    "🔥🔥 smoke",
)
FOUND: tuple[tuple[str, list[int]], ...] = (
    ("won't", [1]), ("WON'T start", [1]), ("red light", [1]), ("light red", [1]), ("red nothing", []), ("100003", [1]),
    ("1000", [1]), ("චාජර", [2]), ("ක්\u200dරියා", [2]), ("ක්\u200dරි", [2]), ("சார்", [3]), ("செய்யவில்லை", [3]),
    ("esta", [4]), ("DANADO", [4]), ("nandu", [4]), ("n\u0303andu\u0301", [4]), ("+94 771234567", []),
    ("+94771234567", [5]), ("9477", [5]), ("bar@mail", [5]), ("tkt-000042", [5]), ("bold", [6]), ("a-b", [6]),
    ("3.5kwh", [6]), ("smo", [7]), ("s", []), ("c", [6]),  # a single letter is only found as a word of its own
)  # fmt: skip
HOSTILE = (
    "", " ", '"', "' OR 1=1 --", "AND", "NOT", "a AND", "NEAR(a b)", "text:red", "*", "a*", "-", "red -light", "(",
    "^a",
    "\\", "x\x00y", "🔥", "\ud800", "a" * 5_000, "e\u0301" * 300, "%", "_", ":*", "a:b & c | !d", "{text}: red", "''",
)  # fmt: skip


def say(work: Work, *texts: str) -> None:
    """Somebody writes these."""
    contact = Contact(name="Zoë Perera", email="zoe.p@mail.example", created_at=work.now)
    work.session.add(contact)
    work.session.flush()
    phone = ContactIdentity(contact_id=contact.id, kind=IdentityKind.PHONE, value="+94770000001", created_at=work.now)
    talk = Conversation(key="k", contact_id=contact.id, channel="web", account="a", address="x", created_at=work.now)
    work.session.add_all([phone, talk])
    work.session.flush()
    for said in texts:
        work.session.add(
            Message(
                conversation_id=talk.id, contact_id=contact.id, direction=Direction.INBOUND, channel="web", sender="x",
                text=said, state=MessageState.UNREAD, received_at=work.now,
            )
        )  # fmt: skip
        work.session.flush()


async def found(office: Office, entity: type[Any], typed: str, **more: Any) -> list[int]:
    return (await office.read(OPERATOR, search.keys, entity, typed, **{"limit": 20, **more})).keys


async def test_a_word_is_found_in_any_script_without_case_and_accents(office: Office) -> None:
    await office.run(OPERATOR, say, *SAID)
    got = {typed: await found(office, Message, typed) for typed, _ in FOUND}
    assert got == dict(FOUND)


async def test_whatever_is_typed_is_only_ever_words(office: Office) -> None:
    await office.run(OPERATOR, say, *SAID)
    for typed in HOSTILE:
        for entity in (Message, Ticket, Contact):
            await found(office, entity, typed)
        await office.read(OPERATOR, message_list.page, MessageFilter(words=typed, category=Category.FAULT))


async def test_the_newest_come_first_and_pages_join_without_a_gap(office: Office) -> None:
    await office.run(OPERATOR, say, *(f"the charger number {number}" for number in range(25)))
    seen: list[int] = []
    after: int | None = None
    while True:
        part = await office.read(OPERATOR, search.keys, Message, "number charg", limit=7, after=after)
        seen += part.keys
        if part.next is None:
            break
        after = part.next
    assert seen == list(range(25, 0, -1))


async def test_tickets_and_contacts_are_found_by_their_words(office: Office) -> None:
    await office.run(OPERATOR, say)
    ticket = await office.run(
        OPERATOR, tickets.open_ticket, category=Category.FAULT, summary="Burnt plug", description="Smells of plastic"
    )
    assert await found(office, Ticket, "plug plas") == [ticket.id]
    assert await found(office, Contact, "zoe per") == [1]
    assert await found(office, Contact, "zoe.p@mail") == [1]


async def test_what_changes_or_goes_is_no_longer_found(office: Office) -> None:
    await office.run(OPERATOR, say, "purple", "orange")

    def change(work: Work) -> None:
        work.session.get_one(Message, 1).text = "yellow"
        work.session.flush()
        work.session.execute(delete(Message).where(Message.id == 2))

    await office.run(OPERATOR, change)
    assert [await found(office, Message, word) for word in ("purple", "orange", "yellow")] == [[], [], [1]]


async def test_a_forgotten_person_is_found_by_no_word_any_more(office: Office) -> None:
    await office.run(OPERATOR, say, "Zoë says that the xylophone melted")

    def more(work: Work) -> None:
        tickets.open_ticket(
            work, category=Category.FAULT, summary="xylophone of Perera", description="xylophone", contact_id=1
        )

    await office.run(OPERATOR, more)
    assert await found(office, Message, "xylophone") == [1]
    assert await found(office, Ticket, "xylophone perera") == [1]
    await office.run(OPERATOR, lambda work: erasure.erase(work, work.session.get_one(Contact, 1)))
    for entity in (Message, Ticket, Contact):
        for word in ("xylophone", "perera", "zoe", "says"):
            assert await found(office, entity, word) == [], (entity, word)
    assert await office.run(OPERATOR, indexed_words) == []


def indexed_words(work: Work) -> list[str]:
    """The words of that person that an index still knows."""
    if work.postgresql:
        queries = [f"SELECT lexeme FROM {name}, unnest(words)" for name in ("message", "ticket", "contact")]
    else:
        queries = []
        for name in ("message", "ticket", "contact"):
            work.session.execute(
                text(f"CREATE VIRTUAL TABLE temp.{name}_vocabulary USING fts5vocab(main, {name}_words, row)")
            )
            queries.append(f"SELECT term FROM temp.{name}_vocabulary")
    words = {str(word) for query in queries for word in work.session.scalars(text(query))}
    return sorted(words & {"xylophone", "perera", "zoe", "zoë", "melted", "plastic"})


async def test_other_filters_are_asked_of_what_holds_the_words(office: Office) -> None:
    await office.run(OPERATOR, say, *(f"charger {number}" for number in range(30)))

    def bill(work: Work) -> None:
        for key in (3, 9, 27):
            work.session.get_one(Message, key).category = Category.BILLING

    await office.run(OPERATOR, bill)
    wanted = MessageFilter(words="charger", category=Category.BILLING)
    first = await office.read(OPERATOR, message_list.page, wanted, limit=2)
    assert [row["id"] for row in first.items] == [27, 9]
    rest = await office.read(OPERATOR, message_list.page, wanted, limit=2, after=first.next)
    assert ([row["id"] for row in rest.items], rest.next) == ([3], None)
