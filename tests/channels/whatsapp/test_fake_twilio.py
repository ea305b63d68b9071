"""The stand-in is as strict as Twilio, and Twilio's own library can work with it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.channels.whatsapp.outbound import TwilioSender
from desk.office import Office
from models.message import MessageKind
from models.reply import Choice
from tests.channels.whatsapp.post_office import AMAL, PUBLIC_URL, read_inbox, reply, send_all
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN, NUMBER, FakeTwilio

GOOD = {"To": "whatsapp:+94771234567", "From": NUMBER, "Body": "hi",
        "StatusCallback": f"{PUBLIC_URL}/webhooks/twilio/status?o=1", "ValidityPeriod": "300"}  # fmt: skip


async def _post(twilio: FakeTwilio, form: dict[str, str], **options: Any) -> httpx.Response:
    url = f"{twilio.api_url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    async with httpx.AsyncClient(trust_env=False, auth=options.pop("auth", (ACCOUNT_SID, AUTH_TOKEN))) as client:
        return await client.post(url, **({"data": form} | options))


async def test_a_good_message_is_taken(twilio: FakeTwilio) -> None:
    answer = await _post(twilio, GOOD)
    assert (answer.status_code, answer.json()["status"], answer.json()["sid"]) == (201, "queued", twilio.sent[0].sid)
    assert twilio.complaints == []


BAD: list[tuple[str, dict[str, str], int]] = [
    ("To is no whatsapp address", {"To": "+94771234567"}, 21211),
    ("To is no E.164 number", {"To": "whatsapp:0771234567"}, 21211),
    ("From is not our number", {"From": "whatsapp:+94110000001"}, 63007),
    ("an unknown parameter", {"Colour": "red"}, 20001),
    ("an empty body", {"Body": " "}, 21602),
    ("a body that is too long", {"Body": "x" * 1601}, 21617),
    ("a body that is too long in UTF-16", {"Body": "😀" * 801}, 21617),
    ("a body and a ContentSid", {"ContentSid": "HX" + "0" * 32}, 21619),
    ("a relative callback", {"StatusCallback": "/webhooks/twilio/status?o=1"}, 21609),
    ("a callback without our id's form", {"StatusCallback": f"{PUBLIC_URL}/webhooks/twilio/status?x=1"}, 21609),
    ("no callback", {"StatusCallback": ""}, 21609),
    ("a validity of nothing", {"ValidityPeriod": "0"}, 21621),
    ("a validity of days", {"ValidityPeriod": "36001"}, 21621),
]


async def test_what_twilio_refuses_is_refused_with_its_code(twilio: FakeTwilio) -> None:
    for what, change, code in BAD:
        answer = await _post(twilio, GOOD | change)
        assert (answer.status_code, answer.json()["code"]) == (400, code), what
    assert twilio.sent == []
    assert len(twilio.complaints) == len(BAD)


async def test_contents_are_checked_too(twilio: FakeTwilio) -> None:
    sid = twilio.approve("News: {{1}}!")
    form = {name: value for name, value in GOOD.items() if name != "Body"}
    cases: list[tuple[dict[str, str], int]] = [
        ({"ContentSid": "HX1"}, 21655),
        ({"ContentSid": "HX" + "0" * 32}, 21655),
        ({"ContentSid": sid, "ContentVariables": "{"}, 21656),
        ({"ContentSid": sid, "ContentVariables": '{"1": 5}'}, 21656),
        ({"ContentSid": sid, "ContentVariables": json.dumps({"1": "a\nb"})}, 63028),
        ({"ContentSid": sid, "ContentVariables": json.dumps({"1": "x" * 1100})}, 63021),
    ]
    for change, code in cases:
        assert (await _post(twilio, form | change)).json()["code"] == code, change
    assert twilio.sent == []


async def test_who_does_not_know_the_password_or_sends_no_form_is_turned_away(twilio: FakeTwilio) -> None:
    assert (await _post(twilio, GOOD, auth=(ACCOUNT_SID, "wrong"))).json()["code"] == 20003
    assert (await _post(twilio, {}, json=GOOD, data=None)).status_code == 415


async def test_free_words_outside_the_window_fail_later(doors: Office, twilio: FakeTwilio) -> None:
    assert (await _post(twilio, GOOD)).status_code == 201
    await twilio.settle()
    assert (twilio.sent[0].status, twilio.sent[0].error_code) == ("undelivered", 63016)


@pytest.mark.parametrize(("count", "kind"), [(1, "twilio/quick-reply"), (4, "twilio/list-picker")])
async def test_a_pressed_button_comes_back_with_its_id(
    doors: Office, twilio: FakeTwilio, sender: TwilioSender, *, count: int, kind: str
) -> None:
    await twilio.incoming("hello", from_=AMAL)
    await read_inbox(doors)
    await reply(
        doors, "Which side?", choices=tuple(Choice(f"side:{n}", "delivery.choose") for n in range(1, count + 1))
    )
    await send_all(doors, sender)
    [message] = twilio.sent
    assert list(message.content or {}) == [kind]
    await twilio.press(message, "Choose")
    [heard] = await read_inbox(doors)
    assert (heard.kind, heard.payload, heard.text) == (MessageKind.BUTTON, f"side:{count}", "Choose")
    assert heard.extra["reply_to"] == message.sid


class _ToTheFake(TwilioHttpClient):
    """Twilio's library, with every twilio.com host replaced."""

    def __init__(self, api_url: str) -> None:
        super().__init__(timeout=5)
        self._api_url = api_url

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        return super().request(method, url.replace("https://api.twilio.com", self._api_url), *args, **options)


async def test_twilios_own_library_sends_and_lists_here(twilio: FakeTwilio) -> None:
    client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=_ToTheFake(twilio.api_url))
    callback = GOOD["StatusCallback"]

    def send() -> tuple[str, str]:
        made = client.messages.create(to=GOOD["To"], from_=NUMBER, body="by the library", status_callback=callback)
        [listed] = client.messages.list(to=GOOD["To"])
        assert listed.date_created is not None
        return made.sid, listed.body

    assert await asyncio.to_thread(send) == (twilio.sent[0].sid, "by the library")
    assert twilio.complaints == []


def test_its_signatures_are_those_of_twilios_own_library() -> None:
    twilio = FakeTwilio()
    form = {"Body": "", "From": "whatsapp:+94771234567", "ProfileName": "අමල්", "A": "1"}
    url = f"{PUBLIC_URL}/webhooks/twilio/status?o=17"
    assert RequestValidator(AUTH_TOKEN).validate(url, form, twilio.sign(url, form))
