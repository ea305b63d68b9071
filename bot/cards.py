"""The clerk of the team's cards: what changed becomes at most one waiting message a card, within what a chat bears."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from desk import card_posts, cards
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable
from models.ports import Bus

log = logging.getLogger(__name__)

POLL_S = 2.0
"""How often it looks without being woken."""


class CardClerk:
    """Runs until cancelled. Several may run, on one node or more: each chat has one of them at a time."""

    def __init__(self, office: Office, bus: Bus) -> None:
        self._office = office
        self._bus = bus

    async def run(self) -> None:
        """Look whenever a card may have changed, a message went out, or time made room."""
        queue = self._bus.subscribe(cards.TOPIC)
        try:
            while True:
                while not queue.empty():
                    queue.get_nowait()
                wait_s = await self.tick()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(queue.get(), min(POLL_S, wait_s or POLL_S))
        finally:
            self._bus.unsubscribe(queue)

    async def tick(self) -> float | None:
        """One round; tells in how many seconds of the clock there will be room for what had to wait."""
        if not self._office.house.team_bot:
            return None
        try:
            while await self._office.run(ASSISTANT, card_posts.take_in) == card_posts.CHUNK:
                pass
            return await self._office.run(ASSISTANT, card_posts.post)
        except Unavailable:
            log.warning("cards cannot be made now: the database is away")
            return None
