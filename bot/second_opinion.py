"""Asks another brain about messages that want a human, beside the answer and never in its way.

By the time a message is looked at here it is kept, answered, and in the queue for a human. Whatever happens to the
endpoint (it is slow, broken, lies, is away) costs no more than the suggestion.
"""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.crew import Crew
from bot.settings import Settings
from classifiers.brains.agreement import Agreement, speaks_of_danger
from classifiers.brains.agreement import read as read_agreement
from classifiers.brains.endpoint import Endpoint, EndpointSettings, NoOpinion
from desk import messages, second_opinions
from desk.chargers import registers
from desk.office import Office
from desk.redaction import redact
from desk.second_opinions import Question
from models.access import ASSISTANT
from models.errors import Unavailable
from models.ports import Bus, Clock
from models.second_opinion import Opinion

log = logging.getLogger(__name__)

HANDS = 2
AGAIN_S = 30.0
TRIPS_AT = 5
PAUSE_S, LONGEST_PAUSE_S = 60.0, 900.0


@dataclass
class Breaker:
    """Leaves an endpoint alone that failed several times in a row, longer each time."""

    failures: int = 0
    until: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        """Whether nobody may be asked now."""
        return self.until is not None and now < self.until

    def good(self) -> None:
        """It answered."""
        self.failures, self.until = 0, None

    def bad(self, now: datetime, pause_s: float) -> None:
        """It did not; `pause_s` is what it asks for itself."""
        self.failures += 1
        rounds = self.failures - TRIPS_AT
        if rounds >= 0:
            pause_s = max(pause_s, min(PAUSE_S * 2 ** min(rounds, 10), LONGEST_PAUSE_S))
        if pause_s:
            self.until = now + timedelta(seconds=pause_s)
            log.warning("the second opinion is left alone for a while", extra={"pause_s": pause_s})


class SecondOpinions:
    """Runs until cancelled. Of several processes each message is asked about by one."""

    def __init__(
        self, office: Office, clock: Clock, bus: Bus, endpoint: Endpoint, *, agreement: Agreement | None = None,
        review_threshold: float | None = None,
    ) -> None:  # fmt: skip
        self._office = office
        self._clock = clock
        self._bus = bus
        self._endpoint = endpoint
        self._agreement = agreement
        self._review_threshold = review_threshold
        self._breaker = Breaker()

    @classmethod
    def chosen(cls, settings: Settings, office: Office, clock: Clock, bus: Bus) -> SecondOpinions | None:
        """As the settings want it; None where it is off. Raises DataError for a damaged agreement."""
        given = endpoint_settings(settings)
        if given is None:
            return None
        return cls(
            office, clock, bus, Endpoint(given), agreement=read_agreement(settings.agreement_file),
            review_threshold=settings.review_threshold,
        )  # fmt: skip

    async def run(self) -> None:
        """Claim and ask until cancelled; what is in hand then is asked again when its lease is over."""
        await Crew(messages.REVIEW, self._bus, size=HANDS, claim=self._claim, handle=self._handle).run()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._endpoint.close()

    async def _claim(self, room: int) -> list[Question]:
        if self._breaker.open_at(self._clock.now()):
            return []
        return await self._office.run(ASSISTANT, second_opinions.claim, room, self._endpoint.settings.model)

    async def _handle(self, question: Question) -> None:
        began = time.perf_counter()
        with contextlib.suppress(Unavailable):
            try:
                known = await self._office.read(ASSISTANT, registers)
                opinion = await self._endpoint.ask(redact(question.text), known, question.names)
            except NoOpinion as trouble:
                await self._without(question, trouble)
            except Unavailable:
                raise
            except Exception:
                log.exception("asking for a second opinion failed", extra={"message_id": question.message_id})
                await self._office.run(
                    ASSISTANT, second_opinions.failed, question.message_id, "unforeseen", again_in_s=None
                )  # fmt: skip
            else:
                self._breaker.good()
                await self._office.run(
                    ASSISTANT, second_opinions.given, question.message_id, opinion,
                    latency_ms=round(1000 * (time.perf_counter() - began)), sure=self._sure(question, opinion),
                )  # fmt: skip

    async def _without(self, question: Question, trouble: NoOpinion) -> None:
        log.warning("no second opinion", extra={"message_id": question.message_id, "cause": trouble.cause})
        if trouble.pause_s:  # it was not looked at: the try does not count
            self._breaker.bad(self._clock.now(), trouble.pause_s)
            await self._office.run(ASSISTANT, second_opinions.put_back, question.message_id, trouble.pause_s)
            return
        if trouble.cause != "no_words":
            self._breaker.bad(self._clock.now(), 0.0)
        await self._office.run(
            ASSISTANT, second_opinions.failed, question.message_id, trouble.cause,
            again_in_s=None if trouble.final else AGAIN_S * question.tries,
        )  # fmt: skip

    def _sure(self, question: Question, opinion: Opinion) -> float | None:
        """How sure both are together of our own best guess, where that is enough without a human."""
        fitted, asked = self._agreement, self._endpoint.settings
        if fitted is None or not fitted.fits(asked.url, asked.model, question.model):
            return None
        if opinion.category is not question.category or speaks_of_danger(question.text):
            return None
        return fitted.sure(question.scores, opinion.category, self._review_threshold)


def endpoint_settings(settings: Settings) -> EndpointSettings | None:
    """Which endpoint is asked and how; None where it is off."""
    if settings.second_opinion_url is None or settings.second_opinion_model is None:
        return None
    return EndpointSettings(
        settings.second_opinion_url, settings.second_opinion_model, settings.second_opinion_key or "",
        settings.second_opinion_timeout_s,
    )  # fmt: skip
