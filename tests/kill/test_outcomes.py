"""A send whose answer came late or never is on the books with its words."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk import conversations, outbox
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.conversation import Conversation
from models.inbox import InboxItem, InboxRow
from models.message import Direction, Heard, Message
from models.outbox import Accepted, OutboxItem, OutboxState, Parcel
from models.reply import Choice, Reply

DRIVER = "whatsapp:+94771234567"
ACCOUNT = "whatsapp:+94110000000"
CHOICES = (Choice("charger:", "smalltalk.hello"),)
HELLO = Heard(
    channel="whatsapp", account=ACCOUNT, address=DRIVER, external_id="SM1", identity_kind="phone",
    identity="+94771234567", text="hello",
)  # fmt: skip


@pytest.fixture
async def parcel(office: Office) -> Parcel:
    """A reply in the hands of a sender."""
    await office.put(InboxRow("whatsapp", ACCOUNT, "SM1", f"whatsapp:{ACCOUNT}:{DRIVER}", {}))

    def begin(work: Work) -> None:
        row = work.session.scalars(select(InboxItem.id)).one()
        message = conversations.hear(work, row, HELLO)
        conversation = work.session.get_one(Conversation, message.conversation_id)
        outbox.say(work, conversation, Reply("smalltalk.hello", choices=CHOICES), key="k1")

    await office.run(ASSISTANT, begin)
    [claimed] = await office.run(ASSISTANT, outbox.claim, 1, "me")
    return claimed


def _books(work: Work) -> tuple[OutboxState, str | None, str | None, dict[str, str] | None]:
    row = work.session.scalars(select(OutboxItem)).one()
    said = work.session.scalars(select(Message.text).where(Message.direction == Direction.OUTBOUND)).one()
    conversation = work.session.scalars(select(Conversation)).one()
    return row.state, row.rendered, said, conversation.menu


async def test_a_callback_that_is_quicker_than_the_answer_does_not_cost_the_words_and_the_choices(
    office: Office, parcel: Parcel
) -> None:
    await office.run(ASSISTANT, outbox.status_changed, provider_id="SM9", status="sent", outbox_id=parcel.id)
    answer = Accepted("SM9", "Hello!\n1. A charger", menu={"1": "charger:"})
    await office.run(ASSISTANT, outbox.record, parcel.id, parcel.lease_seq, answer)
    assert await office.read(ASSISTANT, _books) == (
        OutboxState.SENT, "Hello!\n1. A charger", "Hello!\n1. A charger", {"1": "charger:"},
    )  # fmt: skip


async def test_a_late_answer_about_another_message_changes_nothing(office: Office, parcel: Parcel) -> None:
    await office.run(ASSISTANT, outbox.status_changed, provider_id="SM9", status="sent", outbox_id=parcel.id)
    await office.run(ASSISTANT, outbox.record, parcel.id, parcel.lease_seq, Accepted("SM8", "something else"))
    assert await office.read(ASSISTANT, _books) == (OutboxState.SENT, None, None, None)


async def test_a_send_that_a_dead_process_made_is_found_again_with_its_words_and_choices(
    office: Office, parcel: Parcel
) -> None:
    assert await office.run(ASSISTANT, outbox.interrupted, "") == 1
    await office.run(ASSISTANT, outbox.found, parcel.id, "SM9", "Hello!")
    assert await office.read(ASSISTANT, _books) == (OutboxState.SENT, "Hello!", "Hello!", {"1": "charger:"})
