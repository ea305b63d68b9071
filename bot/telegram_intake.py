"""How updates come in from Telegram, for either bot and without its library: by polling, or by a webhook.

An update is in the inbox before Telegram hears that we have it: the next poll's offset, or the webhook's 200.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Protocol

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot import doorstep
from bot.pulse import Pulse
from desk import board, polls
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.base import HIGHEST_KEY
from models.conversation import conversation_key
from models.errors import Unavailable
from models.inbox import InboxRow
from models.ports import Clock

log = logging.getLogger(__name__)

Update = dict[str, Any]

POLL_S = 20
HANG_S = POLL_S + 15
"""Real seconds after which a poll without an answer is given up."""
LEASE_S = 45
"""Longer than a poll can take; after a crash another process waits so long."""
LOOK_AGAIN_S = 5
STALE_S = 90
"""So long without a good poll, and the client is made anew."""
WEEK_OFF_S = 6 * 24 * 3600
"""After a week of silence Telegram counts from another number; an old offset would then hide what is new."""
KEEPER_S = 300
BACKOFF_S = 60
BODY_MAX = 1024 * 1024


class Why(StrEnum):
    """Why no updates could be fetched."""

    AWAY = "away"
    BUSY = "busy"
    CONFLICT = "conflict"
    REVOKED = "revoked"


class FetchError(Exception):
    """A poll failed. `after_s`: how long Telegram asks us to wait."""

    def __init__(self, why: Why, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.why = why
        self.after_s = after_s


class BotClient(Protocol):
    """What the intake needs of a bot; each library's client comes in this shape. All of it raises FetchError."""

    account: str
    """The bot's id, as text."""

    async def prepare(self, webhook: tuple[str, str] | None) -> None:
        """Tell Telegram how updates come: by a webhook (address, secret), or by polling; set the command menus."""
        ...

    async def fetch(self, offset: int | None, timeout_s: int) -> list[Update]:
        """A long poll; an offset confirms what is before it."""
        ...

    async def rebuild(self) -> None:
        """Let go of every connection and begin anew."""
        ...


Seen = Callable[[Update], Awaitable[None]]
"""Hears of each update that was stored; best effort, beside everything else."""


async def _unseen(_update: Update) -> None:
    """Nobody wants to know."""


