"""While an answer takes its time the person sees that somebody types; whatever goes wrong with it is let go."""

from __future__ import annotations

from dataclasses import replace

from bot.channels.whatsapp.outbound import TwilioSender
from bot.channels.whatsapp.settings import WhatsAppSettings
from models.message import Heard
from tests.channels.whatsapp.post_office import AMAL
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeTwilio


def _heard(sid: str) -> Heard:
    return Heard(
        channel="whatsapp", account="whatsapp:+94110000000", address=f"whatsapp:{AMAL}", external_id=sid,
        identity_kind="phone", identity=AMAL, text="hello",
    )  # fmt: skip


async def test_twilio_is_told_for_the_message_that_waits(twilio: FakeTwilio, sender: TwilioSender) -> None:
    message = twilio.written("hello", from_=AMAL)
    await sender.typing.show(_heard(message.sid))
    assert twilio.typed == [message.sid]


async def test_trouble_with_it_is_nobodys_trouble(
    twilio: FakeTwilio, sender: TwilioSender, settings: WhatsAppSettings, clock: JumpingClock
) -> None:
    await sender.typing.show(_heard("SM0"))
    assert twilio.typed == []
    away = TwilioSender(replace(settings, api_url="http://127.0.0.1:1"), clock)
    await away.typing.show(_heard("SM0"))
    await away.close()
