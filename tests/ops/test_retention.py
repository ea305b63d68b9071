"""What is kept only for a while goes in time, in portions, and nothing younger or unfinished goes with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from desk import retention
from desk.office import Office
from desk.retention import Keep
from desk.work import Work
from models.access import CLOCK
from models.charger import Charger, OcppFrame
from models.contact import Contact
from models.conversation import Conversation
from models.inbox import InboxItem, InboxState, Quarantine
from models.message import Direction, Media, MediaState, Message, MessageState
from models.outbox import OutboxEvent


def plant(work: Work, per_kind: int = 3) -> None:
    """For each kind: rows that are too old, and as many of yesterday."""
    for age, name in ((400, "old"), (1, "new")):
        at = work.now - timedelta(days=age)
        for number in range(per_kind):
            key = f"{name}{number}"
            work.session.add(InboxItem(channel="c", account="a", external_id=key, lane="l", raw={"x": 1},
                                       state=InboxState.DONE, received_at=at, due_at=at))  # fmt: skip
            work.session.add(OutboxEvent(provider_id=key, status="sent", raw={"x": 1}, received_at=at))
            work.session.add(Quarantine(channel="c", peer="p", reason="r", raw="x", received_at=at))
            work.session.add(OcppFrame(charger_id="100003", at=at, direction="in", action="Heartbeat", frame="[]"))


def counts(work: Work) -> dict[str, int]:
    def many(query: Any) -> int:
        return work.session.scalar(query) or 0

    return {
        "inbox": many(select(func.count()).select_from(InboxItem)),
        "raw": many(select(func.count()).where(InboxItem.raw.is_not(None))),
        "events": many(select(func.count()).where(OutboxEvent.raw.is_not(None))),
        "quarantine": many(select(func.count()).select_from(Quarantine)),
        "frames": many(select(func.count()).select_from(OcppFrame)),
    }


async def test_old_payloads_go_and_the_rows_that_prevent_repeats_stay(office: Office) -> None:
    await office.run(CLOCK, plant)
    assert await office.run(CLOCK, retention.sweep, Keep()) == 12
    assert await office.read(CLOCK, counts) == {"inbox": 6, "raw": 3, "events": 3, "quarantine": 3, "frames": 3}
    assert await office.run(CLOCK, retention.sweep, Keep()) == 0


async def test_each_kind_keeps_its_own_time(office: Office) -> None:
    await office.run(CLOCK, plant)
    await office.run(CLOCK, retention.sweep, Keep(raw_days=1000, frames_days=30))
    assert await office.read(CLOCK, counts) == {"inbox": 6, "raw": 6, "events": 6, "quarantine": 6, "frames": 3}


async def test_a_sweep_takes_a_portion_at_a_time_until_nothing_is_left(office: Office) -> None:
    await office.run(CLOCK, plant, 5)
    taken = []
    while done := await office.run(CLOCK, retention.sweep, Keep(), 2):
        taken.append(done)
    assert taken == [8, 8, 4]
    assert (await office.read(CLOCK, counts))["frames"] == 5


async def test_what_is_not_worked_off_keeps_its_payload_however_old(office: Office) -> None:
    def unfinished(work: Work) -> None:
        at = work.now - timedelta(days=400)
        for state in (InboxState.NEW, InboxState.CLAIMED):
            work.session.add(InboxItem(channel="c", account="a", external_id=state.value, lane="l", raw={"x": 1},
                                       state=state, received_at=at, due_at=at))  # fmt: skip

    await office.run(CLOCK, unfinished)
    assert await office.run(CLOCK, retention.sweep, Keep()) == 0
    assert (await office.read(CLOCK, counts))["raw"] == 2


async def test_old_files_are_named_until_somebody_says_that_they_are_gone(office: Office) -> None:
    def media(work: Work) -> None:
        work.session.add(Charger(id="100003", created_at=work.now))
        contact = Contact(created_at=work.now)
        work.session.add(contact)
        work.session.flush()
        talk = Conversation(key="k", contact_id=contact.id, channel="c", account="a", address="x", created_at=work.now)
        work.session.add(talk)
        work.session.flush()
        for age in (400, 2):
            at = work.now - timedelta(days=age)
            message = Message(conversation_id=talk.id, contact_id=contact.id, direction=Direction.INBOUND, channel="c",
                              sender="s", state=MessageState.REPLIED, received_at=at)  # fmt: skip
            work.session.add(message)
            work.session.flush()
            work.session.add(Media(message_id=message.id, channel="c", url="u", content_type="image/jpeg",
                                   path=f"{age}.jpg", state=MediaState.STORED, due_at=at))  # fmt: skip

    await office.run(CLOCK, media)
    due = await office.read(CLOCK, retention.files_due, Keep())
    assert [file.path for file in due] == ["400.jpg"]
    assert await office.read(CLOCK, retention.files_due, Keep()) == due  # a crash before the next step repeats it
    await office.run(CLOCK, retention.files_gone, [file.id for file in due])
    assert await office.read(CLOCK, retention.files_due, Keep()) == []
