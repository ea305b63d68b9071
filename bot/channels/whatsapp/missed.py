"""Messages that came while nobody listened: Twilio does not call for them again, so we look at its list."""

from __future__ import annotations

import logging
from datetime import timedelta

from bot.channels.whatsapp.inbound import CHANNEL
from bot.channels.whatsapp.reconcile import TwilioReconciler
from desk import traffic
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable
from models.ports import Clock

log = logging.getLogger(__name__)

EVERY_S = 300.0
WEBHOOK_TIME = timedelta(minutes=2)
"""How long a webhook may still be under way; it knows more than the list, so it goes first."""
OVERLAP = timedelta(minutes=10)
FURTHEST = timedelta(hours=24)


class MissedMessages:
    """A worker: looks at the start and then every few minutes, from a little before the last message that came."""

    def __init__(self, office: Office, reconciler: TwilioReconciler, clock: Clock) -> None:
        self._office = office
        self._reconciler = reconciler
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except (ConnectionError, Unavailable) as error:
                log.warning("missed messages cannot be looked for now: %s", error)
            except Exception:
                log.exception("looking for missed messages failed")
            await self._clock.sleep(EVERY_S)

    async def look(self) -> int:
        """Put into the inbox what is in Twilio's list and not there; tells how many. Nothing before the first webhook.

        Raises ConnectionError or Unavailable.
        """
        last = await self._office.read(ASSISTANT, traffic.last_received_at, CHANNEL)
        if last is None:
            return 0
        now = self._clock.now()
        since = max(last - OVERLAP, now - FURTHEST)
        rows = await self._reconciler.inbound_since(since, until=now - WEBHOOK_TIME)
        here = await self._office.read(ASSISTANT, traffic.received, CHANNEL, [row.external_id for row in rows])
        missed = [row for row in rows if row.external_id not in here]
        for row in missed:
            await self._office.put(row)
        if missed:
            log.warning("%d messages had come while nobody listened", len(missed))
        return len(missed)
