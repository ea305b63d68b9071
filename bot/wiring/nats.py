"""What a NATS_URL adds: a bus that reaches the other processes, and word of who holds a charger's socket."""

from __future__ import annotations

from integrations.nats.bus import NatsBus
from integrations.nats.link import NatsLink
from integrations.nats.presence import NatsPresence
from models.ports import ChargerWire


class Neighbours:
    """The other processes of this installation over one connection, named `name` in the server's own reports."""

    def __init__(self, url: str, name: str) -> None:
        self._link = NatsLink(url, name=f"chargehand {name}")
        self.bus = NatsBus(self._link)

    def presence(self, wire: ChargerWire) -> NatsPresence:
        """Whoever holds sockets must also have its `run` at work."""
        return NatsPresence(self._link, self.bus, wire)