def row_of(channel: str, account: str, update: Update) -> InboxRow:
    """The durable row of an update; a repeat makes the same row. ValueError where it has no usable number."""
    number = update.get("update_id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= HIGHEST_KEY:
        raise ValueError("update_id is missing or malformed")
    lane = conversation_key(channel, account, _chat_of(update))
    return InboxRow(channel, account, str(number), lane, update)


def _chat_of(update: Update) -> str:
    """The chat in which it happened, else who did it: in this lane updates keep their order."""
    for what in update.values():
        if not isinstance(what, dict):
            continue
        message = what.get("message") if isinstance(what.get("message"), dict) else None
        chat = (message or what).get("chat")
        who = chat if isinstance(chat, dict) else what.get("from")
        if isinstance(who, dict) and isinstance(who.get("id"), int):
            return str(who["id"])
    return ""


Row = Callable[[str, str, Update], InboxRow]
"""(channel, account, update) → its row; ValueError for what is none."""


class Intake:
    """Takes in what comes to one bot. `webhook` is (address, secret), or None for polling."""

    def __init__(
        self, office: Office, clock: Clock, channel: str, client: BotClient, pulse: Pulse, *, owner: str,
        webhook: tuple[str, str] | None = None, seen: Seen = _unseen, row: Row = row_of,
    ) -> None:  # fmt: skip
        self._office = office
        self._clock = clock
        self._channel = channel
        self._client = client
        self._pulse = pulse
        self._owner = owner
        self._webhook = webhook
        self._seen = seen
        self._row = row
        self._failures = 0
        self._prepared = False
        self._holding: asyncio.Future[bool] | None = None
        self._background: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled: keep the webhook set, or poll."""
        try:
            if self._webhook is not None:
                await self._keep_webhook()
            else:
                await self._poll_forever()
        finally:
            for task in list(self._background):
                task.cancel()
            await asyncio.gather(*self._background, return_exceptions=True)

    async def keep(self, updates: list[Update]) -> int | None:
        """Store updates in their order; gives the highest number. Raises Unavailable when one was not stored."""
        rows = []
        for update in updates:
            try:
                rows.append(self._row(self._channel, self._client.account, update))
            except ValueError as error:
                log.warning("an update of %s was passed over: %s", self._channel, error)
        rows.sort(key=lambda row: int(row.external_id))
        await asyncio.gather(*(self._office.put(row) for row in rows))
        for row in rows:
            self._tell(row.raw)
        return int(rows[-1].external_id) if rows else None

    def _tell(self, update: Update) -> None:
        task = asyncio.ensure_future(self._seen_quietly(update))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _seen_quietly(self, update: Update) -> None:
        try:
            await self._seen(update)
        except Exception as error:  # noqa: BLE001 - a courtesy that fails is no reason for anything
            log.debug("a courtesy failed: %s", type(error).__name__)

    # Webhook ---------------------------------------------------------------------------------------------------------

    async def _keep_webhook(self) -> None:
        while True:
            try:
                async with asyncio.timeout(HANG_S):
                    await self._client.prepare(self._webhook)
            except (TimeoutError, FetchError) as error:
                await self._failed(error)
                continue
            self._went_well()
            await self._clock.sleep(KEEPER_S)

    # Polling ---------------------------------------------------------------------------------------------------------

    async def _poll_forever(self) -> None:
        """One node polls for a bot at a time: two would throw each other out."""
        name = f"{self._channel}:{self._client.account}"
        offset: int | None = None
        last_at = self._clock.now()
        try:
            while True:
                if not await self._mine(name):
                    offset = None
                    await self._clock.sleep(LOOK_AGAIN_S)
                    continue
                if (self._clock.now() - last_at).total_seconds() > WEEK_OFF_S:
                    offset = None
                highest = await self._poll(offset)
                if highest is not None:
                    offset, last_at = highest + 1, self._clock.now()
        finally:
            await self._let_go(name)

    async def _mine(self, name: str) -> bool:
        self._holding = asyncio.ensure_future(self._office.run(ASSISTANT, polls.hold, name, self._owner, LEASE_S))
        try:
            return await asyncio.shield(self._holding)
        except Unavailable:
            return False

    async def _let_go(self, name: str) -> None:
        if self._holding is not None:  # one that is under way would take the lease again behind our back
            await asyncio.gather(self._holding, return_exceptions=True)
        try:
            await self._office.run(ASSISTANT, polls.let_go, name, self._owner)
        except Unavailable:
            log.warning("the poll of %s is free again in %s s", name, LEASE_S)

    async def _poll(self, offset: int | None) -> int | None:
        """One long poll and what it brought; the highest number stored, None where there was nothing."""
        try:
            async with asyncio.timeout(HANG_S):
                if not self._prepared:
                    await self._client.prepare(None)
                    self._prepared = True
                updates = await self._client.fetch(offset, POLL_S)
        except (TimeoutError, FetchError) as error:
            await self._failed(error)
            return None
        try:
            highest = await self.keep(updates)
        except Unavailable:
            log.warning("%s: updates wait at Telegram, the database is away", self._channel)
            await self._clock.sleep(1)
            return None
        self._went_well()
        return highest

    # How it goes -----------------------------------------------------------------------------------------------------

    def _went_well(self) -> None:
        self._failures = 0
        self._pulse.good(self._clock.now())

    async def _failed(self, error: TimeoutError | FetchError) -> None:
        """Say it, and wait: longer each time, or as long as Telegram asks."""
        self._failures += 1
        why = error.why if isinstance(error, FetchError) else Why.AWAY
        reason = str(error) or "no answer"
        now = self._clock.now()
        if why is not Why.BUSY:
            self._pulse.bad(now, f"{why}: {reason}")
        log.warning("%s: no updates (%s): %s", self._channel, why, reason)
        if why is Why.CONFLICT:
            self._prepared = False  # a webhook that somebody set is taken away again
        if why in (Why.CONFLICT, Why.REVOKED):
            await self._to_the_board(why)
        if isinstance(error, TimeoutError) or self._pulse.silent_s(now) > STALE_S:
            await self._client.rebuild()
        asked = error.after_s if isinstance(error, FetchError) else 0.0
        await self._clock.sleep(max(asked, min(2.0 ** min(self._failures, 8), BACKOFF_S)))

    async def _to_the_board(self, why: Why) -> None:
        try:
            await self._office.run(ASSISTANT, _line, self._channel, self._client.account, why)
        except Unavailable:
            log.warning("%s: %s, and the board cannot be written now", self._channel, why)


def _line(work: Work, channel: str, account: str, why: Why) -> None:
    """Once a day."""
    board.raise_alert(
        work, kind="channel", key=f"channel:{channel}:{account}:{why}:{work.now.date()}",
        code=f"telegram.board_{why}", facts={"channel": channel, "bot": account}, urgent=why is Why.REVOKED,
    )  # fmt: skip


# The webhook's door ----------------------------------------------------------------------------------------------


def webhook_path(channel: str) -> str:
    """Where Telegram calls for a bot."""
    return f"/webhooks/telegram/{'team' if channel == 'team' else 'customer'}"


def webhook_secret(key: str, chosen: str | None, account: str) -> str:
    """What Telegram shows us in a header with each call: the one that was set, else one of each bot's own."""
    return chosen or hmac.new(key.encode(), f"telegram webhook {account}".encode(), "sha256").hexdigest()


def route(
    office: Office, channel: str, intake: Intake, secret: str,
    counted: Callable[[str, str], None] = lambda _door, _outcome: None,
) -> Route:  # fmt: skip
    """POST /webhooks/telegram/{customer,team}: 200 once it is on disk, 503 when it could not be stored."""
    return Route(webhook_path(channel), _Door(office, channel, intake, secret, counted), methods=["POST"])


class _Door:
    """One address, as a plain ASGI application."""

    def __init__(
        self, office: Office, channel: str, intake: Intake, secret: str, counted: Callable[[str, str], None]
    ) -> None:
        self._channel = channel
        self._intake = intake
        self._secret = secret.encode()
        self._ward = doorstep.Ward(office, channel)
        self._counted = counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, store, answer."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        body = await doorstep.read_body(receive, headers, BODY_MAX)
        if body is None:
            return
        status, code, reason = await self._take(headers, body)
        self._counted(self._channel, code)
        if status == 200:
            await doorstep.answer(send, 200, b"", b"text/plain")
            return
        if status == 403:
            await self._ward.keep(scope, code, body)
        await doorstep.refuse(send, status, code, reason)

    async def _take(self, headers: dict[bytes, bytes], body: bytes) -> tuple[int, str, str]:
        given = headers.get(b"x-telegram-bot-api-secret-token", b"")
        if not hmac.compare_digest(given, self._secret):
            return 403, "wrong_secret", "the secret token is missing or wrong"
        if len(body) > BODY_MAX:
            return 413, "too_large", f"the body is larger than {BODY_MAX} bytes"
        try:
            update = json.loads(body)
            row_of(self._channel, "", update)
        except (ValueError, AttributeError, RecursionError):
            return 400, "bad_update", "the body is not an update"
        try:
            await self._intake.keep([update])
        except Unavailable as away:
            log.warning("nothing was stored for a call at %s: %s", self._channel, away)
            return 503, "unavailable", "nothing was stored, please repeat"
        return 200, "taken", ""
