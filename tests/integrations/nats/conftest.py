"""A real nats-server, nodes that talk over it; left out with one line where the program is not on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from integrations.nats.bus import NatsBus
from integrations.nats.link import NatsLink
from integrations.nats.presence import NatsPresence
from tests.integrations.nats.server import NatsServer, Other, eventually
from tests.integrations.nats.wire import Wire

MISSING = (
    "nats-server is not on this machine: `apt-get install nats-server` brings it; REQUIRE=nats makes this a failure"
)


def _find() -> str | None:
    return shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/bin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a server, or refuse to go on, where there is none."""
    wanted = [item for item in items if "nats_program" in getattr(item, "fixturenames", ())]
    if not wanted or _find() is not None:
        return
    if "nats" in os.environ.get("REQUIRE", "").split(","):
        raise pytest.UsageError(MISSING)
    for item in wanted:
        item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest.fixture(scope="session")
def nats_program() -> str:
    """The path of nats-server; tests that want it are skipped where there is none."""
    found = _find()
    assert found is not None
    return found


@pytest.fixture
def server(nats_program: str) -> Iterator[NatsServer]:
    """A server that is up."""
    server = NatsServer(nats_program)
    server.start()
    yield server
    server.kill()


@dataclass
class Node:
    """A process's share of NATS, as the application puts it together."""

    link: NatsLink
    bus: NatsBus
    wire: Wire
    presence: NatsPresence


def make_node(url: str) -> Node:
    """Not started."""
    link = NatsLink(url, name="node")
    bus, wire = NatsBus(link), Wire()
    return Node(link, bus, wire, NatsPresence(link, bus, wire))


Join = Callable[..., Awaitable[Node]]


@pytest.fixture
async def join() -> AsyncIterator[Join]:
    """Start a node; by default wait until it is connected."""
    nodes: list[Node] = []

    async def start(url: str, *, wait: bool = True) -> Node:
        node = make_node(url)
        nodes.append(node)
        await node.bus.start()
        if wait:
            await eventually(lambda: node.link.client)
        return node

    yield start
    for node in nodes:
        await node.bus.stop()


@pytest.fixture
def other(server: NatsServer) -> Iterator[Other]:
    """Another process, not started."""
    other = Other(server.url)
    yield other
    other.kill()
