"""What the workers of bot/ do, one step at a time: read the inbox, send the outbox."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import func, select
from starlette.applications import Starlette

from bot.channels.whatsapp.inbound import parse
from bot.channels.whatsapp.outbound import TwilioSender
from bot.channels.whatsapp.routes import routes
from bot.channels.whatsapp.settings import WhatsAppSettings
from desk import conversations, inbox, outbox
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.conversation import Conversation
from models.inbox import InboxItem, Quarantine
from models.message import Heard
from models.outbox import OutboxItem, SendResult
from models.reply import Intent, Reply

PUBLIC_URL = "https://bot.example.org"
AMAL = "+94771234567"


def app_transport(office: Office, settings: WhatsAppSettings) -> httpx.ASGITransport:
    """Our doors, reached without a socket."""
    return httpx.ASGITransport(Starlette(routes=routes(office, settings)), client=("203.0.113.9", 1234))


async def read_inbox(office: Office) -> list[Heard]:
    """Handle everything that waits, as the inbox worker does."""
    heard: list[Heard] = []
    while claimed := await office.run(ASSISTANT, inbox.claim, 10, "w"):
        for item in claimed:
            parsed = parse(item.raw)
            heard.append(parsed)
            await office.run(ASSISTANT, _hear, item.id, parsed)
    return heard


def _hear(work: Work, inbox_id: int, heard: Heard) -> None:
    conversations.hear(work, inbox_id, heard)
    inbox.done(work, inbox_id)


async def reply(
    office: Office, text: str | None = "hello", *, key: str = "k1", intent: str = Intent.REPLY, **parts: Any
) -> int:
    """Say something in the only conversation; gives the outbox row's key."""

    def say(work: Work) -> int:
        conversation = work.session.scalars(select(Conversation)).one()
        given = Reply(parts.pop("code", "none"), text=text, **parts)
        item = outbox.say(work, conversation, given, key=key, intent=intent)
        assert item is not None
        return item.id

    return await office.run(ASSISTANT, say)


async def send_all(office: Office, sender: TwilioSender) -> list[SendResult]:
    """Claim, send and record until nothing may go now."""
    results: list[SendResult] = []
    while parcels := await office.run(ASSISTANT, outbox.claim, 10, "w"):
        for parcel in parcels:
            result = await sender.send(parcel)
            results.append(result)
            await office.run(ASSISTANT, outbox.record, parcel.id, parcel.lease_seq, result)
    return results


async def row(office: Office, item_id: int) -> OutboxItem:
    """An outbox row as it stands."""
    return await office.read(ASSISTANT, lambda work: work.session.get_one(OutboxItem, item_id))


async def inbox_count(office: Office) -> int:
    """How many rows the inbox has."""
    return await office.read(ASSISTANT, lambda work: work.session.scalar(select(func.count(InboxItem.id))) or 0)


async def quarantined(office: Office) -> list[Quarantine]:
    """What is in quarantine."""
    return await office.read(ASSISTANT, lambda work: list(work.session.scalars(select(Quarantine))))
