"""The outbox worker: claims what may go, paces each chat and account, hands to the channel, records what happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.crew import Crew
from desk import outbox
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.errors import Unavailable
from models.outbox import Accepted, Moved, NeedsTemplate, OutcomeUnknown, Parcel, Refused, RetryLater, SendResult
from models.ports import Bus, Clock, Sender

log = logging.getLogger(__name__)

SLOTS = 16
SEND_TIMEOUT_S = 40
CHANNEL_OFF_S = 300

_OUTCOMES = {
    Accepted: "accepted",
    RetryLater: "put_off",
    OutcomeUnknown: "unknown",
    NeedsTemplate: "needs_template",
    Refused: "refused",
    Moved: "moved",
}


Follow = Callable[[Work, Parcel, SendResult], None]


@dataclass(frozen=True)
class Pace:
    """How fast a channel may talk: messages a second and how many at once, per chat and per account; per group, with
    all its topics, where the provider counts groups otherwise.
    """

    chat_per_s: float
    chat_burst: float
    account_per_s: float
    account_burst: float
    group_per_s: float | None = None
    group_burst: float = 1

    def of_chat(self, parcel: Parcel) -> tuple[str, float, float]:
        """The name of a parcel's bucket, and how it fills. Telegram's groups have negative numbers."""
        if self.group_per_s is not None and parcel.address.startswith("-"):
            group = parcel.address.partition("/")[0]
            return f"group:{parcel.channel}:{parcel.account}:{group}", self.group_per_s, self.group_burst
        return f"chat:{parcel.lane}", self.chat_per_s, self.chat_burst


@dataclass
class _Bucket:
    level: float
    at: datetime


@dataclass
class Pacer:
    """Token buckets by name; they live in memory, because a provider's own limits are the truth."""

    buckets: dict[str, _Bucket] = field(default_factory=dict)

    def wait_s(self, name: str, per_s: float, burst: float, now: datetime) -> float:
        """Take a token; or, where there is none, how long until there is (and take nothing)."""
        bucket = self.buckets.setdefault(name, _Bucket(burst, now))
        bucket.level = min(burst, bucket.level + (now - bucket.at).total_seconds() * per_s)
        bucket.at = now
        if bucket.level >= 1:
            bucket.level -= 1
            return 0.0
        return (1 - bucket.level) / per_s

    def give_back(self, name: str) -> None:
        """A token that was not used after all."""
        if name in self.buckets:
            self.buckets[name].level += 1

    def forget_idle(self, now: datetime, after_s: float = 600) -> None:
        """Full buckets of chats that went quiet are no news."""
        for name in [n for n, b in self.buckets.items() if (now - b.at).total_seconds() > after_s]:
            del self.buckets[name]


class Dispatcher:
    """Runs until stopped. A channel that is off keeps its rows waiting, not dead. `counted` hears channel, outcome;
    `follow` has by channel what else a result means, done in the transaction that records it.
    """

    def __init__(
        self, office: Office, *, clock: Clock, bus: Bus, senders: dict[str, Sender], paces: dict[str, Pace],
        owner: str, counted: Callable[[str, str], None], follow: Mapping[str, Follow] | None = None,
    ) -> None:  # fmt: skip
        self._office = office
        self._clock = clock
        self._bus = bus
        self._senders = senders
        self._paces = paces
        self._owner = owner
        self._counted = counted
        self._follow = dict(follow or {})
        self._pacer = Pacer()

    async def run(self) -> None:
        """Claim and send until cancelled; sends in flight get a moment to end."""
        await Crew("outbox", self._bus, size=SLOTS, claim=self._claim, handle=self._dispatch).run()

    async def _claim(self, room: int) -> list[Parcel]:
        self._pacer.forget_idle(self._clock.now())
        return await self._office.run(ASSISTANT, outbox.claim, room, self._owner)

    async def _dispatch(self, parcel: Parcel) -> None:
        try:
            wait = self._pace(parcel)
            if wait > 0:
                await self._office.run(ASSISTANT, outbox.postpone, parcel.id, parcel.lease_seq, wait)
                return
            result = await self._send(parcel)
            self._counted(parcel.channel, _OUTCOMES[type(result)])
            await self._office.run(ASSISTANT, _record, parcel, result, self._follow.get(parcel.channel))
        except Unavailable:
            # The lease runs out and the row becomes one of unknown outcome, which is the truth.
            log.warning("the outcome of a send could not be stored", extra={"outbox_id": parcel.id})

    def _pace(self, parcel: Parcel) -> float:
        pace = self._paces.get(parcel.channel)
        if pace is None:
            return 0.0
        now = self._clock.now()
        chat, per_s, burst = pace.of_chat(parcel)
        wait = self._pacer.wait_s(chat, per_s, burst, now)
        if wait > 0:
            return wait
        account = f"account:{parcel.channel}:{parcel.account}"
        wait = self._pacer.wait_s(account, pace.account_per_s, pace.account_burst, now)
        if wait > 0:
            self._pacer.give_back(chat)
        return wait

    async def _send(self, parcel: Parcel) -> SendResult:
        sender = self._senders.get(parcel.channel)
        if sender is None:
            return RetryLater(CHANNEL_OFF_S, "channel_off", pause_account=True)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await sender.send(parcel)
        except TimeoutError:
            return OutcomeUnknown("timeout", parcel.text or "")
        except Exception:
            log.exception("a sender failed", extra={"outbox_id": parcel.id})
            return OutcomeUnknown("sender failed", parcel.text or "")


def _record(work: Work, parcel: Parcel, result: SendResult, follow: Follow | None) -> None:
    if follow is not None:
        follow(work, parcel, result)
    outbox.record(work, parcel.id, parcel.lease_seq, result)
