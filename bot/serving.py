"""The model that serves: loaded from its folder if that is what was trained, changed over while messages come in.

Every node looks by itself, so that a promotion or a way back reaches all of them within seconds. What cannot be
trusted or read is never served: the shipped model is, and everybody is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from classifiers.errors import DataError
from classifiers.evaluate import report
from classifiers.lesson import folder_sha256
from classifiers.model import Model
from classifiers.model_files import artefact, lost_its_encoder
from classifiers.promotion import frozen_rows
from classifiers.registry import Classifier, load
from desk import model_versions
from desk.chargers import registers
from desk.office import Office
from models.access import ASSISTANT
from models.errors import Unavailable
from models.ports import Bus, Explains, MessageClassifier
from models.reading import Evidence, Reading, Registers
from models.teaching import ModelVersion

log = logging.getLogger(__name__)

POLL_S = 3.0
"""How often a node looks without being woken."""
RETRY_S = 30
"""A folder that could not be served is looked at again after so long: it may be on its way to this node."""
REGISTERS_FRESH_S = 60


def open_version(models: Path, version: ModelVersion, *, review_threshold: float | None = None) -> Classifier:
    """Load a version. DataError where its folder is missing or not what was trained, or an upgrade took its encoder."""
    folder = models / version.folder
    if not folder.is_dir():
        raise DataError(folder, "is not there")
    try:
        found = folder_sha256(folder)
    except OSError as error:
        raise DataError(folder, error.strerror or "cannot be read") from error
    if found != version.sha256:
        raise DataError(folder, "is not what was trained; it may have been tampered with")
    opened = load(folder, review_threshold=review_threshold)
    if lost_its_encoder(opened.model):
        raise DataError(
            folder, "learnt beside an encoder that this release does not have; train the team's version again"
        )
    return opened


@dataclass(frozen=True)
class _InService:
    """`wanted` identifies the version that should serve (None: the shipped one), `trouble` why another one does."""

    reader: MessageClassifier
    wanted: tuple[int, str | None] | None = None
    trouble: str = ""

    @cached_property
    def artefact(self) -> str:
        """The very model that reads; another brain's label."""
        reader = self.reader
        return artefact(reader.model) if isinstance(reader, Classifier) else _label(reader)


def _label(reader: MessageClassifier) -> str:
    return reader.model.label if isinstance(reader, Classifier) else getattr(reader, "label", type(reader).__name__)


class ServingModel:
    """Reads by whichever model serves now. The reference is swapped whole, so that no reading is of two models."""

    def __init__(self, shipped: MessageClassifier) -> None:
        self.shipped = shipped
        self.now = _InService(shipped)

    def read(self, text: str, registers: Registers) -> Reading:
        """Never raises, whatever the text."""
        return self.now.reader.read(text, registers)

    def explain(self, text: str, registers: Registers) -> Evidence | None:
        """Why, where the model that serves can say so."""
        reader = self.now.reader
        return reader.explain(text, registers) if isinstance(reader, Explains) else None

    @property
    def label(self) -> str:
        """`name@version` of what serves."""
        return _label(self.now.reader)


class ModelKeeper:
    """Keeps one node's model what the desk says it should be; what pages ask of it is asked here too."""

    def __init__(
        self, office: Office, bus: Bus, model: ServingModel, models: Path, *, review_threshold: float | None = None
    ) -> None:
        self._office = office
        self._bus = bus
        self._model = model
        self._models = models
        self._threshold = review_threshold
        self._retry_at: datetime | None = None
        self._registers: tuple[datetime, Registers] | None = None
        self._measured: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def run(self) -> None:
        """Look whenever a version was promoted or taken back, and every few seconds."""
        queue = self._bus.subscribe(model_versions.TOPIC)
        try:
            while True:
                while not queue.empty():
                    queue.get_nowait()
                await self.look()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(queue.get(), POLL_S)
        finally:
            self._bus.unsubscribe(queue)

    async def look(self) -> None:
        """Change over if another version shall serve. Never raises for a database that is away."""
        try:
            version = await self._office.read(ASSISTANT, model_versions.serving)
        except Unavailable:
            return
        wanted = (version.id, version.sha256) if version is not None else None
        now = self._model.now
        if wanted == now.wanted and not (now.trouble and self._due()):
            return
        self._model.now = await asyncio.to_thread(self._opened, version, wanted)

    def _opened(self, version: ModelVersion | None, wanted: tuple[int, str | None] | None) -> _InService:
        shipped = _InService(self._model.shipped, wanted)
        if version is None:
            log.info("the shipped model serves")
            return shipped
        try:
            reader = open_version(self._models, version, review_threshold=self._threshold)
        except DataError as error:
            self._retry_at = self._office.clock.now() + timedelta(seconds=RETRY_S)
            log.error("model %s cannot serve, the shipped one does: %s", version.label, error)
            return replace(shipped, trouble=version.label)
        log.info("model %s serves", version.label)
        return _InService(reader, wanted)

    def _due(self) -> bool:
        return self._retry_at is None or self._office.clock.now() >= self._retry_at

    # What pages ask ------------------------------------------------------------------------------------------------

    @property
    def label(self) -> str:
        """`name@version` of what serves on this node."""
        return self._model.label

    @property
    def artefact(self) -> str:
        """The very model that serves on this node, as verdicts name it."""
        return self._model.now.artefact

    @property
    def trouble(self) -> str:
        """The label of the version that should serve and cannot; empty where all is well."""
        return self._model.now.trouble

    async def explain(self, text: str) -> Evidence | None:
        """Why the model that serves reads a text as it does; None where it cannot say."""
        known = await self._known()
        return await asyncio.to_thread(self._model.explain, text, known)

    def figures(self) -> dict[str, Any]:
        """How it does on the frozen messages: as its card says, else measured once; empty until that is done."""
        reader = self._model.now.reader
        if not isinstance(reader, Classifier):
            return {}
        told = reader.model.card.get("figures") or {}
        if "confusion" in told:
            return dict(told)
        label = reader.model.label
        if label not in self._measured:
            measuring = asyncio.to_thread(_measure, reader.model)
            self._measured = {label: asyncio.ensure_future(measuring)}
        measured = self._measured[label]
        return measured.result() if measured.done() and measured.exception() is None else {}

    async def _known(self) -> Registers:
        now = self._office.clock.now()
        if self._registers is None or now - self._registers[0] > timedelta(seconds=REGISTERS_FRESH_S):
            self._registers = (now, await self._office.read(ASSISTANT, registers))
        return self._registers[1]


def _measure(model: Model) -> dict[str, Any]:
    return report(model, frozen_rows(), "frozen messages").as_json()
