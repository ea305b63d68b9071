"""Things for the commands to be about: a tariff, a tag, a session, a dead letter, an alert, a customer's ticket."""

from __future__ import annotations

from desk import board, outbox, tags
from desk.work import Work
from models.access import OPERATOR
from models.charger import ChargerState, Connector, OcppFrame, OrderOutcome
from models.charging import Tariff
from models.conversation import Conversation
from models.outbox import OutboxItem, OutboxState
from models.ports import OrderAnswer
from models.reply import Reply
from models.ticket import Ticket
from tests.staff import Staff

TAG = "DEMO1"
PRICE_MINOR = 10_000


async def furnish(staff: Staff) -> dict[str, object]:
    """Put everything there; gives the numbers of the dead letter and of the alert."""
    staff.wire.answer = OrderAnswer(
        OrderOutcome.ANSWERED, "Accepted", {"read": {"HeartbeatInterval": ["300", False]}}
    )  # fmt: skip
    await staff.session("100001", 7)
    return await staff.office.run(OPERATOR, _furnish, staff)


def _furnish(work: Work, staff: Staff) -> dict[str, object]:
    work.session.add(Tariff(name="default", price_minor_per_kwh=PRICE_MINOR, currency="LKR", created_at=work.now))
    tags.add(work, TAG, contact_id=staff.contact_id)
    ticket = work.session.get_one(Ticket, int(staff.installers_ticket.removeprefix("TKT-")))
    ticket.contact_id, ticket.conversation_id = staff.contact_id, staff.conversation_id
    work.session.get_one(Connector, ("100001", 1)).status = ChargerState.CHARGING
    frame = '[2,"1","Heartbeat",{}]'
    work.session.add(OcppFrame(charger_id="100001", at=work.now, direction="in", action="Heartbeat", frame=frame))
    alert = board.raise_alert(
        work, kind="review", key="t:alert", code="board.expired", facts={"channel": "whatsapp"}, ticket_id=ticket.id
    )
    assert alert is not None
    return {"alert": alert.id, "dead": dead_letter(work, staff.conversation_id, "t:dead").id}


def dead_letter(work: Work, conversation_id: int, key: str) -> OutboxItem:
    """A message that could not be delivered."""
    conversation = work.session.get_one(Conversation, conversation_id)
    item = outbox.say(work, conversation, Reply("reply.by_member", {"text": "hello"}, text="hello"), key=key)
    assert item is not None
    item.state, item.error_code, item.attempts = OutboxState.DEAD, "63024", 8
    return item
