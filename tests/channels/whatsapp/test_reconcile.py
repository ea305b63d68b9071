"""Asking Twilio what became of it: found, not found and repeated with a mark, or not to be asked now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.channels.whatsapp.inbound import parse
from bot.channels.whatsapp.missed import EVERY_S, MissedMessages
from bot.channels.whatsapp.outbound import TwilioSender
from bot.channels.whatsapp.reconcile import TwilioReconciler
from bot.channels.whatsapp.settings import WhatsAppSettings
from desk import outbox
from desk.office import Office
from models.access import ASSISTANT
from models.message import MessageKind
from models.outbox import OutboxState
from models.reply import Choice
from tests.channels.whatsapp.post_office import AMAL, inbox_count, read_inbox, reply, row, send_all
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_faults import Fault, dropped_request, hang, lost_response, server_error


@pytest.fixture
async def desk(doors: Office, twilio: FakeTwilio) -> AsyncIterator[Office]:
    """Somebody wrote a moment ago."""
    await twilio.incoming("hello", from_=AMAL)
    await read_inbox(doors)
    yield doors
    assert twilio.complaints == []


@pytest.fixture
async def reconciler(office: Office, settings: WhatsAppSettings) -> AsyncIterator[TwilioReconciler]:
    """Asks the same Twilio."""
    reconciler = TwilioReconciler(settings, office=office, timeout_s=0.5)
    yield reconciler
    await reconciler.close()


async def _reconcile(office: Office, reconciler: TwilioReconciler, clock: JumpingClock) -> None:
    """What the reconciling worker does, once the callbacks have had their time."""
    clock.set(clock.now() + timedelta(seconds=outbox.RECONCILE_AFTER_S + 1))
    for parcel in await office.read(ASSISTANT, outbox.unknown_due):
        rendered = await office.read(ASSISTANT, outbox.rendered_text, parcel.id)
        try:
            found = await reconciler.find(parcel.address, rendered or "", parcel.created_at)
        except ConnectionError:
            await office.run(ASSISTANT, outbox.ask_later, parcel.id, 10.0)
            continue
        if found is None:
            await office.run(ASSISTANT, outbox.not_found, parcel.id)
        else:
            await office.run(ASSISTANT, outbox.found, parcel.id, found)


@pytest.mark.parametrize("text", ["short", "Ünïcödé ආයුබෝවන් ☀\n\n two  lines ", "word " * 900])
async def test_a_message_that_twilio_has_is_found_and_not_sent_again(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, *, reconciler: TwilioReconciler, clock: JumpingClock,
    text: str,
) -> None:  # fmt: skip
    item = await reply(desk, text)
    parts = 3 if len(text) > 1500 else 1
    twilio.inject(Fault(accept=True), times=parts - 1)
    twilio.inject(lost_response())
    await send_all(desk, sender)
    await _reconcile(desk, reconciler, clock)
    await send_all(desk, sender)
    assert len(twilio.sent) == parts
    found = await row(desk, item)
    assert (found.state, found.provider_id) == (OutboxState.SENT, twilio.sent[-1].sid)


async def test_a_message_with_buttons_is_found(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    item = await reply(desk, "Which?", choices=(Choice("a", "delivery.choose"),))
    twilio.inject(lost_response())
    await send_all(desk, sender)
    await _reconcile(desk, reconciler, clock)
    assert (await row(desk, item)).state is OutboxState.SENT


async def test_a_template_is_found_by_the_words_that_we_put_into_it(
    desk: Office, twilio: FakeTwilio, settings: WhatsAppSettings, *, reconciler: TwilioReconciler,
    clock: JumpingClock, tmp_path: Path,
) -> None:  # fmt: skip
    path = tmp_path / "templates.json"
    path.write_text(json.dumps({"reply": {"en": twilio.approve("News: {{1}} Reply to talk.")}}))
    sender = TwilioSender(replace(settings, templates=path), clock)
    clock.set(clock.now() + timedelta(days=2))
    item = await reply(desk, "your charger is back")
    twilio.inject(lost_response())
    await send_all(desk, sender)
    await sender.close()
    await _reconcile(desk, reconciler, clock)
    assert (await row(desk, item)).provider_id == twilio.sent[0].sid


@pytest.mark.parametrize("fault", [dropped_request(), hang(5, taken=False)], ids=repr)
async def test_a_message_that_twilio_does_not_have_is_sent_once_more_with_a_mark(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, *, reconciler: TwilioReconciler, clock: JumpingClock,
    fault: Fault,
) -> None:  # fmt: skip
    item = await reply(desk, "are you there?")
    twilio.inject(fault)
    await send_all(desk, sender)
    await _reconcile(desk, reconciler, clock)
    await send_all(desk, sender)
    [message] = twilio.sent
    assert message.body == "(Sent again, in case it did not reach you.)\nare you there?"
    assert (await row(desk, item)).state is OutboxState.SENT


async def test_a_second_unknown_outcome_goes_to_staff_and_not_out_again(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    item = await reply(desk)
    twilio.inject(dropped_request(), times=2)
    for _ in range(3):
        await send_all(desk, sender)
        await _reconcile(desk, reconciler, clock)
    assert twilio.sent == []
    assert (await row(desk, item)).state is OutboxState.DEAD


async def test_the_same_words_that_another_row_already_became_are_not_taken_for_this_one(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    await reply(desk, "I am checking", key="first")
    await send_all(desk, sender)
    second = await reply(desk, "I am checking", key="second")
    twilio.inject(dropped_request())
    await send_all(desk, sender)
    await _reconcile(desk, reconciler, clock)
    await send_all(desk, sender)
    assert len(twilio.sent) == 2
    assert (await row(desk, second)).repeated


async def test_what_was_said_to_others_or_long_before_is_not_taken_for_it(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    await reply(desk, "hello")
    await send_all(desk, sender)
    now = clock.now()
    assert await reconciler.find(f"whatsapp:{AMAL}", "hello", now + timedelta(hours=1)) is None
    assert await reconciler.find("whatsapp:+94770000000", "hello", now) is None
    assert await reconciler.find(f"whatsapp:{AMAL}", "goodbye", now) is None


async def test_the_message_is_looked_for_on_every_page(
    doors: Office, twilio: FakeTwilio, settings: WhatsAppSettings, clock: JumpingClock
) -> None:
    await twilio.incoming("hello", from_=AMAL)
    await read_inbox(doors)
    sender = TwilioSender(settings, clock)
    reconciler = TwilioReconciler(settings)
    await reply(doors, "the first")
    await send_all(doors, sender)
    for n in range(230):
        twilio.written(f"noise {n}", from_="+94770000000")
        message = twilio.messages[-1]
        message.direction, message.to = "outbound-api", f"whatsapp:{AMAL}"
    found = await reconciler.find(f"whatsapp:{AMAL}", "the first", clock.now())
    await sender.close()
    await reconciler.close()
    assert found == twilio.sent[0].sid


async def test_a_twilio_that_cannot_be_asked_is_asked_later_and_nothing_is_repeated_meanwhile(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    item = await reply(desk)
    twilio.inject(lost_response())
    await send_all(desk, sender)
    await twilio.go_away()
    await _reconcile(desk, reconciler, clock)
    assert (await row(desk, item)).state is OutboxState.UNKNOWN
    await twilio.come_back()
    await _reconcile(desk, reconciler, clock)
    assert (await row(desk, item)).state is OutboxState.SENT
    assert len(twilio.sent) == 1


async def test_a_refusal_to_list_is_no_proof_that_nothing_was_sent(
    twilio: FakeTwilio, settings: WhatsAppSettings, clock: JumpingClock
) -> None:
    reconciler = TwilioReconciler(replace(settings, auth_token="wrong"))
    with pytest.raises(ConnectionError, match="401"):
        await reconciler.find(f"whatsapp:{AMAL}", "hello", clock.now())
    await reconciler.close()


async def test_what_came_while_we_were_away_is_fetched_and_kept_once(
    desk: Office, twilio: FakeTwilio, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    known = {message.sid for message in twilio.messages}
    since = clock.now()
    twilio.written("are you closed?", from_=AMAL)
    clock.set(clock.now() + timedelta(seconds=5))
    twilio.written("", from_="US.1349", media=[(b"\xff\xd8\xff", "image/jpeg"), (b"%PDF-", "application/pdf")])
    rows = await reconciler.inbound_since(since, known)
    words, files = [parse(row.raw) for row in rows]
    assert (words.text, words.address, words.kind) == ("are you closed?", f"whatsapp:{AMAL}", MessageKind.TEXT)
    assert [item.content_type for item in files.media] == ["image/jpeg", "application/pdf"]
    assert files.media[0].url == twilio.messages[-1].form["MediaUrl0"]
    before = await inbox_count(desk)
    for each in [*rows, *await reconciler.inbound_since(since)]:
        await desk.put(each)
    await twilio.deliver(twilio.messages[-1])
    assert await inbox_count(desk) == before + 2


async def test_a_listing_that_breaks_off_is_reported_and_not_taken_for_silence(
    twilio: FakeTwilio, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    await twilio.go_away()
    with pytest.raises(ConnectionError):
        await reconciler.inbound_since(clock.now())


async def test_a_gateway_that_hid_a_taken_message_does_not_make_it_two(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    await reply(desk, "once")
    twilio.inject(replace(server_error(502, taken=True), json=False))
    await send_all(desk, sender)
    await _reconcile(desk, reconciler, clock)
    await send_all(desk, sender)
    assert [message.body for message in twilio.sent] == ["once"]


async def test_what_came_while_nobody_listened_is_read_once_and_after_its_webhook_had_its_time(
    desk: Office, twilio: FakeTwilio, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    missed = MissedMessages(desk, reconciler, clock)
    clock.set(clock.now() + timedelta(hours=2))
    twilio.written("I wrote while you were away", from_=AMAL)
    assert await missed.look() == 0
    clock.set(clock.now() + timedelta(minutes=3))
    assert await missed.look() == 1
    assert await missed.look() == 0
    [heard] = await read_inbox(desk)
    assert heard.text == "I wrote while you were away"
    assert datetime.fromisoformat(heard.extra["sent_at"]) == twilio.messages[-1].made_at


async def test_before_the_first_webhook_nothing_of_the_numbers_past_is_read(
    office: Office, twilio: FakeTwilio, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    twilio.written("to whoever had this number before", from_=AMAL)
    clock.set(clock.now() + timedelta(minutes=3))
    assert await MissedMessages(office, reconciler, clock).look() == 0


async def test_looking_for_missed_messages_goes_on_after_twilio_was_away(
    desk: Office, twilio: FakeTwilio, reconciler: TwilioReconciler, clock: JumpingClock
) -> None:
    twilio.written("missed", from_=AMAL)
    clock.set(clock.now() + timedelta(minutes=3))
    await twilio.go_away()
    worker = asyncio.create_task(MissedMessages(desk, reconciler, clock).run())
    await asyncio.sleep(0.3)
    await twilio.come_back()
    await clock.fast_forward(seconds=EVERY_S + 1)
    async with asyncio.timeout(5):
        while await inbox_count(desk) < 2:
            await asyncio.sleep(0.02)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
