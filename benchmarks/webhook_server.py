"""The WhatsApp door alone in a process of its own: over a database, or over nothing. Prints its port."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, cast

from starlette.applications import Starlette

from benchmarks.signed import ACCOUNT_SID, AUTH_TOKEN, NUMBER, PUBLIC_URL
from bot.channels.whatsapp.routes import routes
from bot.channels.whatsapp.settings import WhatsAppSettings
from bot.clock import SystemClock
from bot.web import WebServer
from desk.office import Office
from desk.work import House
from integrations.bus import LocalBus
from models.inbox import InboxRow


class NoDatabase:
    """An office that keeps nothing: the limit of the same endpoint."""

    clock = SystemClock()

    async def put(self, row: InboxRow) -> None:
        """Forget it."""


async def main(arguments: Sequence[str]) -> None:
    """`none` or a database address with a schema."""
    office: Any = NoDatabase()
    if arguments[0] != "none":
        office = Office(arguments[0], clock=SystemClock(), bus=LocalBus(), house=House())
    settings = WhatsAppSettings(ACCOUNT_SID, AUTH_TOKEN, NUMBER, PUBLIC_URL)
    server = WebServer(Starlette(routes=routes(cast(Office, office), settings)), host="127.0.0.1", port=0)
    print(server.port, flush=True)
    await server.run_until_stopped()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
