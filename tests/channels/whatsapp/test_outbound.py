"""Sending through the real outbox verbs to a strict Twilio, and everything that can go wrong on the way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
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
from models.contact import ContactIdentity
from models.conversation import Conversation
from models.outbox import Accepted, OutboxState, Parcel, SendPause
from models.reply import Choice, Intent
from tests.channels.whatsapp.post_office import AMAL, PUBLIC_URL, read_inbox, reply, row, send_all
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_faults import (
    Fault,
    broken_response,
    dropped_request,
    fails_later,
    gateway_error,
    hang,
    lost_response,
    no_content,
    rate_limited,
    refused,
    server_error,
)


@pytest.fixture
async def desk(doors: Office, twilio: FakeTwilio) -> AsyncIterator[Office]:
    """Somebody wrote a moment ago; at the end Twilio must have nothing to complain of that the test did not expect."""
    await twilio.incoming("hello", from_=AMAL)
    await read_inbox(doors)
    yield doors
    assert twilio.complaints == []


async def test_an_answer_goes_out_once_as_it_was_written(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    item = await reply(desk, "Your ticket is TKT-000001. ස්තූතියි & 50% + ☀")
    await send_all(desk, sender)
    await send_all(desk, sender)
    [message] = twilio.to(AMAL)
    assert message.body == "Your ticket is TKT-000001. ස්තූතියි & 50% + ☀"
    assert message.form["StatusCallback"] == f"{PUBLIC_URL}/webhooks/twilio/status?o={item}"
    assert message.form["ValidityPeriod"] == "36000"
    sent = await row(desk, item)
    assert (sent.state, sent.provider_id, sent.status, sent.rank) == (OutboxState.SENT, message.sid, "queued", 0)
    assert sent.rendered == message.body


async def test_a_phrase_is_said_in_the_persons_language(desk: Office, twilio: FakeTwilio, sender: TwilioSender) -> None:
    def speak_sinhala(work: Work) -> None:
        work.session.scalars(select(Conversation)).one().language = "si-Latn"

    await desk.run(ASSISTANT, speak_sinhala)
    await reply(desk, None, code="delivery.repeated", facts={"text": "…"})
    await send_all(desk, sender)
    assert "නැවත" in twilio.sent[0].body


async def test_a_phrase_that_nobody_has_is_shown_to_staff_and_not_tried_again(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    item = await reply(desk, None, code="no.such.phrase")
    await send_all(desk, sender)
    dead = await row(desk, item)
    assert (dead.state, dead.error_code, twilio.sent) == (OutboxState.DEAD, "no_phrase", [])


async def test_an_alert_is_not_kept_by_twilio_longer_than_it_is_of_use(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    await reply(desk, intent=Intent.RECEIPT)
    clock.set(clock.now() + timedelta(minutes=50))
    await send_all(desk, sender)
    assert twilio.sent[0].form["ValidityPeriod"] == "600"


async def test_what_has_expired_is_not_sent(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    item = await reply(desk, intent=Intent.RECEIPT)
    clock.set(clock.now() + timedelta(minutes=61))
    await send_all(desk, sender)
    assert twilio.sent == []
    assert (await row(desk, item)).state is OutboxState.DEAD


async def test_a_text_that_fits_is_one_message_and_a_longer_one_is_several_in_order(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    await reply(desk, "x" * 1_500, key="fits")
    long = await reply(desk, "\n".join(f"line {n} " + "ආ" * 90 for n in range(40)), key="long")
    await send_all(desk, sender)
    fits, *parts = twilio.sent
    assert fits.body == "x" * 1_500
    assert len(parts) == 3
    assert "".join(part.body for part in parts).count("line") == 40
    assert [part.outbox_id for part in parts] == [None, None, long]
    assert (await row(desk, long)).provider_id == parts[-1].sid


async def test_a_later_part_that_fails_is_tried_again_alone(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    await reply(desk, "a" * 1_400 + " " + "b" * 1_400)
    twilio.inject(Fault(accept=True))
    twilio.inject(server_error())
    await send_all(desk, sender)
    assert [message.body[0] for message in twilio.sent] == ["a"]
    clock.set(clock.now() + timedelta(minutes=10))
    await send_all(desk, sender)
    assert [message.body[0] for message in twilio.sent] == ["a", "b"]


def _choices(*labels: str) -> tuple[Choice, ...]:
    return tuple(Choice(f"id:{n}", "delivery.repeated", {"text": label}) for n, label in enumerate(labels))


def _buttons(count: int) -> tuple[Choice, ...]:
    return tuple(Choice(f"pick:{n}", "delivery.choose") for n in range(count))


async def test_up_to_three_short_choices_are_buttons_and_also_numbers(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    item = await reply(desk, "Which connector?\nLeft or right?", choices=_buttons(3))
    await reply(desk, "And now?", key="k2", choices=_buttons(3))
    await send_all(desk, sender)
    first, second = twilio.sent
    assert first.content is not None
    assert list(first.content) == ["twilio/quick-reply"]
    assert [row["id"] for row in first.content["twilio/quick-reply"]["actions"]] == ["pick:0", "pick:1", "pick:2"]
    assert first.body == "Which connector?\nLeft or right?"
    assert first.form["ContentSid"] == second.form["ContentSid"]
    assert len(twilio.contents) == 1
    assert (await row(desk, item)).rendered == first.body
    assert await _menu(desk) == {"1": "pick:0", "2": "pick:1", "3": "pick:2"}


async def test_more_choices_are_a_list(desk: Office, twilio: FakeTwilio, sender: TwilioSender) -> None:
    await reply(desk, "Which site?", choices=_buttons(7))
    await send_all(desk, sender)
    content = twilio.sent[0].content
    assert content is not None
    assert [row["id"] for row in content["twilio/list-picker"]["items"]] == [f"pick:{n}" for n in range(7)]
    assert content["twilio/list-picker"]["button"] == "Choose"


@pytest.mark.parametrize("why", ["eleven choices", "a long label", "a long text", "the same id twice", "switched off"])
async def test_choices_that_do_not_fit_are_numbered_lines(
    desk: Office, twilio: FakeTwilio, settings: WhatsAppSettings, clock: JumpingClock, why: str
) -> None:
    text, choices = {
        "eleven choices": ("Which?", _buttons(11)),
        "a long label": ("Which?", _choices("a", "b")),
        "a long text": ("Which? " * 160, _buttons(2)),
        "the same id twice": ("Which?", (*_buttons(1), *_buttons(1))),
        "switched off": ("Which?", _buttons(2)),
    }[why]
    sender = TwilioSender(replace(settings, content_api=why != "switched off"), clock)
    await reply(desk, text, choices=choices)
    await send_all(desk, sender)
    await sender.close()
    [message] = twilio.sent
    assert message.content is None
    assert f"\n\n1. {'(' if why == 'a long label' else 'Choose'}" in message.body
    assert (await _menu(desk))["2"] == choices[1].id
    assert twilio.contents == {}


async def test_when_no_buttons_can_be_made_the_choices_are_numbered_and_buttons_come_back_later(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    twilio.inject(no_content())
    await reply(desk, "Which?", key="k1", choices=_buttons(2))
    await send_all(desk, sender)
    await reply(desk, "Which?", key="k2", choices=_buttons(2))
    await send_all(desk, sender)
    assert [message.content is not None for message in twilio.sent] == [False, True]
    assert twilio.sent[0].body == "Which?\n\n1. Choose\n2. Choose"


async def _menu(desk: Office) -> dict[str, str]:
    menu = await desk.read(ASSISTANT, lambda work: work.session.scalars(select(Conversation)).one().menu)
    assert menu is not None
    return menu


# What Twilio answers --------------------------------------------------------------------------------------------


async def test_a_429_keeps_the_whole_account_quiet_for_as_long_as_it_says(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    item = await reply(desk, "first")
    twilio.inject(rate_limited(40))
    await send_all(desk, sender)
    await reply(desk, "second", key="k2")
    clock.set(clock.now() + timedelta(seconds=39))
    assert await send_all(desk, sender) == []
    assert (await row(desk, item)).attempts == 0
    clock.set(clock.now() + timedelta(seconds=3))
    await send_all(desk, sender)
    assert [message.body for message in twilio.sent] == ["first", "second"]


async def test_a_server_error_before_anything_was_taken_is_tried_again(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    for n, fault in enumerate((server_error(503), server_error(500), gateway_error(503))):
        item = await reply(desk, key=f"k{n}")
        twilio.inject(fault, times=2)
        for _ in range(3):
            await send_all(desk, sender)
            clock.set(clock.now() + timedelta(minutes=1))
        assert len(twilio.sent) == n + 1
        assert (await row(desk, item)).attempts == 3


async def test_a_twilio_that_stays_down_makes_a_dead_letter_in_the_end(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    item = await reply(desk)
    twilio.inject(server_error(), times=outbox.MAX_TRIES)
    for _ in range(outbox.MAX_TRIES):
        await send_all(desk, sender)
        clock.set(clock.now() + timedelta(minutes=7))
    dead = await row(desk, item)
    assert (dead.state, dead.attempts, twilio.sent) == (OutboxState.DEAD, outbox.MAX_TRIES, [])


async def test_a_refused_connection_is_tried_again(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    item = await reply(desk)
    await twilio.go_away()
    await send_all(desk, sender)
    assert (await row(desk, item)).state is OutboxState.PENDING
    await twilio.come_back()
    clock.set(clock.now() + timedelta(minutes=1))
    await send_all(desk, sender)
    assert len(twilio.sent) == 1


NO_ANSWER = (
    lost_response(), broken_response(), hang(5), hang(5, taken=False), dropped_request(), gateway_error(502),
    gateway_error(504, taken=True), gateway_error(500, taken=True),
)  # fmt: skip


async def test_no_answer_or_a_broken_one_is_unknown_and_is_not_sent_again_by_itself(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    for n, fault in enumerate(NO_ANSWER):
        before = len(twilio.sent)
        item = await reply(desk, "did it arrive?", key=f"k{n}")
        twilio.inject(fault)
        await send_all(desk, sender)
        clock.set(clock.now() + timedelta(minutes=5))
        assert await send_all(desk, sender) == []
        unknown = await row(desk, item)
        assert (unknown.state, unknown.rendered) == (OutboxState.UNKNOWN, "did it arrive?"), fault
        assert len(twilio.sent) - before == int(fault.accept), fault
        await desk.run(ASSISTANT, outbox.found, item, f"SM{n}")


async def test_an_address_at_which_nobody_is_is_marked_dead(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    for code in (21211, 21610, 21614, 63003, 63014, 63024):
        item = await reply(desk, key=str(code))
        twilio.inject(refused(code))
        await send_all(desk, sender)
        dead = await row(desk, item)
        assert (dead.state, dead.error_code) == (OutboxState.DEAD, str(code))
        assert await _amal_died(desk), code


async def _amal_died(desk: Office) -> bool:
    """Whether the address was marked dead; it lives again afterwards."""

    def look(work: Work) -> bool:
        identity = work.session.scalars(select(ContactIdentity).where(ContactIdentity.value == AMAL)).one()
        died, identity.dead_at = identity.dead_at is not None, None
        return died

    return await desk.run(ASSISTANT, look)


async def test_any_other_refusal_is_final_and_leaves_the_address_alone(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender
) -> None:
    for code in (21619, 63021, 63027, 63032, 99999):
        item = await reply(desk, key=str(code))
        twilio.inject(refused(code))
        await send_all(desk, sender)
        assert (await row(desk, item)).state is OutboxState.DEAD, code
    assert not await _amal_died(desk)


async def test_trouble_that_passes_is_waited_out(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    for n, code in enumerate((63018, 63017, 20429, 63012, 30001, 21611)):
        await reply(desk, key=str(code))
        twilio.inject(refused(code))
        await send_all(desk, sender)
        assert await send_all(desk, sender) == [], code
        clock.set(clock.now() + timedelta(minutes=2))
        await send_all(desk, sender)
        assert len(twilio.sent) == n + 1


async def test_a_revoked_key_parks_the_account_and_loses_nothing(
    desk: Office, twilio: FakeTwilio, settings: WhatsAppSettings, sender: TwilioSender, clock: JumpingClock
) -> None:
    item = await reply(desk)
    wrong = TwilioSender(replace(settings, api_key="SK1", api_secret="revoked"), clock)
    for _ in range(outbox.MAX_TRIES + 2):
        await send_all(desk, wrong)
        clock.set(clock.now() + timedelta(seconds=301))
    await wrong.close()
    parked = await row(desk, item)
    assert (parked.state, parked.attempts) == (OutboxState.PENDING, 0)
    pause = await desk.read(ASSISTANT, lambda work: work.session.scalars(select(SendPause)).one())
    assert pause.reason.startswith("20003")
    await send_all(desk, sender)
    assert len(twilio.sent) == 1
    assert {complaint.split(": ")[1] for complaint in twilio.complaints} == {"20003 Authenticate"}
    twilio.complaints.clear()


async def test_a_wrong_setting_parks_the_account_and_loses_nothing(
    desk: Office, twilio: FakeTwilio, sender: TwilioSender, clock: JumpingClock
) -> None:
    for n, fault in enumerate((refused(63007), refused(21606), gateway_error(404), gateway_error(302))):
        item = await reply(desk, key=f"k{n}")
        twilio.inject(fault)
        await send_all(desk, sender)
        assert (await row(desk, item)).state is OutboxState.PENDING, fault
        clock.set(clock.now() + timedelta(seconds=301))
        await send_all(desk, sender)
        assert len(twilio.sent) == n + 1


async def test_half_a_character_does_not_stop_a_message(
    sender: TwilioSender, twilio: FakeTwilio, clock: JumpingClock
) -> None:
    twilio.open_window(AMAL)
    choices = [{"id": "a", "code": "delivery.repeated", "facts": {"text": "\ud83d"}}]
    parcel = Parcel(
        id=1, lane="l", channel="whatsapp", account=twilio.number, address=f"whatsapp:{AMAL}", intent="reply",
        code="none", facts={}, choices=choices, text="half \ud83d", language="en", attempts=1, repeated=False,
        template=False, lease_seq=1, expires_at=None, conversation_id=None, window_open=True, created_at=clock.now(),
    )  # fmt: skip
    assert isinstance(await sender.send(parcel), Accepted)
    assert twilio.sent[0].body.startswith("half ?")


async def test_an_api_key_is_used_where_there_is_one(clock: JumpingClock, doors: Office) -> None:
    async with FakeTwilio(now=clock.now, api_key="SK1", api_secret="secret") as twilio:
        settings = twilio.settings(PUBLIC_URL, auth_token="only for signatures", api_key="SK1", api_secret="secret")
        assert "secret" not in repr(settings)
        assert "only for signatures" not in repr(settings)
        assert settings.credentials == ("SK1", "secret")


# Outside the window ---------------------------------------------------------------------------------------------


@pytest.fixture
def templates(tmp_path: Path, twilio: FakeTwilio) -> Path:
    """An operator with approved templates for replies, in English and Sinhala."""
    path = tmp_path / "templates.json"
    english, sinhala = twilio.approve("News from us: {{1}} Reply to talk."), twilio.approve("පුවතක්: {{1}} පිළිතුරු.")
    path.write_text(json.dumps({"reply": {"en": english, "si": sinhala}, "alert": {}}), encoding="utf-8")
    return path


async def test_a_day_later_the_words_go_by_the_approved_template(
    desk: Office, twilio: FakeTwilio, settings: WhatsAppSettings, clock: JumpingClock, templates: Path
) -> None:
    sender = TwilioSender(replace(settings, templates=templates), clock)
    clock.set(clock.now() + timedelta(hours=23, minutes=51))
    await reply(desk, "Your charger\n\nis back:\t\t now   or     later", choices=_buttons(2))
    await send_all(desk, sender)
    await sender.close()
    [message] = twilio.sent
    assert message.body == "News from us: Your charger · is back: now or later Reply to talk."


async def test_without_a_template_staff_see_that_nothing_could_be_said(
    desk: Office, twilio: FakeTwilio, settings: WhatsAppSettings, clock: JumpingClock, templates: Path
) -> None:
    sender = TwilioSender(replace(settings, templates=templates), clock)
    clock.set(clock.now() + timedelta(hours=25))
    item = await reply(desk, intent=Intent.NOTICE)
    await send_all(desk, sender)
    await sender.close()
    dead = await row(desk, item)
    assert (dead.state, dead.error_code, twilio.sent) == (OutboxState.DEAD, "no_template", [])


async def test_a_window_that_closed_early_is_answered_by_the_template(
    desk: Office, twilio: FakeTwilio, settings: WhatsAppSettings, clock: JumpingClock, templates: Path
) -> None:
    sender = TwilioSender(replace(settings, templates=templates), clock)
    item = await reply(desk, "still there?")
    twilio.inject(fails_later(63016))
    await send_all(desk, sender)
    await twilio.settle()
    await send_all(desk, sender)
    await sender.close()
    free, template = twilio.sent
    assert (free.body, template.body) == ("still there?", "News from us: still there? Reply to talk.")
    assert (await row(desk, item)).provider_id == template.sid


async def test_a_closed_window_told_at_once_is_answered_by_the_template(
    desk: Office, twilio: FakeTwilio, settings: WhatsAppSettings, clock: JumpingClock, templates: Path
) -> None:
    sender = TwilioSender(replace(settings, templates=templates), clock)
    await reply(desk, "still there?")
    twilio.inject(refused(63016))
    await send_all(desk, sender)
    await sender.close()
    assert [message.body for message in twilio.sent] == ["News from us: still there? Reply to talk."]
