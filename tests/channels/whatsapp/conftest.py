"""A Twilio on a real socket, our doors before it, and a sender that writes to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.channels.whatsapp.outbound import TwilioSender
from bot.channels.whatsapp.settings import WhatsAppSettings
from desk.office import Office
from tests.channels.whatsapp.post_office import PUBLIC_URL, app_transport
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeTwilio


@pytest.fixture
async def twilio(clock: JumpingClock) -> AsyncIterator[FakeTwilio]:
    """Twilio, with the test's clock."""
    async with FakeTwilio(now=clock.now) as fake:
        yield fake


@pytest.fixture
def settings(twilio: FakeTwilio) -> WhatsAppSettings:
    """What we know of it."""
    return twilio.settings(PUBLIC_URL)


@pytest.fixture
def doors(office: Office, twilio: FakeTwilio, settings: WhatsAppSettings) -> Office:
    """The office, with Twilio's webhooks leading to it."""
    twilio.connect(PUBLIC_URL, deliver_to="http://app", transport=app_transport(office, settings))
    return office


@pytest.fixture
async def sender(settings: WhatsAppSettings, clock: JumpingClock) -> AsyncIterator[TwilioSender]:
    """Our outgoing half, impatient."""
    sender = TwilioSender(settings, clock, timeout_s=0.5)
    yield sender
    await sender.close()
