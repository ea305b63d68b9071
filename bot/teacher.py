"""Trains what the team asked for, in a process of its own: a lesson takes a core for a minute, and may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.lesson_process import LessonProcess
from bot.serving import open_version
from classifiers.dataset import OWN_DATA
from classifiers.errors import DataError
from classifiers.lesson import Learnt, Lesson, sweep
from classifiers.model_files import SHIPPED
from classifiers.team_rows import choose
from desk import model_versions, teaching
from desk.model_versions import Taught
from desk.office import Office
from models.access import ASSISTANT, OPERATOR
from models.errors import Unavailable
from models.ports import Bus
from models.teaching import Labelled, ModelVersion

log = logging.getLogger(__name__)

POLL_S = 5.0
RENEW_S = 20.0


def lesson_for(
    models: Path, version: ModelVersion, labelled: list[Labelled], serving: ModelVersion | None, now: datetime
) -> Lesson:
    """What a version is taught, and against whom it is judged: what serves, as far as that can be trusted."""
    chosen = choose(labelled, now)
    folder = SHIPPED
    if serving is not None:
        with contextlib.suppress(DataError):
            open_version(models, serving)
            folder = models / serving.folder
    return Lesson(chosen.taught, chosen.newest, folder, models / version.folder)


def taught(learnt: Learnt) -> Taught:
    """As the desk keeps it."""
    return Taught(
        learnt.sha256, learnt.data_sha256, learnt.rows, learnt.verdict.passed, learnt.verdict.as_json(), learnt.figures
    )  # fmt: skip


class Teacher:
    """Runs until cancelled. Several may run, on one node or more: each training has one of them.

    `own` is the file with the project's rows, which every version learns beside the team's.
    """

    def __init__(self, office: Office, bus: Bus, models: Path, owner: str, own: Path = OWN_DATA) -> None:
        self._office = office
        self._bus = bus
        self._models = models
        self._owner = owner
        self._own = own

    async def run(self) -> None:
        """Teach whenever somebody asked for it."""
        if not await self._office.read(ASSISTANT, model_versions.is_training):
            await asyncio.to_thread(sweep, self._models)
        queue = self._bus.subscribe(model_versions.TOPIC)
        try:
            while True:
                while not queue.empty():
                    queue.get_nowait()
                with contextlib.suppress(Unavailable):
                    await self.tick()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(queue.get(), POLL_S)
        finally:
            self._bus.unsubscribe(queue)

    async def tick(self) -> None:
        """Claim a training and carry it out, if one waits."""
        if not await self._office.read(ASSISTANT, model_versions.training_waits):
            return
        version = await self._office.run(ASSISTANT, model_versions.claim_training, self._owner)
        if version is None:
            return
        try:
            outcome = await self._teach(version)
        except asyncio.CancelledError:
            raise  # the lease ends by itself, and the next one to look writes it down
        except Exception as error:
            log.exception("model %s: training failed", version.label)
            outcome = f"{type(error).__name__}: {error}"
        if isinstance(outcome, Learnt):
            await self._office.run(ASSISTANT, model_versions.trained, version.id, self._owner, taught(outcome))
        elif outcome is not None:
            await self._office.run(ASSISTANT, model_versions.gave_up, version.id, self._owner, outcome)

    async def _teach(self, version: ModelVersion) -> Learnt | str | None:
        """What was learnt, or why nothing was; None where the lease was lost."""
        labelled = await self._office.read(OPERATOR, teaching.labelled)
        serving = await self._office.read(ASSISTANT, model_versions.serving)
        now = self._office.clock.now()
        lesson = await asyncio.to_thread(lesson_for, self._models, version, labelled, serving, now)
        return await self._apart(version, replace(lesson, own=self._own))

    async def _apart(self, version: ModelVersion, lesson: Lesson) -> Learnt | str | None:
        under_way = LessonProcess(lesson)
        try:
            while not await asyncio.to_thread(under_way.ended, RENEW_S):
                if not await self._office.run(ASSISTANT, model_versions.still_training, version.id, self._owner):
                    return None
            return await asyncio.to_thread(under_way.outcome)
        finally:
            await asyncio.shield(asyncio.to_thread(under_way.end))
