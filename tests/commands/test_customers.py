"""Customers by command: who they are, answered on a ticket, written to by number; incidents and who waits."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from commands.command import OutcomeKind
from commands.run import run_text
from desk import contacts, conversations, incidents, messages, outbox
from desk.work import Work
from models.access import OPERATOR, Role
from models.contact import Contact
from models.conversation import Conversation
from models.message import Heard, MessageState
from models.outbox import OutboxItem, OutboxState
from models.sla import ClockKind, ClockState, SlaClock
from models.ticket import Ticket
from phrases.catalogue import LANGUAGES
from phrases.say import say
from tests.commands.furniture import dead_letter
from tests.staff import PHONE, Staff


@pytest.mark.parametrize("words", ["0771234567", "+94 77 123 4567", "nimal", "NIMAL", "Nimal", "nim"])
async def test_a_contact_is_found_however_named(staff: Staff, words: str) -> None:
    outcome = await run_text(staff.context(Role.OPS_AGENT), f"/contact {words}")
    assert outcome.facts["contact"]["id"] == staff.contact_id
    assert outcome.facts["tickets"][0]["ref"] == staff.other_ticket
    assert outcome.facts["messages"][-1]["text"] == "100001 does not start"
    for language in LANGUAGES:
        assert staff.other_ticket in say(outcome.code, outcome.facts, language)


async def test_several_of_a_name_are_named_and_nobody_is_nobody(staff: Staff) -> None:
    await staff.office.run(OPERATOR, _another_nimal)
    several = await run_text(staff.context(Role.ADMIN), "/contact nim")
    assert (several.code, several.status) == ("contact.several", 409)
    assert "nimal" in several.facts["names"]
    assert "Nimali" in several.facts["names"]
    assert (await run_text(staff.context(Role.ADMIN), "/contact kamal")).code == "contact.nobody"
    assert (await run_text(staff.context(Role.ADMIN), "/contact %")).code == "contact.nobody"


def _another_nimal(work: Work) -> None:
    work.session.add(Contact(name="Nimali", created_at=work.now))


async def test_a_reply_goes_where_the_customer_wrote_last_and_stops_the_clock(staff: Staff) -> None:
    newer = await staff.office.run(OPERATOR, _writes_on_the_web, staff.contact_id)
    outcome = await run_text(staff.context(Role.OPS_AGENT), f"/reply {staff.other_ticket} We “look” at it now.")
    assert (outcome.code, outcome.facts["channel"]) == ("command.replied", "web")
    item, clock, note = await staff.office.read(OPERATOR, _of_ticket, staff.other_ticket)
    assert (item.conversation_id, item.text, item.code) == (newer, "We “look” at it now.", "reply.by_member")
    assert clock.state is ClockState.MET
    assert note == "↩ We “look” at it now."
    waiting = await staff.office.read(OPERATOR, messages.get, staff.message_id)
    assert waiting.state is not MessageState.REPLIED  # that one was on WhatsApp, where nobody answered


def _writes_on_the_web(work: Work, contact_id: int) -> int:
    heard = Heard(
        channel="web", account="site", address="w1", external_id="w1", identity_kind="web_session", identity="w1",
        text="hello?", sender_name="",
    )  # fmt: skip
    message = conversations.hear(work, 2, heard)
    conversation = work.session.get_one(Conversation, message.conversation_id)
    conversation.contact_id = message.contact_id = contact_id
    return conversation.id


def _of_ticket(work: Work, ref: str) -> tuple[OutboxItem, SlaClock, str]:
    ticket = work.session.get_one(Ticket, int(ref.removeprefix("TKT-")))
    item = work.session.scalars(select(OutboxItem).order_by(OutboxItem.id.desc())).first()
    clock = work.session.scalars(
        select(SlaClock).where(SlaClock.ticket_id == ticket.id, SlaClock.kind == ClockKind.FIRST_RESPONSE)
    ).one()
    assert item is not None
    from desk.ticket_views import history

    return item, clock, history(work, ticket)[-1].note or history(work, ticket)[-2].note


async def test_a_ticket_without_a_customer_cannot_be_answered(staff: Staff) -> None:
    before = await staff.rows()
    refused = await run_text(staff.context(Role.ADMIN), f"/reply {staff.installers_ticket} hello")
    assert (refused.code, refused.status) == ("ticket.nobody_to_answer", 409)
    assert (await run_text(staff.context(Role.INSTALLER), f"/reply {staff.other_ticket} hi")).code == "ticket.unknown"
    assert await staff.rows() == before


async def test_a_known_number_is_written_to_and_an_unknown_one_is_not(staff: Staff) -> None:
    sent = await run_text(staff.context(Role.DISPATCHER), "/send 0771234567 Your charger works again.")
    assert (sent.code, sent.facts["channel"]) == ("command.sent", "whatsapp")
    item = await staff.office.read(OPERATOR, _last)
    assert (item.address, item.intent, item.text) == (f"whatsapp:{PHONE}", "notice", "Your charger works again.")
    before = await staff.rows()
    unknown = await run_text(staff.context(Role.DISPATCHER), "/send 0779999999 hello")
    assert (unknown.code, unknown.status) == ("contact.unknown_number", 404)
    assert (await run_text(staff.context(Role.INSTALLER), "/send 0771234567 hi")).status == 403
    assert await staff.rows() == before


def _last(work: Work) -> OutboxItem:
    return work.session.scalars(select(OutboxItem).order_by(OutboxItem.id.desc()).limit(1)).one()


async def test_a_dead_letter_goes_out_once_more_and_nothing_else_does(staff: Staff) -> None:
    item = await staff.office.run(OPERATOR, dead_letter, staff.conversation_id, "t:dead")
    admin = staff.context(Role.ADMIN)
    assert (await run_text(admin, f"/resend {item.id}")).code == "command.resent"
    again = await staff.office.read(OPERATOR, _last)
    assert (again.id, again.state, again.dedupe_key, again.attempts) == (item.id, OutboxState.PENDING, "t:dead", 0)
    assert (await staff.audit())[-1].action == "outbox.requeued"
    twice = await run_text(admin, f"/resend {item.id}")
    assert (twice.kind, twice.code) == (OutcomeKind.REFUSED, "outbox.not_dead")
    assert "waiting" in say(twice.code, twice.facts, "en")
    assert (await run_text(admin, "/resend 999999")).status == 404
    assert await staff.office.run(OPERATOR, _said_again, staff.conversation_id) is None


def _said_again(work: Work, conversation_id: int) -> OutboxItem | None:
    from models.reply import Reply

    return outbox.say(work, work.session.get_one(Conversation, conversation_id), Reply("reply.by_member"), key="t:dead")


async def test_an_incident_shows_its_people_and_tickets(staff: Staff) -> None:
    admin = staff.context(Role.ADMIN)
    assert (await run_text(admin, "/incident")).code == "command.no_incidents"
    number = await staff.office.run(OPERATOR, _trouble, staff.conversation_id, staff.other_ticket)
    listed = await run_text(admin, "/incident")
    assert [one["id"] for one in listed.facts["incidents"]] == [number]
    for words in ("100001", f"#{number}", str(number)):
        shown = await run_text(admin, f"/incident {words}")
        assert shown.facts["incident"]["people"][0]["name"] == "Nimal"
        assert shown.facts["incident"]["tickets"][0]["ref"] == staff.other_ticket
        for language in LANGUAGES:
            assert "GroundFailure" in say(shown.code, shown.facts, language)
    for words in ("100002", "#4711", "9" * 40):
        assert (await run_text(admin, f"/incident {words}")).status == 404


def _trouble(work: Work, conversation_id: int, ref: str) -> int:
    incident, _ = incidents.join(
        work, "100001", conversation_id=conversation_id, cause="message", error_code="GroundFailure"
    )
    work.session.get_one(Ticket, int(ref.removeprefix("TKT-"))).incident_id = incident.id
    assert contacts.phone_of(work, 1)
    return incident.id


async def test_the_beginning_of_a_name_may_be_any_letter(staff: Staff) -> None:
    for words in ("\ud7ff", "\U0010ffff", "🚗", "ශා", "x%_"):
        assert (await run_text(staff.context(Role.ADMIN), f"/contact {words}")).status in (404, 422)
