"""The metronome: APScheduler, which only beats. What is due is the database's business."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC

from apscheduler.events import EVENT_SCHEDULER_SHUTDOWN
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from jobs.job import Job

STOP_S = 3.0
"""How long `stop` waits for what is under way."""


class Metronome:
    """Calls `run` for each job at its interval, and once at the start. A job that is still at it misses a beat."""

    def __init__(self, jobs: Sequence[Job], run: Callable[[Job], Awaitable[None]]) -> None:
        self._jobs = tuple(jobs)
        self._run = run
        self._under_way: set[asyncio.Task[object]] = set()
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Begin; within a running event loop."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a missed beat is no news: the next one does it
        for job in self._jobs:
            self._scheduler.add_job(self._beat, args=[job], id=f"{job.name}:first")
            self._scheduler.add_job(self._beat, "interval", seconds=job.every_s, args=[job], id=job.name)
        self._scheduler.start()

    async def stop(self) -> None:
        """Beat no more, and let what is under way end. Harmless when it never started."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=STOP_S)
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # it logs what it cancels as failures
        ended = asyncio.Event()
        self._scheduler.add_listener(lambda _event: ended.set(), EVENT_SCHEDULER_SHUTDOWN)
        self._scheduler.shutdown(wait=False)
        await ended.wait()

    async def _beat(self, job: Job) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            await self._run(job)
        finally:
            self._under_way.discard(task)
