"""What must hold when the dust has settled, read from the database and from what Twilio took."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk import database
from models.inbox import InboxItem, InboxState
from models.member import TeamAlert
from models.message import Direction, Message, MessageState
from models.outbox import OutboxItem, OutboxState
from phrases.say import say
from tests.fakes.twilio import FakeMessage, FakeTwilio
from tests.kill.stream import Stream

DRAIN_S = 90.0
_OPEN = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN)


@contextmanager
def reading(url: str) -> Iterator[Session]:
    """The database as it is now; nothing is written."""
    engine = database.reading_engine(url, pool_size=1)
    try:
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()


def open_rows(url: str) -> tuple[int, int]:
    """How many rows of the inbox and of the outbox are not at their end."""
    with reading(url) as session:
        waiting = select(func.count(InboxItem.id)).where(InboxItem.state.in_((InboxState.NEW, InboxState.CLAIMED)))
        leaving = select(func.count(OutboxItem.id)).where(OutboxItem.state.in_(_OPEN))
        return session.scalar(waiting) or 0, session.scalar(leaving) or 0


async def drained(url: str, twilio: FakeTwilio, within_s: float = DRAIN_S) -> None:
    """Wait until nothing waits any more."""
    end = time.monotonic() + within_s
    while (left := await asyncio.to_thread(open_rows, url)) != (0, 0):
        assert time.monotonic() < end, f"inbox and outbox still hold {left} open rows after {within_s:.0f} s"
        await asyncio.sleep(0.2)
    await twilio.settle()


@dataclass(frozen=True)
class Figures:
    """What was counted."""

    acknowledged: int
    inbound: int
    sent: int
    repeated: int
    taken_twice: int
    dead: int

    def line(self) -> str:
        """For people."""
        return (
            f"{self.acknowledged} acknowledged, {self.inbound} kept, {self.sent} replies sent, {self.repeated} of them "
            f"marked as repeated ({self.taken_twice} taken twice), {self.dead} dead or expired with a line on the board"
        )


def check(url: str, twilio: FakeTwilio, stream: Stream) -> Figures:
    """Raise AssertionError for whatever was promised and is not so."""
    with reading(url) as session:
        inbound = _nothing_lost(session, stream)
        _inbound_order(session, stream)
        rows = list(session.scalars(select(OutboxItem).order_by(OutboxItem.id)))
        alerts = set(session.scalars(select(TeamAlert.dedupe_key)))
    taken = _taken(twilio)
    _every_row_ended(rows, taken, alerts)
    _nothing_twice(rows, taken)
    _outbound_order(rows, twilio)
    assert not twilio.complaints, twilio.complaints
    states = Counter(row.state for row in rows)
    return Figures(
        len(stream.sids), inbound, states[OutboxState.SENT], sum(row.repeated for row in rows),
        sum(len(messages) > 1 for messages in taken.values()),
        states[OutboxState.DEAD] + states[OutboxState.EXPIRED],
    )  # fmt: skip


def _nothing_lost(session: Session, stream: Stream) -> int:
    """Every acknowledged message: one row, handled; one message, seen through."""
    rows = session.execute(
        select(InboxItem.external_id, InboxItem.state, Message.state, InboxItem.error)
        .outerjoin(Message, Message.inbox_id == InboxItem.id)
        .where(InboxItem.channel == "whatsapp")
    ).all()
    seen = Counter(row[0] for row in rows)
    wrong = {sid: seen[sid] for sid in stream.sids if seen[sid] != 1}
    assert not wrong, f"acknowledged and not kept exactly once: {wrong}"
    assert not seen.keys() - set(stream.sids), "kept and never acknowledged, though it was called for until it was"
    unhandled = [row for row in rows if row[1] is not InboxState.DONE]
    assert not unhandled, f"not handled: {unhandled[:5]}"
    unread = [row for row in rows if row[2] in (None, MessageState.UNREAD, MessageState.ANALYSING)]
    assert not unread, f"handled without effect: {unread[:5]}"
    return len(rows)


def _inbound_order(session: Session, stream: Stream) -> None:
    rows = session.execute(
        select(Message.sender, InboxItem.external_id)
        .join(InboxItem, InboxItem.id == Message.inbox_id)
        .where(Message.direction == Direction.INBOUND)
        .order_by(Message.id)
    )
    heard: dict[str, list[str]] = defaultdict(list)
    for sender, sid in rows:
        heard[sender.removeprefix("whatsapp:")].append(sid)
    for number, sids in stream.acknowledged.items():
        assert heard[number] == sids, f"{number} was heard in another order than it wrote"


def _taken(twilio: FakeTwilio) -> dict[int, list[FakeMessage]]:
    taken: dict[int, list[FakeMessage]] = defaultdict(list)
    for message in twilio.sent:
        assert message.outbox_id is not None, f"a message without our id: {message.body!r}"
        taken[message.outbox_id].append(message)
    return taken


def _every_row_ended(rows: list[OutboxItem], taken: dict[int, list[FakeMessage]], alerts: set[str]) -> None:
    assert not taken.keys() - {row.id for row in rows}, "Twilio took what is in no row"
    for row in rows:
        if row.state is OutboxState.SENT:
            own = [message.sid for message in taken[row.id]]
            assert row.provider_id in own, f"row {row.id} took another's message for its own"
            continue
        assert row.state in (OutboxState.DEAD, OutboxState.EXPIRED), f"row {row.id} is stuck in {row.state}"
        assert f"outbox:{row.id}:{row.state.value}" in alerts, f"row {row.id} is {row.state} and nobody was told"


def _nothing_twice(rows: list[OutboxItem], taken: dict[int, list[FakeMessage]]) -> None:
    """Once; or once more with the mark, where the row says so."""
    for row in rows:
        mark = say("delivery.repeated", {"text": ""}, row.language).strip()
        marked = [mark in message.body for message in taken[row.id]]
        if row.repeated:
            assert marked in ([True], [False, True]), f"row {row.id} was repeated, and the marks were {marked}"
        else:
            assert marked in ([], [False]), f"row {row.id} went out {len(marked)} times, marks {marked}"


def _outbound_order(rows: list[OutboxItem], twilio: FakeTwilio) -> None:
    """In each conversation and priority, Twilio took messages in the order in which they were said."""
    place: dict[int | None, int] = {}
    for n, message in enumerate(twilio.sent):
        place.setdefault(message.outbox_id, n)
    lanes: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row in rows:
        if row.id in place:
            lanes[row.lane, row.priority].append(place[row.id])
    for lane, places in lanes.items():
        assert places == sorted(places), f"{lane} was answered out of order"
