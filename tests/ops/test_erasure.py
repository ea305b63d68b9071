"""A person who asks to be forgotten leaves no trace in any table; what was owed and done stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Text, cast, select, text

from desk import erasure, person, wallets
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, CLOCK, OPERATOR
from models.audit import AuditRow
from models.base import Base
from models.charger import Charger, CurrentType, OcppFrame, ProcedureRun, RunKind
from models.charging import ChargingTransaction, IdTag
from models.contact import Contact, ContactIdentity, IdentityKind
from models.conversation import Conversation
from models.errors import NotAllowed, NotFound, Refusal
from models.force_charge import ForceCharge
from models.inbox import InboxItem, InboxState
from models.member import TeamAlert
from models.message import Direction, Media, MediaState, Message, MessageState
from models.money import Money
from models.outbox import OutboxItem, OutboxState
from models.reading import Category
from models.second_opinion import SecondOpinion
from models.ticket import Ticket, TicketEvent

PHONE, NAME, TAG = "+94771234567", "Sunethra Wickramaarachchi", "04AABBCCDD"
EMAIL, USER = "sunethra@mail.example", "sunethra77"
SAID = "මගේ නම Sunethra, the charger ate my card at Galle yesterday, call 077 123 4567"
NUMBERS = ("4771234567", "771234567", "077 123 4567", "77 123 4567")
SPOKEN_OF = (*NUMBERS, "Wickramaarachchi", "Sunethra", EMAIL, USER, TAG, "ate my card")


def live(work: Work) -> int:
    """A person with a whole history, quoted wherever the house quotes people."""
    now, add = work.now, work.session.add
    add(Charger(id="100003", current_type=CurrentType.DC, created_at=now))
    person_ = Contact(name=NAME, username=USER, email=EMAIL, organisation="W. Traders", notes="calls at night",
                      created_at=now)  # fmt: skip
    other = Contact(name="Sunil Perera", username="sunil", created_at=now)
    work.session.add_all([person_, other])
    work.session.flush()
    add(ContactIdentity(contact_id=person_.id, kind=IdentityKind.PHONE, value=PHONE, created_at=now))
    add(ContactIdentity(contact_id=other.id, kind=IdentityKind.PHONE, value="+94779999999", created_at=now))
    add(IdTag(value=TAG, contact_id=person_.id, created_at=now))
    lane = f"whatsapp:whatsapp:+94110000000:whatsapp:{PHONE}"
    talk = Conversation(key=lane, contact_id=person_.id, channel="whatsapp", account="whatsapp:+94110000000",
                        address=f"whatsapp:{PHONE}", dialogue={"answers": {"name": NAME}}, created_at=now)  # fmt: skip
    raw = InboxItem(channel="whatsapp", account="a", external_id="SM1", lane=lane, raw={"Body": SAID, "From": PHONE},
                    state=InboxState.DONE, received_at=now, due_at=now)  # fmt: skip
    work.session.add_all([talk, raw])
    work.session.flush()
    message = Message(
        conversation_id=talk.id, contact_id=person_.id, inbox_id=raw.id, direction=Direction.INBOUND,
        channel="whatsapp", sender=f"whatsapp:{PHONE}", text=SAID, summary=SAID[:60], category=Category.FAULT,
        entities={"phone": [PHONE]}, state=MessageState.REPLIED, received_at=now,
    )  # fmt: skip
    ticket = Ticket(category=Category.FAULT, department="technical", summary=SAID[:80], description=SAID,
                    evidence={"said": SAID}, contact_id=person_.id, conversation_id=talk.id, charger_id="100003",
                    created_at=now, updated_at=now)  # fmt: skip
    work.session.add_all([message, ticket])
    work.session.flush()
    add(SecondOpinion(message_id=message.id, model="m", category=Category.FAULT, reason=f"{NAME} lost a card", at=now))
    add(Media(message_id=message.id, channel="whatsapp", url=f"https://x/{PHONE}", content_type="image/jpeg",
              path="2026/a.jpg", state=MediaState.STORED, due_at=now))  # fmt: skip
    add(TicketEvent(ticket_id=ticket.id, kind="note", note=f"{NAME} says: {SAID}", by_kind="contact",
                    by_id=str(person_.id), by_name=NAME, at=now))  # fmt: skip
    add(TeamAlert(dedupe_key="k", kind="safety", code="board.safety", ticket_id=ticket.id, raised_at=now,
                  facts={"ref": ticket.ref, "text": SAID, "name": "Sunethra", "from": PHONE}))  # fmt: skip
    for key, conversation_id, facts in (("reply:1", talk.id, {"name": NAME}), ("page:1", None, {"text": SAID})):
        add(OutboxItem(
            dedupe_key=key, lane=lane, channel="whatsapp", account="a", address=f"whatsapp:{PHONE}" if conversation_id
            else "whatsapp:+94700000001", conversation_id=conversation_id, intent="reply", priority=1, code="x",
            facts=facts, choices=[], text=None, language="en", rendered=f"Dear {NAME}, {SAID}",
            state=OutboxState.PENDING, due_at=now, created_at=now,
        ))  # fmt: skip
    add(AuditRow(at=now, actor_kind="member", actor_id="1", actor_name="Asha", action="wallet.looked_up",
                 target="wallet:1", facts={"words": "077 123 4567", "found": NAME}))  # fmt: skip
    add(ProcedureRun(kind=RunKind.CLEAR_FAULT, charger_id="100003", args={"asked_by": NAME}, steps=[{"by": PHONE}],
                     deadline_at=now, actor_kind="contact", actor_id=str(person_.id), actor_name=NAME,
                     conversation_id=talk.id, created_at=now))  # fmt: skip
    add(OcppFrame(charger_id="100003", at=now, direction="in", action="Authorize",
                  frame=json.dumps([2, "1", "Authorize", {"idTag": TAG}])))  # fmt: skip
    add(ChargingTransaction(id=7, charger_id="100003", connector=1, dedupe_key="1", id_tag=TAG, contact_id=person_.id,
                            meter_start_wh=0, meter_stop_wh=9000, started_at=now, updated_at=now, stopped_at=now,
                            amount_minor=81000, currency="LKR"))  # fmt: skip
    work.session.flush()
    _charged(work, person_.id)
    wallets.credit(work, amount=Money(150000, "LKR"), note=f"for {NAME}", key="1", contact_id=person_.id)
    return person_.id


def _charged(work: Work, contact_id: int) -> None:
    """A member charged for them, and was told what it came to."""
    run = work.session.scalars(select(ProcedureRun)).one()
    charge = ForceCharge(run_id=run.id, charger_id="100003", connector=1, contact_id=contact_id, id_tag=TAG,
                         limit_minor=1, currency="LKR", created_at=work.now, ended_at=work.now)  # fmt: skip
    work.session.add(charge)
    work.session.flush()
    work.session.add(OutboxItem(
        dedupe_key=f"force_charge:{charge.id}:ended", lane="l", channel="team", account="1", address="-1", priority=1,
        intent="receipt", code="charge.summary", facts={"customer": "Sunethra"}, choices=[], language="en",
        rendered="Sunethra: 9.00 kWh", state=OutboxState.SENT, due_at=work.now, created_at=work.now,
    ))  # fmt: skip


def everything(work: Work) -> str:
    """Every cell of every table as one text, JSON with its escapes undone."""
    cells: list[str] = []
    for table in Base.metadata.sorted_tables:
        for row in work.session.execute(select(*(cast(column, Text) for column in table.columns))):
            cells += [cell for cell in row if cell]
    whole = "\n".join(cells)
    return whole + whole.encode("utf-8", "replace").decode("unicode_escape", "replace")


async def test_no_trace_of_a_forgotten_person_is_left_in_any_table(office: Office) -> None:
    contact_id = await office.run(OPERATOR, live)
    before = await office.read(OPERATOR, everything)
    assert all(trace in before for trace in (PHONE, NAME, EMAIL, USER, TAG, "ate my card"))
    done = await office.run(OPERATOR, lambda work: erasure.erase(work, person.find(work, PHONE)))
    assert (done.contact_id, done.messages, done.tickets, done.paths) == (contact_id, 1, 1, ("2026/a.jpg",))
    after = await office.read(OPERATOR, everything)
    assert [trace for trace in SPOKEN_OF if trace.lower() in after.lower()] == []
    assert "මගේ නම" not in after


async def test_what_was_owed_and_done_stays_without_a_name(office: Office) -> None:
    contact_id = await office.run(OPERATOR, live)
    await office.run(OPERATOR, lambda work: erasure.erase(work, person.find(work, USER)))

    def look(work: Work) -> dict[str, Any]:
        ticket = work.session.scalars(select(Ticket)).one()
        session = work.session.get(ChargingTransaction, 7)
        assert session is not None
        return {
            "balance": wallets.balance(work, contact_id).wallet,
            "ticket": (ticket.ref, ticket.category, ticket.charger_id, ticket.contact_id),
            "session": (session.meter_stop_wh, session.amount_minor),
            "history": work.session.scalars(select(TicketEvent.kind)).all(),
            "others": work.session.scalars(select(Contact.name).where(Contact.username == "sunil")).one(),
            "unsent": work.session.scalars(select(OutboxItem.state).where(OutboxItem.dedupe_key == "reply:1")).one(),
            "alert": work.session.scalars(select(TeamAlert.facts)).one()["ref"],
            "audit": [row.target for row in work.session.scalars(select(AuditRow).order_by(AuditRow.id))][-1],
        }  # fmt: skip

    seen = await office.read(OPERATOR, look)
    assert seen["balance"] == Money(150000, "LKR")
    assert seen["ticket"] == ("TKT-000001", Category.FAULT, "100003", contact_id)
    assert seen["session"] == (9000, 81000)
    assert seen["history"] == ["note"]
    assert seen["others"] == "Sunil Perera"
    assert seen["unsent"] is OutboxState.DEAD
    assert seen["alert"] == "TKT-000001"
    assert seen["audit"] == f"contact:{contact_id}"


async def test_somebody_forgotten_is_unknown_afterwards_and_erasing_again_says_so(office: Office) -> None:
    contact_id = await office.run(OPERATOR, live)
    await office.run(OPERATOR, lambda work: erasure.erase(work, person.find(work, f"#{contact_id}")))
    with pytest.raises(NotFound):
        await office.run(OPERATOR, lambda work: erasure.erase(work, person.find(work, PHONE)))
    with pytest.raises(NotFound):
        await office.run(OPERATOR, lambda work: erasure.erase(work, person.find(work, str(contact_id))))


async def test_nobody_is_forgotten_while_they_charge(office: Office) -> None:
    await office.run(OPERATOR, live)
    await office.run(
        OPERATOR, lambda work: work.session.execute(text("UPDATE charging_transaction SET stopped_at = NULL"))
    )
    with pytest.raises(Refusal) as refused:
        await office.run(OPERATOR, lambda work: erasure.erase(work, person.find(work, PHONE)))
    assert refused.value.code == "contact.in_session"
    assert PHONE in await office.read(OPERATOR, everything)


@pytest.mark.parametrize("actor", [ASSISTANT, CLOCK])
async def test_only_who_may_erase_can(office: Office, actor: Any) -> None:
    await office.run(OPERATOR, live)
    with pytest.raises(NotAllowed):
        await office.run(actor, lambda work: erasure.erase(work, person.find(work, PHONE)))


async def test_an_export_holds_everything_about_the_person_and_nothing_about_others(office: Office) -> None:
    await office.run(OPERATOR, live)
    kept = await office.read(OPERATOR, lambda work: person.export(work, person.find(work, EMAIL)))
    out = json.dumps(kept, ensure_ascii=False)
    assert [part for part in (PHONE, NAME, EMAIL, USER, TAG, SAID, "81000", "150000") if part not in out] == []
    assert "Sunil" not in out
