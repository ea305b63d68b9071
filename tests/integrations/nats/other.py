"""Another process of the installation: it repeats what it hears as `heard.…`, and holds the sockets it is told to."""

from __future__ import annotations

import asyncio
import sys

from integrations.nats.bus import NatsBus
from integrations.nats.link import NatsLink
from integrations.nats.presence import TOPIC, NatsPresence
from tests.integrations.nats.wire import Wire


async def main(url: str, held: list[str]) -> None:
    """Run until killed."""
    link = NatsLink(url, name="other")
    bus = NatsBus(link)
    presence = NatsPresence(link, bus, Wire(set(held)))
    queue = bus.subscribe("ask.")
    await bus.start()
    answering = asyncio.create_task(presence.run())
    while link.client is None:
        await asyncio.sleep(0.01)
    for charger_id in held:
        bus.hear(TOPIC + charger_id)
    await asyncio.sleep(0.1)
    await link.client.flush()
    print("ready", flush=True)
    while not answering.done():
        bus.announce("heard." + (await queue.get()).removeprefix("ask."))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
