"""What the console's pages stand on."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from desk.office import Office
from models.ports import Bus, Chargers, Clock
from models.reading import Evidence


@dataclass(frozen=True)
class ChannelHealth:
    """Whether a channel is on, why it is not, and what is wrong with one that is."""

    name: str
    on: bool
    why: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class HouseHealth:
    """What only the process knows of itself: its channels, and how many messages it read in how many ms each."""

    channels: tuple[ChannelHealth, ...] = ()
    readings: int = 0
    reading_ms: float = 0.0


class ModelInService(Protocol):
    """The model that reads messages in this process, as pages ask about it."""

    @property
    def label(self) -> str:
        """`name@version`."""
        ...

    @property
    def artefact(self) -> str:
        """This very model, as verdicts name it."""
        ...

    @property
    def trouble(self) -> str:
        """The label of a version that should serve here and cannot; empty where all is well."""
        ...

    async def explain(self, text: str) -> Evidence | None:
        """Why it reads a text as it does; None where it cannot say."""
        ...

    def figures(self) -> dict[str, Any]:
        """How it does on the frozen messages; empty where that is not measured yet."""
        ...


class NoModel:
    """A console beside which no model is loaded."""

    label = ""
    artefact = ""
    trouble = ""

    async def explain(self, text: str) -> Evidence | None:
        """It cannot say."""
        return None

    def figures(self) -> dict[str, Any]:
        """There are none."""
        return {}


@dataclass(frozen=True)
class ConsoleHouse:
    """The desk, the way to chargers, the model, and what the process knows of itself. `stopping` ends the streams."""

    office: Office
    chargers: Chargers
    health: Callable[[], HouseHealth] = HouseHealth
    model: ModelInService = field(default_factory=NoModel)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bus(self) -> Bus:
        """Wake-ups."""
        return self.office.bus

    @property
    def clock(self) -> Clock:
        """Time."""
        return self.office.clock

    @property
    def timezone(self) -> str:
        """The installation's, for whoever has none of their own."""
        return self.office.house.timezone

    @property
    def currency(self) -> str:
        """The one currency."""
        return self.office.house.currency

    @property
    def public_url(self) -> str:
        """Where the world reaches us, without a trailing slash."""
        return self.office.house.public_url

    @property
    def https(self) -> bool:
        """Whether browsers reach us by TLS, so that cookies may be bound to it."""
        return self.public_url.startswith("https://")

    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    def key(self, purpose: str) -> bytes:
        """A key for one purpose, from the installation's secret."""
        return hmac.digest(self.office.house.secret, f"console:{purpose}".encode(), hashlib.sha256)
