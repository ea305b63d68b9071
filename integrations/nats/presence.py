"""Presence: whoever holds a charger's socket answers on that charger's subject; silence there means nobody does."""

from __future__ import annotations

import asyncio
import contextlib

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import NoRespondersError

from integrations.nats import subjects
from integrations.nats.link import TROUBLE, NatsLink
from models.ports import Bus, ChargerWire

TOPIC = "live.charger."
"""What the desk announces when a charger came or went, and each time that it reported something."""
ASK_S = 0.5


class NatsPresence:
    """Fits models.ports.Presence. `run` is for the process that holds sockets; anybody may ask."""

    def __init__(self, link: NatsLink, bus: Bus, wire: ChargerWire) -> None:
        self._link = link
        self._bus = bus
        self._wire = wire
        self._client: Client | None = None
        self._held: dict[str, Subscription | None] = {}
        self._turn = asyncio.Lock()
        link.greet(self._renew)

    # Asking ----------------------------------------------------------------------------------------------------

    async def connected(self, charger_id: str) -> bool | None:
        """Whether any process holds the charger's socket; None where nobody can say, within half a second."""
        if self._wire.connected(charger_id):
            return True
        client, subject = self._link.client, subjects.charger(charger_id)
        if client is None or subject is None:
            return None
        try:
            await client.request(subject, timeout=ASK_S)
        except NoRespondersError:
            return False
        except TROUBLE:
            return None
        return True

    # Answering -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Answer for the chargers whose sockets are here, until cancelled."""
        queue = self._bus.subscribe(TOPIC)
        try:
            while True:
                await self._match((await queue.get()).removeprefix(TOPIC))
        finally:
            self._bus.unsubscribe(queue)
            for charger_id in list(self._held):
                await self._leave(charger_id)

    async def _match(self, charger_id: str) -> None:
        """Answer for a charger while its socket is here."""
        async with self._turn:
            if not self._wire.connected(charger_id):
                await self._leave(charger_id)
            elif self._held.setdefault(charger_id, None) is None and self._client is not None:
                await self._join(self._client, charger_id)

    async def _renew(self, client: Client) -> None:
        """A new connection knows of nobody."""
        async with self._turn:
            self._client = client
            for charger_id in list(self._held):
                self._held[charger_id] = None
                await self._join(client, charger_id)

    async def _join(self, client: Client, charger_id: str) -> None:
        async def answer(question: Msg) -> None:
            if not self._wire.connected(charger_id):
                self._bus.hear(TOPIC + charger_id)  # the socket went unnoticed
                return
            with contextlib.suppress(*TROUBLE):
                await question.respond(b"")

        subject = subjects.charger(charger_id)
        if subject is not None:
            with contextlib.suppress(*TROUBLE):  # the next connection renews it
                self._held[charger_id] = await client.subscribe(subject, cb=answer, pending_msgs_limit=100)

    async def _leave(self, charger_id: str) -> None:
        subscription = self._held.pop(charger_id, None)
        if subscription is not None:
            with contextlib.suppress(*TROUBLE):
                await subscription.unsubscribe()
