"""A metronome on a clock that jumps: a plain loop for each job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from jobs.job import Job
from models.ports import Clock


class VirtualMetronome:
    """Fits where Metronome does. Beats no oftener than every `step_s`, so that a day passes in few steps."""

    def __init__(
        self, jobs: Sequence[Job], run: Callable[[Job], Awaitable[None]], clock: Clock, *, step_s: float = 60.0
    ) -> None:
        self._jobs = tuple(jobs)
        self._run = run
        self._clock = clock
        self._step_s = step_s
        self._tasks: list[asyncio.Task[None]] = []
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def start(self) -> None:
        """Begin; within a running event loop."""
        self._tasks = [asyncio.create_task(self._beat(job), name=f"beat {job.name}") for job in self._jobs]

    async def stop(self) -> None:
        """Beat no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def quiet(self) -> None:
        """Until no job is under way, so that a test's clock does not run ahead of the database."""
        await self._quiet.wait()

    async def _beat(self, job: Job) -> None:
        while True:
            await self._clock.sleep(max(job.every_s, self._step_s))
            self._busy += 1
            self._quiet.clear()
            try:
                await self._run(job)
            finally:
                self._busy -= 1
                if not self._busy:
                    self._quiet.set()
