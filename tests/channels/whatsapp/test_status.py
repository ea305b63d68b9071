"""Status callbacks in any order, early, late and twice."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest

from bot.channels.whatsapp.outbound import TwilioSender
from desk import outbox
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.outbox import Accepted, OutboxState
from tests.channels.whatsapp.post_office import AMAL, read_inbox, reply, row, send_all
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_faults import callback_first, lost_response


@pytest.fixture
async def desk(doors: Office, twilio: FakeTwilio) -> Office:
    """Somebody wrote a moment ago."""
    await twilio.incoming("hello", from_=AMAL)
    await read_inbox(doors)
    return doors


def _orders(*words: str) -> list[tuple[str, ...]]:
    """Every order of the words, and as many with repeats."""
    chance = random.Random(7)
    plain = list(itertools.permutations(words))
    repeated = [(*order, *chance.choices(words, k=3)) for order in plain]
    for order in repeated:
        chance.shuffle(shuffled := list(order))
        plain.append(tuple(shuffled))
    return plain


async def test_every_order_of_callbacks_with_repeats_ends_in_the_same_state(desk: Office) -> None:
    orders = _orders("queued", "sent", "delivered", "read")
    keys = [await reply(desk, key=f"k{n}") for n in range(len(orders))]

    def play(work: Work) -> None:
        for n, (key, order) in enumerate(zip(keys, orders, strict=True)):
            while not (mine := outbox.claim(work, 1, "w")):
                raise AssertionError(n)
            outbox.record(work, key, mine[0].lease_seq, Accepted(f"SM{n}", "hello"))
            for status in order:
                outbox.status_changed(work, provider_id=f"SM{n}", status=status, outbox_id=key)
            work.session.flush()

    await desk.run(ASSISTANT, play)
    rows = [await row(desk, key) for key in keys]
    assert {(each.state, each.status, each.rank) for each in rows} == {(OutboxState.SENT, "read", 5)}
    assert [each.provider_id for each in rows] == [f"SM{n}" for n in range(len(orders))]


async def test_every_order_of_a_failure_ends_as_a_dead_letter(desk: Office) -> None:
    orders = _orders("queued", "sending", "sent", "undelivered")
    keys = [await reply(desk, key=f"k{n}") for n in range(len(orders))]

    def play(work: Work) -> None:
        for n, (key, order) in enumerate(zip(keys, orders, strict=True)):
            [mine] = outbox.claim(work, 1, "w")
            outbox.record(work, key, mine.lease_seq, Accepted(f"SM{n}", "hello"))
            for status in order:
                code = "63003" if status == "undelivered" else ""
                outbox.status_changed(work, provider_id=f"SM{n}", status=status, error_code=code, outbox_id=key)

    await desk.run(ASSISTANT, play)
    rows = [await row(desk, key) for key in keys]
    assert {(each.state, each.status, each.error_code) for each in rows} == {(OutboxState.DEAD, "undelivered", "63003")}


async def test_signed_callbacks_that_arrive_shuffled_and_twice_end_at_the_furthest(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    item = await reply(desk)
    await send_all(desk, sender)
    [message] = twilio.sent
    for status in ("read", "sent", "delivered", "sent", "read", "queued"):
        assert (await twilio.callback(message, status)).status_code == 200
    assert (await row(desk, item)).status == "read"


async def test_a_callback_that_names_the_message_the_old_way_is_understood(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    item = await reply(desk)
    await send_all(desk, sender)
    await twilio.callback(twilio.sent[0], "delivered", order="SmsMessageSid")
    assert (await row(desk, item)).status == "delivered"


async def test_callbacks_that_are_faster_than_the_answer_are_not_lost(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    twilio.auto = ("delivered", "sent")
    twilio.inject(callback_first())
    item = await reply(desk)
    await send_all(desk, sender)
    sent = await row(desk, item)
    assert (sent.state, sent.status, sent.provider_id) == (OutboxState.SENT, "delivered", twilio.sent[0].sid)


async def test_a_lost_answer_is_made_good_by_the_callback_that_carries_our_id(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    item = await reply(desk)
    twilio.inject(lost_response())
    await send_all(desk, sender)
    assert (await row(desk, item)).state is OutboxState.UNKNOWN
    await twilio.callback(twilio.sent[0], "sent")
    linked = await row(desk, item)
    assert (linked.state, linked.provider_id, linked.status) == (OutboxState.SENT, twilio.sent[0].sid, "sent")
    clock.set(clock.now() + timedelta(minutes=5))
    await send_all(desk, sender)
    assert len(twilio.sent) == 1
