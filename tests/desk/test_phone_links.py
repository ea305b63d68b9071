"""A number that a person shares: whose account it shows, what comes with it, what goes when it is taken back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from desk import contacts, conversations, erasure, phone_links, tickets
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR
from models.contact import Contact, ContactIdentity, IdentityKind, PhoneLink
from models.conversation import Conversation
from models.message import Heard
from models.reading import Category

PHONE, OTHER = "+94771234567", "+94719998887"


def telegram(n: int = 1) -> Heard:
    """Somebody writes on Telegram."""
    return Heard(
        channel="telegram", account="7001", address="5001", external_id=str(n), identity_kind="telegram_user",
        identity="5001", text="hello", sender_name="Amal",
    )  # fmt: skip


def whatsapp(phone: str) -> Heard:
    """Somebody writes on WhatsApp."""
    return Heard(
        channel="whatsapp", account="whatsapp:+94110000000", address=f"whatsapp:{phone}", external_id=f"SM{phone}",
        identity_kind="phone", identity=phone, text="hello", sender_name="Amal Perera",
    )  # fmt: skip


def begin(work: Work, n: int = 1) -> tuple[Conversation, int]:
    """A conversation on Telegram and a message of it."""
    message = conversations.hear(work, n, telegram(n))
    return work.session.get_one(Conversation, message.conversation_id), message.id


async def test_a_number_of_nobody_is_added_and_taken_away_again(office: Office) -> None:
    def story(work: Work) -> None:
        talk, message = begin(work)
        before = talk.contact_id
        assert contacts.proven_phone(work, before, "telegram") is None
        assert phone_links.link(work, talk, PHONE, message).id == before
        assert phone_links.link(work, talk, PHONE, message).id == before
        assert contacts.proven_phone(work, before, "telegram") == PHONE
        assert contacts.proven_phone(work, before, "web") is None
        assert contacts.by_phone(work, PHONE) is not None
        assert phone_links.undo(work, talk) == PHONE
        assert phone_links.undo(work, talk) is None
        assert contacts.by_phone(work, PHONE) is None
        assert contacts.proven_phone(work, before, "telegram") is None

    await office.run(OPERATOR, story)


async def test_with_a_customers_number_the_talk_is_theirs_until_it_is_taken_back(office: Office) -> None:
    def story(work: Work) -> None:
        theirs = conversations.hear(work, 9, whatsapp(PHONE)).contact_id
        talk, message = begin(work)
        before = talk.contact_id
        ticket = tickets.open_ticket(
            work, category=Category.FAULT, summary="x", contact_id=before, conversation_id=talk.id
        )
        phone_links.link(work, talk, PHONE, message)
        assert {talk.contact_id, ticket.contact_id} == {theirs}
        assert conversations.hear(work, 2, telegram(2)).contact_id == theirs
        assert contacts.proven_phone(work, theirs, "telegram") == PHONE
        phone_links.undo(work, talk)
        work.session.refresh(ticket)
        assert {talk.contact_id, ticket.contact_id} == {before}
        assert conversations.hear(work, 3, telegram(3)).contact_id == before
        assert contacts.phone_of(work, theirs) == PHONE
        assert contacts.proven_phone(work, theirs, "telegram") is None

    await office.run(OPERATOR, story)


async def test_another_number_takes_the_place_of_the_first(office: Office) -> None:
    def story(work: Work) -> None:
        talk, message = begin(work)
        phone_links.link(work, talk, PHONE, message)
        phone_links.link(work, talk, OTHER, message)
        assert contacts.by_phone(work, PHONE) is None
        assert contacts.proven_phone(work, talk.contact_id, "telegram") == OTHER
        links = work.session.scalars(select(PhoneLink).order_by(PhoneLink.id)).all()
        assert [link.undone_at is None for link in links] == [False, True]

    await office.run(OPERATOR, story)


async def test_a_number_that_came_alive_elsewhere_stays_there(office: Office) -> None:
    def story(work: Work) -> None:
        talk, message = begin(work)
        first = talk.contact_id
        phone_links.link(work, talk, PHONE, message)
        assert conversations.hear(work, 9, whatsapp(PHONE)).contact_id == first
        phone_links.undo(work, talk)
        assert talk.contact_id != first
        assert contacts.phone_of(work, first) == PHONE
        row = work.session.scalars(
            select(ContactIdentity).where(ContactIdentity.kind == IdentityKind.TELEGRAM_USER)
        ).one()
        assert row.contact_id == talk.contact_id

    await office.run(OPERATOR, story)


@pytest.mark.parametrize("known", [True, False])
async def test_erasing_the_person_erases_the_link(office: Office, known: bool) -> None:
    def story(work: Work) -> dict[str, Any]:
        if known:
            conversations.hear(work, 9, whatsapp(PHONE))
        talk, message = begin(work)
        owner = phone_links.link(work, talk, PHONE, message)
        erasure.erase(work, owner)
        return {
            "links": work.session.scalars(select(PhoneLink)).all(),
            "names": [name for name in work.session.scalars(select(Contact.name)) if name],
            "identities": work.session.scalars(select(ContactIdentity)).all(),
        }

    left = await office.run(OPERATOR, story)
    assert left == {"links": [], "names": [], "identities": []}
