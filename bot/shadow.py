"""A version in the shadow reads what was read in service, after the answer is on its way and never before it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from bot.receive import READ_LIMIT
from bot.serving import open_version
from classifiers.errors import DataError
from classifiers.registry import Classifier
from desk import model_versions, shadow
from desk.chargers import registers
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable
from models.ports import Bus
from models.reading import Reading, Registers
from models.teaching import ModelVersion

log = logging.getLogger(__name__)

POLL_S = 3.0


class ShadowReader:
    """Runs until cancelled. Several may run: a message that two of them read is written down once."""

    def __init__(self, office: Office, bus: Bus, models: Path, *, review_threshold: float | None = None) -> None:
        self._office = office
        self._bus = bus
        self._models = models
        self._threshold = review_threshold
        self._reader: tuple[int, Classifier | None] | None = None

    async def run(self) -> None:
        """Look every few seconds, and at once when a version goes into the shadow."""
        queue = self._bus.subscribe(model_versions.TOPIC)
        try:
            while True:
                while not queue.empty():
                    queue.get_nowait()
                with contextlib.suppress(Unavailable):
                    while await self.tick():
                        pass
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(queue.get(), POLL_S)
        finally:
            self._bus.unsubscribe(queue)

    async def tick(self) -> bool:
        """Read a portion; tells whether there may be more."""
        version = await self._office.read(ASSISTANT, model_versions.in_shadow)
        reader = await self._opened(version) if version is not None else None
        if version is None or reader is None:
            return False
        waiting = await self._office.read(ASSISTANT, shadow.unread, version.id)
        if not waiting:
            return False
        known = await self._office.read(ASSISTANT, registers)
        readings = await asyncio.to_thread(_read, reader, waiting, known)
        await self._office.run(ASSISTANT, shadow.keep, version.id, readings)
        return len(waiting) == shadow.CHUNK

    async def _opened(self, version: ModelVersion) -> Classifier | None:
        if self._reader is None or self._reader[0] != version.id:
            reader = await asyncio.to_thread(self._load, version)
            self._reader = None if reader is None else (version.id, reader)
        return None if self._reader is None else self._reader[1]

    def _load(self, version: ModelVersion) -> Classifier | None:
        try:
            return open_version(self._models, version, review_threshold=self._threshold)
        except DataError as error:
            log.error("model %s cannot read along: %s", version.label, error)
            return None


def _read(reader: Classifier, waiting: list[tuple[int, str]], known: Registers) -> list[tuple[int, Reading]]:
    return [(key, reader.read(text[:READ_LIMIT], known)) for key, text in waiting]
