"""Sends of unknown outcome: ask the provider, send once more with a mark, or show them to staff. Never silent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from desk import outbox
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable
from models.outbox import Parcel
from models.ports import Clock, Reconciler

log = logging.getLogger(__name__)

EVERY_S = 5.0
ASK_AGAIN_S = 30.0


Preview = Callable[[Parcel], str]


class OutcomeFinder:
    """Runs until stopped. A channel without a reconciler is one that can safely be sent to again.

    `previews` tell what a row would have said: a process that died while sending left no text behind.
    """

    def __init__(
        self, office: Office, *, clock: Clock, reconcilers: dict[str, Reconciler], previews: dict[str, Preview]
    ) -> None:
        self._office = office
        self._clock = clock
        self._reconcilers = reconcilers
        self._previews = previews

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        while True:
            try:
                for parcel in await self._office.read(ASSISTANT, outbox.unknown_due):
                    await self._settle(parcel)
            except Unavailable:
                log.warning("unknown outcomes cannot be looked at now")
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("reconciling failed")
            await self._clock.sleep(EVERY_S)

    async def _settle(self, parcel: Parcel) -> None:
        reconciler = self._reconcilers.get(parcel.channel)
        if reconciler is None:
            await self._office.run(ASSISTANT, outbox.not_found, parcel.id)
            return
        rendered = await self._office.read(ASSISTANT, outbox.rendered_text, parcel.id)
        try:
            text = rendered or self._previews[parcel.channel](parcel)
            provider_id = await reconciler.find(parcel.address, text, parcel.created_at)
        except ConnectionError as error:
            log.warning("the provider cannot be asked now: %s", error)
            await self._office.run(ASSISTANT, outbox.ask_later, parcel.id, ASK_AGAIN_S)
            return
        if provider_id is None:
            await self._office.run(ASSISTANT, outbox.not_found, parcel.id)
        else:
            await self._office.run(ASSISTANT, outbox.found, parcel.id, provider_id, text)
