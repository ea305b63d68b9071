"""One card for each matter in each chat: edited in place, in the chat's language, within what a group bears."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from desk import board, cards, chargers, contacts, conversations, erasure, incidents, outbox, team_chats, tickets
from desk.office import Office
from desk.work import House, Work
from models.access import ASSISTANT, OPERATOR, Actor
from models.message import Heard, Message
from models.outbox import Moved, OutboxItem, Refused
from models.reading import Category
from models.signed import read_press
from models.team import CardSubject, CardTouch, TeamCard
from models.ticket import Priority, Ticket
from tests.cards.conftest import GROUP, OTHER, Chats


def _open(work: Work, /, **more: Any) -> Ticket:
    given = {"category": Category.FAULT, "summary": "Red light", "charger_id": "100001", "priority": Priority.CRITICAL}
    return tickets.open_ticket(work, **{**given, **more})


async def _said(office: Office, text: str) -> Message:
    heard = Heard(
        channel="whatsapp", account="whatsapp:+94110000000", address="whatsapp:+94771234567", external_id="SM1",
        identity_kind="phone", identity="+94771234567", text=text, sender_name="Nimal",
    )  # fmt: skip
    return await office.run(ASSISTANT, conversations.hear, 1, heard)


async def test_a_ticket_is_one_card_in_each_chat_in_its_language(office: Office, chats: Chats) -> None:
    message = await _said(office, "100001 sparks!\nCall me at 077 123 45 67")
    await office.run(
        ASSISTANT, _open, connector=2, message_id=message.id, contact_id=message.contact_id,
        conversation_id=message.conversation_id,
    )  # fmt: skip
    await chats.settle()

    [english], [spanish] = chats.in_(GROUP), chats.in_(OTHER)
    for part in (
        "TKT-000001 · critical · open", "Charger 100001, connector 2, Plaza 100001 · Colombo 1", "Red light",
        "“100001 sparks! Call me at …567” – Nimal (…567)", "first response: due", "Nobody has it yet",
    ):  # fmt: skip
        assert part in english.text
    assert "1234567" not in english.text.replace(" ", "")
    assert list(english.buttons) == ["Take", "Assign…", "Snooze 1 h", "Escalate…", "Resolve…"]
    assert "Nadie lo tiene todavía" in spanish.text
    assert next(iter(spanish.buttons)) == "Me lo quedo"


async def test_a_press_is_signed_for_its_chat(office: Office, chats: Chats) -> None:
    await office.run(ASSISTANT, _open)
    await chats.settle()
    data = chats.in_(GROUP)[0].buttons["Take"]

    press = read_press(b"k" * 32, data, office.clock.now(), f"team:{GROUP}/45")
    assert (press.action, press.subject) == ("take", "TKT-000001")
    with pytest.raises(Exception, match=r"press\.forged"):
        read_press(b"k" * 32, data, office.clock.now(), OTHER)


async def test_the_card_follows_in_place(office: Office, chats: Chats, kamala: Actor) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await chats.settle()
    await office.run(kamala, tickets.take, ticket.ref)
    await chats.settle()

    [card] = chats.in_(GROUP)
    assert card.edits == 1
    assert "Kamala has it since" in card.text
    assert "Last: taken, Kamala" in card.text
    assert "Take" not in card.buttons

    await office.run(kamala, tickets.resolve, ticket.ref, "Changed the fuse, call 0771234567")
    await chats.settle()
    [card] = chats.in_(GROUP)
    assert card.edits == 2
    assert "✅ TKT-000001 · critical · resolved" in card.text
    assert "Changed the fuse, call …567" in card.text
    assert card.buttons == {}


async def test_many_changes_are_one_edit(office: Office, chats: Chats, kamala: Actor) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await chats.settle()
    for number in range(20):
        await office.run(kamala, tickets.add_note, ticket.ref, f"note {number}")
    await chats.settle()

    [card] = chats.in_(GROUP)
    assert card.edits == 1
    assert "note 19" in card.text


async def test_what_nobody_would_see_is_not_sent(office: Office, chats: Chats) -> None:
    await office.run(ASSISTANT, _open)
    await chats.settle()
    before = len(chats.said)
    await office.run(OPERATOR, lambda work: cards.touch(work, ticket_id=1))
    await chats.later(120)
    assert len(chats.said) == before


async def test_tickets_of_an_incident_share_its_card(office: Office, chats: Chats, kamala: Actor) -> None:
    incident, _ = await office.run(
        ASSISTANT, incidents.join, "100001", conversation_id=None, cause="charger", error_code="GroundFailure"
    )
    await office.run(ASSISTANT, _open, incident_id=incident.id, priority=Priority.NORMAL)
    second = await office.run(ASSISTANT, _open, incident_id=incident.id, summary="It smells")
    await chats.settle()

    [card] = chats.in_(GROUP)
    for part in ("Incident 1 at charger 100001, open", "Error: GroundFailure", "TKT-000001 · normal", "It smells"):
        assert part in card.text
    press = read_press(b"k" * 32, card.buttons["Take"], office.clock.now(), GROUP)
    assert press.subject == second.ref, "the buttons mean the most serious one"

    await office.run(ASSISTANT, incidents.end, "100001", how="charger")
    for ref in ("TKT-000001", "TKT-000002"):
        await office.run(kamala, tickets.resolve, ref, "done")
    await chats.later(60)
    [card] = chats.in_(GROUP)
    assert "✅ Incident 1 at charger 100001, ended" in card.text
    assert card.buttons == {}


async def test_a_charger_that_the_machine_left_on_in_danger_is_taken_out_from_its_card(
    office: Office, chats: Chats, kamala: Actor
) -> None:
    incident, _ = await office.run(
        ASSISTANT, incidents.join, "100001", conversation_id=None, cause="safety", error_code=None
    )
    ticket = await office.run(ASSISTANT, _open, incident_id=incident.id)
    out = {"$code": "safety.not_taken_out", "why": {"$code": "run.not_connected", "charger_id": "100001"}}
    facts = {"ref": ticket.ref, "charger": "100001", "name": "Somebody", "text": "smoke", "out": out}
    await office.run(
        ASSISTANT, board.raise_alert, kind="safety", key="danger", code="safety.page", facts=facts,
        ticket_id=ticket.id, charger_id="100001", urgent=True,
    )  # fmt: skip
    await chats.settle()
    [card] = chats.in_(GROUP)
    press = read_press(b"k" * 32, card.buttons["Take out of service"], office.clock.now(), GROUP)
    assert (press.action, press.subject) == ("out", "100001")
    await office.run(ASSISTANT, chargers.take_out, "100001", "smoke")
    await office.run(OPERATOR, lambda work: cards.touch(work, incident_id=incident.id))
    await chats.later(60)
    assert "Take out of service" not in chats.in_(GROUP)[0].buttons


async def test_a_plain_line_of_the_board_can_be_acknowledged(office: Office, chats: Chats, kamala: Actor) -> None:
    alert = await office.run(
        OPERATOR, board.raise_alert, kind="review", key="r1", code="assistant.board_review",
        facts={"name": "Nimal", "summary": "A photo from +94 77 123 4567"},
    )  # fmt: skip
    await chats.settle()
    assert alert is not None
    [card] = chats.in_(GROUP)
    assert list(card.buttons) == ["Seen"]
    assert "…567" in card.text
    assert read_press(b"k" * 32, card.buttons["Seen"], office.clock.now(), GROUP).subject == str(alert.id)

    await office.run(kamala, board.acknowledge, alert.id)
    await chats.settle()
    assert "Seen by Kamala" in chats.in_(GROUP)[0].text
    assert chats.in_(GROUP)[0].buttons == {}


async def test_a_ticket_like_any_other_gets_no_card(office: Office, chats: Chats) -> None:
    await office.run(ASSISTANT, _open, priority=Priority.NORMAL)
    await chats.settle()
    assert chats.shown == []
    await office.run(OPERATOR, tickets.set_priority, "TKT-000001", Priority.CRITICAL)
    await chats.settle()
    assert len(chats.in_(GROUP)) == 1, "critical, and nobody has it"


async def test_an_urgent_line_is_heard_below_the_card(office: Office, chats: Chats) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await chats.settle()
    await office.run(
        OPERATOR, board.raise_alert, kind="safety", key="s1", code="board.escalated", urgent=True, ticket_id=ticket.id,
        facts={"ref": ticket.ref, "summary": "Smoke", "priority": {"$code": "ticket.priority.critical"}},
    )  # fmt: skip
    await chats.settle()

    card, ping = chats.in_(GROUP)
    assert ping.answers == card.id
    assert "Smoke" in ping.text
    assert list(ping.buttons) == ["Take", "Seen"]
    assert "⚠" in card.text


async def test_snoozed_it_keeps_still_and_comes_back(office: Office, chats: Chats, kamala: Actor) -> None:
    ticket = await office.run(ASSISTANT, _open)
    await chats.settle()
    await office.run(kamala, tickets.snooze, ticket.ref, office.clock.now() + timedelta(hours=1))
    await chats.settle()
    [card] = chats.in_(GROUP)
    assert "Quiet until" in card.text
    assert "first response" not in card.text

    await chats.later(3_000, step=60)
    assert len(chats.in_(GROUP)) == 1
    await chats.later(700, step=60)
    card, awake = chats.in_(GROUP)[:2]
    assert "Quiet until" not in card.text
    assert awake.answers == card.id
    assert awake.text.startswith("The quiet time is over")


async def test_many_that_wake_together_are_within_the_limit(office: Office, chats: Chats, kamala: Actor) -> None:
    for number in range(8):
        await office.run(ASSISTANT, _open, charger_id=f"{100001 + number}")
    await chats.settle()
    until = office.clock.now() + timedelta(hours=1)
    for number in range(8):
        await office.run(kamala, tickets.snooze, f"TKT-{number + 1:06d}", until)
    await chats.later(3_590, step=10)
    before = len(chats.said)
    await chats.later(20)
    assert 0 < sum(where == GROUP for where, _ in chats.said[before:]) <= 15
    await chats.later(120)
    assert sum(each.text.startswith("The quiet time is over") for each in chats.in_(GROUP)) == 8
    assert not any("Quiet until" in each.text for each in chats.in_(GROUP))


async def test_sixty_events_in_a_minute_keep_a_group_readable(office: Office, chats: Chats, kamala: Actor) -> None:
    for number in range(60):
        await office.run(ASSISTANT, _open, charger_id=f"{100001 + number}", summary=f"trouble {number}")
        chats.clock.leap(1)
        await chats.settle()
    await chats.later(120)
    for number in range(60):
        await office.run(kamala, tickets.take, f"TKT-{number + 1:06d}")
    await chats.later(420)

    for group in (GROUP, OTHER):
        times = [at for where, at in chats.said if where == group]
        busiest = max(sum(at <= each < at + timedelta(seconds=60) for each in times) for at in times)
        assert busiest <= 20
        texts = [each.text for each in chats.in_(group)]
        for number in range(60):
            ref = f"TKT-{number + 1:06d}"
            assert any(ref in text for text in texts)
        owned = [each for each in chats.in_(group) if ("Kamala has it" in each.text or "Lo tiene Kamala" in each.text)]
        assert len(owned) == 60, "the final state is right"
    assert any("new cards within a minute" in each.text for each in chats.in_(GROUP))


async def test_a_card_of_a_digest_can_be_brought(office: Office, chats: Chats) -> None:
    for number in range(14):
        await office.run(ASSISTANT, _open, charger_id=f"{100001 + number}", summary=f"trouble {number}")
    await chats.settle()
    [digest] = chats.in_(GROUP)
    assert digest.text.startswith("14 new cards")
    assert len(digest.buttons) == 10

    press = read_press(b"k" * 32, digest.buttons["TKT-000003"], office.clock.now(), GROUP)
    assert (press.action, press.subject, press.detail) == ("show", "3", "ticket")
    await chats.later(61)
    assert await office.run(OPERATOR, cards.bring, GROUP, CardSubject(press.detail), int(press.subject))
    await chats.settle()
    assert "trouble 2" in chats.in_(GROUP)[-1].text
    assert "Take" in chats.in_(GROUP)[-1].buttons


async def test_answers_have_room_beside_the_cards(office: Office, chats: Chats) -> None:
    for number in range(10):
        await office.run(
            OPERATOR, outbox.post, GROUP, _plain(), key=f"answer:{number}", language="en", intent="reply"
        )  # fmt: skip
    for number in range(9):
        await office.run(ASSISTANT, _open, charger_id=f"{100001 + number}")
    await chats.settle()
    mine = Counter(where for where, _ in chats.said)
    assert mine[GROUP] == 18
    assert mine[OTHER] == 9
    await chats.later(70)
    assert len([each for each in chats.in_(GROUP) if "TKT" in each.text]) == 9


async def test_a_message_that_vanished_is_posted_anew(office: Office, chats: Chats, kamala: Actor) -> None:
    await office.run(ASSISTANT, _open)
    await chats.settle()
    chats.shown.clear()
    await office.run(kamala, tickets.take, "TKT-000001")
    await chats.settle()
    assert "Kamala has it" in chats.in_(GROUP)[0].text
    assert await _lines(office, "dead_letter") == 0


async def test_a_group_that_grew_gets_its_open_cards_anew(office: Office, chats: Chats, kamala: Actor) -> None:
    await office.run(ASSISTANT, _open)
    await chats.settle()
    new = "-100999"
    chats.refuse = lambda parcel: Moved(new) if parcel.address == GROUP else None
    await office.run(kamala, tickets.take, "TKT-000001")
    await chats.settle()

    [card] = chats.in_(new)
    assert "Kamala has it" in card.text
    found = await office.read(OPERATOR, cards.by_message, new, card.id)
    assert found is not None
    assert found.subject_id == 1
    await office.run(kamala, tickets.resolve, "TKT-000001", "done")
    await chats.settle()
    [card] = chats.in_(new)
    assert card.edits == 1


async def test_a_chat_that_put_the_bot_out_hears_no_more_and_the_others_hear_of_it(
    office: Office, chats: Chats, kamala: Actor
) -> None:
    gone = Refused("forbidden", "bot was kicked", address_dead=True)
    chats.refuse = lambda parcel: gone if parcel.address == GROUP else None
    await office.run(ASSISTANT, _open)
    await chats.settle()
    assert any("Ops" in each.text for each in chats.in_(OTHER))
    assert await _lines(office, "dead_letter") == 1

    tried = len(chats.parcels)
    await office.run(kamala, tickets.take, "TKT-000001")
    await chats.settle()
    assert {parcel.address for parcel in chats.parcels[tried:]} == {OTHER}

    chats.refuse = lambda _: None
    await office.run(OPERATOR, team_chats.reopen, GROUP)
    await chats.settle()
    assert any("Kamala has it" in each.text for each in chats.in_(GROUP))


async def test_a_chat_that_takes_no_cards_is_one_line_a_day(office: Office, chats: Chats) -> None:
    chats.refuse = lambda parcel: Refused("rights", "not enough rights") if parcel.address == GROUP else None
    for number in range(5):
        await office.run(ASSISTANT, _open, charger_id=f"{100001 + number}")
        await chats.later(30)
    assert await _lines(office, "dead_letter") == 1


async def test_a_restart_changes_nothing(office: Office, chats: Chats, kamala: Actor) -> None:
    """The clerk keeps nothing in its head: another one goes on where the first fell."""
    for number in range(20):
        await office.run(ASSISTANT, _open, charger_id=f"{100001 + number}")
        await chats.clerk.tick()
        chats.clerk = type(chats.clerk)(office, office.bus)
    await chats.later(120)
    for number in range(20):
        await office.run(kamala, tickets.take, f"TKT-{number + 1:06d}")
    await chats.later(300)

    texts = [each.text for each in chats.in_(GROUP)]
    assert sum("Kamala has it" in text for text in texts) == 20
    assert (
        await office.read(OPERATOR, lambda work: work.session.scalar(select(func.count()).select_from(CardTouch))) == 0
    )


async def test_buttons_never_grow_too_old(office: Office, chats: Chats) -> None:
    await office.run(ASSISTANT, _open, charger_id=None)
    await chats.settle()
    await chats.later(75 * 3_600, step=3_600)
    data = chats.in_(GROUP)[0].buttons["Take"]
    assert read_press(b"k" * 32, data, office.clock.now(), GROUP).action == "take"


async def test_without_the_bot_nothing_is_kept(office: Office, chats: Chats) -> None:
    without = Office(office.url, clock=office.clock, bus=office.bus, house=House())
    try:
        await without.run(ASSISTANT, _open)
        assert await without.read(OPERATOR, lambda work: list(work.session.scalars(select(CardTouch)))) == []
    finally:
        without.close()


async def test_who_is_erased_leaves_the_cards(office: Office, chats: Chats) -> None:
    message = await _said(office, "100001 sparks! It burnt my hand")
    contact = message.contact_id
    await office.run(
        ASSISTANT, _open, message_id=message.id, contact_id=contact, conversation_id=message.conversation_id
    )
    await chats.settle()
    assert "burnt my hand" in chats.in_(GROUP)[0].text
    await office.run(OPERATOR, lambda work: erasure.erase(work, contacts.get(work, contact)))
    kept = await office.read(
        OPERATOR, lambda work: [str(row.facts) for row in work.session.scalars(select(OutboxItem))]
    )
    assert not any("burnt" in facts or "Nimal" in facts for facts in kept)
    await chats.settle()
    [card] = chats.in_(GROUP)
    assert card.edits == 1
    assert "burnt" not in card.text
    assert "Nimal" not in card.text
    assert "TKT-000001" in card.text


async def test_a_message_leads_to_its_card(office: Office, chats: Chats) -> None:
    await office.run(ASSISTANT, _open)
    await chats.settle()
    card = await office.read(OPERATOR, cards.by_message, f"{GROUP}/7", chats.in_(GROUP)[0].id)
    assert isinstance(card, TeamCard)
    ticket = await office.read(OPERATOR, cards.ticket_of, card)
    assert ticket is not None
    assert ticket.ref == "TKT-000001"
    assert await office.read(OPERATOR, cards.by_message, OTHER, chats.in_(GROUP)[0].id) is None


def _plain() -> Any:
    from models.reply import Reply

    return Reply("staff.help")


async def _lines(office: Office, kind: str) -> int:
    lines = await office.read(OPERATOR, board.open_alerts)
    return sum(each.kind == kind for each in lines)
