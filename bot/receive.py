"""The inbox worker: claims the head of each conversation, has it read, and lets the assistant or staff door act.

A message's effects and the end of its inbox row are one transaction, so a crash at any moment repeats all or nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.assistant.decide import Context, answer
from bot.crew import Crew
from bot.staff import StaffDoor
from bot.team_chat.door import TeamDoor
from desk import board, contacts, conversations, inbox, members, outbox
from desk.chargers import registers
from desk.inbox import Claimed
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.conversation import Conversation
from models.errors import Unavailable
from models.member import Member
from models.message import Heard, Presence
from models.ports import Bus, Clock, MessageClassifier
from models.reading import Reading, Registers
from models.reply import Reply

log = logging.getLogger(__name__)

LANES = 16
REGISTERS_FRESH_S = 15
READ_LIMIT = 4_000
"""Characters of a message that the classifier sees."""

TYPING_AFTER_S = 1.5
"""An answer that is there by then needs no sign that somebody types."""
Typing = Callable[[Heard], Awaitable[None]]
Parse = Callable[[dict[str, Any]], Heard | Presence | None]


class Receiver:
    """Runs until stopped. `parsers` turn a channel's stored payload into what it says; `team` has a channel alone."""

    def __init__(
        self, office: Office, *, clock: Clock, bus: Bus, classifier: MessageClassifier, parsers: dict[str, Parse],
        context: Callable[[], Context], staff: StaffDoor, owner: str, team: TeamDoor | None = None,
        typing: Mapping[str, Typing] | None = None,
    ) -> None:  # fmt: skip
        self._office = office
        self._clock = clock
        self._bus = bus
        self._classifier = classifier
        self._parsers = parsers
        self._context = context
        self._staff = staff
        self._team = team
        self._typing = typing if typing is not None else {}
        self._owner = owner
        self._registers = Registers()
        self._registers_at: datetime | None = None

    async def run(self) -> None:
        """Claim and handle until cancelled; what is in hand then is finished or given back by its lease."""
        await Crew("inbox", self._bus, size=LANES, claim=self._claim, handle=self._handle).run()

    async def _claim(self, room: int) -> list[Claimed]:
        return await self._office.run(ASSISTANT, inbox.claim, room, self._owner)

    async def _handle(self, item: Claimed) -> None:
        try:
            await self._process(item)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            incident = secrets.token_hex(4)
            log.exception("message failed", extra={"inbox_id": item.id, "incident": incident})
            with contextlib.suppress(Unavailable):
                await self._office.run(ASSISTANT, _give_up_or_retry, item, f"{incident}: {error!r}")

    async def _process(self, item: Claimed) -> None:
        heard = self._parsers[item.channel](item.raw)
        if not isinstance(heard, Heard):
            await self._office.run(ASSISTANT, _no_message, item.id, heard)
            return
        async with self._typing_sign(heard):
            await self._act(item, heard)

    async def _act(self, item: Claimed, heard: Heard) -> None:
        if self._team is not None and heard.channel == outbox.TEAM:
            await self._team.handle(item, heard)
            return
        member = await self._office.read(ASSISTANT, _staff_member, heard)
        if member is not None:
            await self._staff.handle(item, heard, member)
            return
        if await self._staff.links(item, heard):
            return
        message_id, text = await self._office.run(ASSISTANT, _take_in, item.id, heard)
        reading = await self._read(text) if text else None
        await self._office.run(ASSISTANT, _settle, item.id, message_id, reading, self._context())

    @contextlib.asynccontextmanager
    async def _typing_sign(self, heard: Heard) -> AsyncIterator[None]:
        """Where the answer takes its time, the person sees that somebody is at it."""
        show = self._typing.get(heard.channel)
        if show is None:
            yield
            return
        sign = asyncio.ensure_future(_after(TYPING_AFTER_S, show, heard))
        try:
            yield
        finally:
            sign.cancel()

    async def _read(self, text: str) -> Reading:
        known = await self._known()
        return await asyncio.to_thread(self._classifier.read, text[:READ_LIMIT], known)

    async def _known(self) -> Registers:
        now = self._clock.now()
        if self._registers_at is None or now - self._registers_at > timedelta(seconds=REGISTERS_FRESH_S):
            self._registers = await self._office.read(ASSISTANT, registers)
            self._registers_at = now
        return self._registers


async def _after(seconds: float, show: Typing, heard: Heard) -> None:
    await asyncio.sleep(seconds)
    await show(heard)


def _staff_member(work: Work, heard: Heard) -> Member | None:
    if heard.channel != "whatsapp":
        return None
    return members.by_whatsapp(work, heard.identity)


def _no_message(work: Work, inbox_id: int, news: Presence | None) -> None:
    """Nothing was said to us; perhaps somebody went away, or came back."""
    if news is not None:
        contacts.noticed(work, news)
    inbox.done(work, inbox_id)


def _take_in(work: Work, inbox_id: int, heard: Heard) -> tuple[int, str | None]:
    message = conversations.hear(work, inbox_id, heard)
    return message.id, message.text


def _settle(work: Work, inbox_id: int, message_id: int, reading: Reading | None, context: Context) -> None:
    answer(work, message_id, reading, context)
    inbox.done(work, inbox_id)


def _give_up_or_retry(work: Work, item: Claimed, error: str) -> None:
    """After the last try the person hears once that a human will look, and the board has a line."""
    if not inbox.failed(work, item.id, error):
        return
    message = conversations.by_inbox(work, item.id)
    if message is not None:
        conversations.unreadable(work, message.id)
        conversation = work.session.get_one(Conversation, message.conversation_id)
        outbox.say(work, conversation, Reply("assistant.could_not_process"), key=f"inbox:{item.id}:dead")
    board.raise_alert(
        work, kind="dead_letter", key=f"inbox:{item.id}:dead", code="board.not_processed",
        facts={"inbox_id": item.id, "channel": item.channel}, message_id=message.id if message else None, urgent=True,
    )  # fmt: skip
