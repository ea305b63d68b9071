"""Callbacks and answers that overtake one another."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.channels.whatsapp.outbound import TwilioSender
from bot.channels.whatsapp.settings import WhatsAppSettings
from desk import outbox
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.conversation import Conversation
from models.outbox import Accepted, OutboxState
from models.reply import Choice
from tests.channels.whatsapp.post_office import AMAL, read_inbox, reply, row, send_all
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_faults import callback_first, dropped_request


@pytest.fixture
async def desk(doors: Office, twilio: FakeTwilio) -> Office:
    """Somebody wrote a moment ago."""
    await twilio.incoming("hello", from_=AMAL)
    await read_inbox(doors)
    return doors


async def test_an_answer_that_comes_after_its_callbacks_still_tells_the_words_and_the_menu(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    twilio.auto = ("sent", "delivered")
    twilio.inject(callback_first())
    item = await reply(desk, None, code="delivery.choose", choices=(Choice("yes", "delivery.choose"),))
    await send_all(desk, sender)
    assert (await row(desk, item)).rendered == "Choose"
    menu = await desk.read(ASSISTANT, lambda work: work.session.scalars(select(Conversation)).one().menu)
    assert menu == {"1": "yes"}


async def test_wherever_the_answer_falls_among_the_callbacks_the_end_is_the_same(desk: Office) -> None:
    orders = list(itertools.permutations(("answer", "sent", "delivered", "read", "sent")))
    keys = [await reply(desk, None, code="delivery.choose", key=f"k{n}") for n in range(len(orders))]

    def play(work: Work) -> None:
        for n, (key, order) in enumerate(zip(keys, orders, strict=True)):
            [mine] = outbox.claim(work, 1, "w")
            for word in order:
                if word == "answer":
                    outbox.record(work, key, mine.lease_seq, Accepted(f"SM{n}", "Choose"))
                else:
                    outbox.status_changed(work, provider_id=f"SM{n}", status=word, outbox_id=key)

    await desk.run(ASSISTANT, play)
    ends = {(end.state, end.status, end.rendered) for end in [await row(desk, key) for key in keys]}
    assert ends == {(OutboxState.SENT, "read", "Choose")}


async def test_what_arrived_after_all_is_not_dead(desk: Office) -> None:
    orders = list(itertools.permutations(("sent", "undelivered", "delivered")))
    keys = [await reply(desk, key=f"k{n}") for n in range(len(orders))]

    def play(work: Work) -> None:
        for n, (key, order) in enumerate(zip(keys, orders, strict=True)):
            [mine] = outbox.claim(work, 1, "w")
            outbox.record(work, key, mine.lease_seq, Accepted(f"SM{n}", "hello"))
            for status in order:
                outbox.status_changed(work, provider_id=f"SM{n}", status=status, outbox_id=key)

    await desk.run(ASSISTANT, play)
    ends = {(end.state, end.status) for end in [await row(desk, key) for key in keys]}
    assert ends == {(OutboxState.SENT, "delivered")}


async def test_late_news_of_the_send_that_found_the_window_closed_is_not_taken_for_the_templates(
    desk: Office, twilio: FakeTwilio, settings: WhatsAppSettings, clock: JumpingClock, tmp_path: Path
) -> None:
    path = tmp_path / "templates.json"
    path.write_text(json.dumps({"reply": {"en": twilio.approve("News: {{1}} Reply to talk.")}}))
    sender = TwilioSender(replace(settings, templates=path), clock)
    item = await reply(desk, "still there?")
    await send_all(desk, sender)
    free = twilio.sent[0]
    await twilio.callback(free, "undelivered", 63016)
    await twilio.callback(free, "sent")
    assert (await row(desk, item)).state is OutboxState.PENDING
    [parcel] = await desk.run(ASSISTANT, outbox.claim, 1, "w")
    await twilio.callback(free, "sending")
    await twilio.callback(free, "undelivered", 63016)
    result = await sender.send(parcel)
    await desk.run(ASSISTANT, outbox.record, parcel.id, parcel.lease_seq, result)
    await sender.close()
    template = twilio.sent[1]
    end = await row(desk, item)
    assert (end.state, end.provider_id, end.status) == (OutboxState.SENT, template.sid, "queued")
    await twilio.callback(template, "undelivered", 63024)
    assert (await row(desk, item)).state is OutboxState.DEAD


async def test_a_callback_that_comes_before_the_repeat_makes_the_repeat_unnecessary(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    item = await reply(desk)
    twilio.inject(replace(dropped_request(), accept=True))
    await send_all(desk, sender)
    await desk.run(ASSISTANT, outbox.not_found, item)
    await twilio.callback(twilio.sent[0], "delivered")
    clock.set(clock.now() + timedelta(minutes=5))
    await send_all(desk, sender)
    assert len(twilio.sent) == 1
    assert (await row(desk, item)).state is OutboxState.SENT
