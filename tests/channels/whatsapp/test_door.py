"""The doors that Twilio knocks at: stored before 200, clear refusals, and nothing kept of what is refused."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from bot.channels.whatsapp.routes import routes
from bot.channels.whatsapp.settings import WhatsAppSettings
from desk import quarantine
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable
from models.inbox import InboxItem, InboxRow
from models.message import MessageKind
from models.outbox import OutboxEvent
from tests.channels.whatsapp.post_office import (
    AMAL,
    PUBLIC_URL,
    app_transport,
    inbox_count,
    quarantined,
    read_inbox,
)
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeTwilio

INBOUND = f"{PUBLIC_URL}/webhooks/twilio/whatsapp"
STATUS = f"{PUBLIC_URL}/webhooks/twilio/status"
WHOLE = {"MessageSid": "SM" + "a" * 32, "From": f"whatsapp:{AMAL}", "To": "whatsapp:+94110000000", "Body": "hi"}


async def test_a_message_is_stored_and_answered_with_an_empty_response(doors: Office, twilio: FakeTwilio) -> None:
    answer = await twilio.incoming("charger 100003, red light", from_=AMAL, BrandNewField="kept")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    assert answer.text.endswith("<Response/>")
    row = await doors.read(ASSISTANT, lambda work: work.session.scalars(select(InboxItem)).one())
    assert row.raw is not None
    assert row.raw["form"]["BrandNewField"] == "kept"
    assert row.external_id == twilio.messages[0].sid


async def test_the_same_webhook_again_and_again_makes_one_message(doors: Office, twilio: FakeTwilio) -> None:
    message = twilio.written("once", from_=AMAL)
    answers = await asyncio.gather(*(twilio.deliver(message) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert await inbox_count(doors) == 1


async def test_every_kind_of_message_is_kept_and_read(doors: Office, twilio: FakeTwilio) -> None:
    await twilio.incoming("words", from_=AMAL)
    await twilio.incoming("", from_=AMAL, Latitude="6.9", Longitude="79.8", MessageType="location")
    await twilio.incoming("", from_=AMAL, media=[(b"\xff\xd8\xff", "image/jpeg")])
    await twilio.incoming("Yes", from_=AMAL, ButtonText="Yes", ButtonPayload="yes")
    await twilio.incoming("words", from_="US.13491208655302741918")
    heard = await read_inbox(doors)
    assert sorted(item.kind for item in heard) == sorted(
        [MessageKind.TEXT, MessageKind.LOCATION, MessageKind.MEDIA, MessageKind.BUTTON, MessageKind.TEXT]
    )


def _without(*names: str) -> dict[str, str]:
    return {name: value for name, value in WHOLE.items() if name not in names}


MALFORMED_SIGNED: list[tuple[str, dict[str, str], int, str]] = [
    ("no id", _without("MessageSid"), 400, "no_message_sid"),
    ("a blank id", WHOLE | {"MessageSid": ""}, 400, "no_message_sid"),
    ("an id with a slash", WHOLE | {"MessageSid": "SM/../1"}, 400, "no_message_sid"),
    ("an id that is too long", WHOLE | {"MessageSid": "SM" + "a" * 300}, 400, "no_message_sid"),
    ("no sender", _without("From"), 400, "no_from"),
    ("a blank sender", WHOLE | {"From": ""}, 400, "no_from"),
    ("a sender of another channel", WHOLE | {"From": "+94771234567"}, 400, "no_from"),
    ("a sender without a number", WHOLE | {"From": "whatsapp:"}, 400, "no_from"),
    ("a sender with spaces", WHOLE | {"From": "whatsapp: 94771234567"}, 400, "no_from"),
    ("a sender that is too long", WHOLE | {"From": "whatsapp:+" + "9" * 400}, 400, "no_from"),
    ("no receiver", _without("To"), 400, "no_to"),
    ("a receiver of another channel", WHOLE | {"To": "messenger:1"}, 400, "no_to"),
    ("nothing that a message has", {"Hello": "world"}, 400, "no_message_sid"),
    ("too many fields", WHOLE | {f"f{n}": "" for n in range(600)}, 400, "bad_form"),
]


async def test_a_signed_call_that_cannot_be_kept_is_refused_clearly_and_changes_nothing(
    doors: Office, twilio: FakeTwilio
) -> None:
    for what, form, status, code in MALFORMED_SIGNED:
        _refused(await twilio.call(INBOUND, form), status, code, what)
    assert await inbox_count(doors) == 0
    assert await quarantined(doors) == []


def _refused(answer: httpx.Response, status: int, code: str, what: str = "") -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), what
    assert len(error["text"]) > 10


FORM_TYPE = "application/x-www-form-urlencoded"
MALFORMED_RAW: list[tuple[str, bytes, str, int, str]] = [
    ("an empty body", b"", FORM_TYPE, 403, "bad_signature"),
    ("JSON", json.dumps(WHOLE).encode(), "application/json", 415, "not_a_form"),
    ("no content type", urlencode(WHOLE).encode(), "", 415, "not_a_form"),
    ("a file upload", b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415, "not_a_form"),
    ("bytes that are no text", b"MessageSid=\xff\xfe\x00", FORM_TYPE, 400, "bad_form"),
    ("percent signs that are no text", b"MessageSid=%ff%fe", FORM_TYPE, 400, "bad_form"),
    ("no pairs", b"MessageSid", FORM_TYPE, 400, "bad_form"),
    ("a body without end", b"a=" + b"x" * 70_000, FORM_TYPE, 413, "too_large"),
]


async def test_a_body_that_is_no_form_is_refused_clearly_and_changes_nothing(
    office: Office, settings: WhatsAppSettings
) -> None:
    async with httpx.AsyncClient(transport=app_transport(office, settings), base_url="http://app") as client:
        for what, body, content_type, status, code in MALFORMED_RAW:
            headers = {"X-Twilio-Signature": "AAAA"} | ({"Content-Type": content_type} if content_type else {})
            answer = await client.post("/webhooks/twilio/whatsapp", content=body, headers=headers)
            _refused(answer, status, code, what)
    assert await inbox_count(office) == 0


async def test_a_body_that_comes_in_pieces_is_cut_off_at_the_limit(office: Office, settings: WhatsAppSettings) -> None:
    asked = 0

    async def receive() -> dict[str, object]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": True}

    sent: list[dict[str, object]] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    door = routes(office, settings)[0].app
    scope = {"type": "http", "method": "POST", "path": "/webhooks/twilio/whatsapp", "query_string": b"", "headers": []}
    await door(scope, receive, send)
    assert sent[0]["status"] == 413
    assert asked < 70


async def test_another_method_is_refused(office: Office, settings: WhatsAppSettings) -> None:
    async with httpx.AsyncClient(transport=app_transport(office, settings), base_url="http://app") as client:
        assert (await client.get("/webhooks/twilio/whatsapp")).status_code == 405


async def test_a_wrong_signature_is_quarantined_without_effect(doors: Office, twilio: FakeTwilio) -> None:
    answer = await twilio.call(INBOUND, WHOLE, signature="bm90IHR3aWxpbw==")
    _refused(answer, 403, "bad_signature")
    [kept] = await quarantined(doors)
    assert (kept.channel, kept.peer, kept.reason) == ("whatsapp", "203.0.113.9", "bad_signature")
    assert "Body=hi" in kept.raw
    assert await inbox_count(doors) == 0


async def test_a_flood_of_wrong_signatures_fills_the_quarantine_only_so_far(
    doors: Office, twilio: FakeTwilio, clock: JumpingClock
) -> None:
    for _ in range(quarantine.PER_MINUTE + 20):
        assert (await twilio.call(INBOUND, WHOLE, signature="AAAA")).status_code == 403
    assert len(await quarantined(doors)) == quarantine.PER_MINUTE
    clock.set(clock.now() + timedelta(seconds=61))
    await twilio.call(INBOUND, WHOLE, signature="AAAA")
    assert len(await quarantined(doors)) == quarantine.PER_MINUTE + 1


async def test_while_the_database_is_away_the_provider_is_asked_to_repeat(
    doors: Office, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(row: InboxRow) -> None:
        raise Unavailable("disk full")

    message = twilio.written("later", from_=AMAL)
    with monkeypatch.context() as patch:
        patch.setattr(doors, "put", away)
        answer = await twilio.deliver(message)
    _refused(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert await inbox_count(doors) == 0
    assert (await twilio.deliver(message)).status_code == 200
    assert await inbox_count(doors) == 1


async def test_an_office_that_closes_takes_nothing_more(doors: Office, twilio: FakeTwilio) -> None:
    doors.close()
    assert (await twilio.incoming("too late", from_=AMAL)).status_code == 503


async def test_a_status_callback_without_its_two_words_is_refused(doors: Office, twilio: FakeTwilio) -> None:
    cases: list[tuple[dict[str, str], str]] = [
        ({"MessageStatus": "sent"}, "no_message_sid"),
        ({"MessageSid": "", "MessageStatus": "sent"}, "no_message_sid"),
        ({"MessageSid": "SM/1", "MessageStatus": "sent"}, "no_message_sid"),
        ({"MessageSid": "SM1"}, "no_status"),
        ({"MessageSid": "SM1", "MessageStatus": ""}, "no_status"),
        ({"MessageSid": "SM1", "MessageStatus": "x" * 100}, "no_status"),
    ]
    for form, code in cases:
        _refused(await twilio.call(STATUS + "?o=1", form), 400, code)
    assert await _events(doors) == []


async def test_a_status_callback_with_a_wrong_signature_is_refused(doors: Office, twilio: FakeTwilio) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signature = twilio.sign(STATUS + "?o=1", form)
    _refused(await twilio.call(STATUS + "?o=2", form, signature=signature), 403, "bad_signature")
    assert await _events(doors) == []


async def test_a_status_of_a_message_that_nobody_knows_is_taken_and_changes_nothing(
    doors: Office, twilio: FakeTwilio
) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "ErrorCode": "not a number"}
    for query in ("", "?o=999999", "?o=", "?o=-1", "?o=abc", "?o=99999999999999999999", "?x=1"):
        assert (await twilio.call(STATUS + query, form)).status_code == 200, query
    [event] = await _events(doors)
    assert (event.provider_id, event.status, event.error_code) == ("SM1", "delivered", "")


async def test_a_status_word_that_nobody_knows_is_taken_and_ignored(doors: Office, twilio: FakeTwilio) -> None:
    assert (await twilio.call(STATUS, {"MessageSid": "SM1", "MessageStatus": "teleported"})).status_code == 200
    assert await _events(doors) == []


async def _events(office: Office) -> list[OutboxEvent]:
    return await office.read(ASSISTANT, lambda work: list(work.session.scalars(select(OutboxEvent))))
