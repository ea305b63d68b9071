"""One tick of a job: claimed so that of several nodes one runs it; an error is written down, never fatal."""

from __future__ import annotations

import logging

from desk import ticks
from desk.office import Office
from jobs.job import Job
from models.access import CLOCK
from models.errors import Unavailable

log = logging.getLogger(__name__)

ROUNDS = 1_000
"""Full chunks that one tick does in a row at most."""


async def run_job(office: Office, job: Job) -> None:
    """Run a job if this tick is ours. Never raises for what the job or the database does."""
    try:
        await _run(office, job)
    except Unavailable as error:
        log.warning("job %s: the database is away: %s", job.name, error)
    except Exception as error:
        log.exception("job %s failed", job.name)
        await _write_down(office, job, error)


async def _run(office: Office, job: Job) -> None:
    count = await office.run(CLOCK, ticks.run, job.name, job.every_s, job.verb)
    for _ in range(ROUNDS):
        if count is None or job.chunk is None or count < job.chunk:
            return
        count = await office.run(CLOCK, job.verb)


async def _write_down(office: Office, job: Job, error: Exception) -> None:
    try:
        await office.run(CLOCK, ticks.failed, job.name, f"{type(error).__name__}: {error}")
    except Unavailable as away:
        log.warning("job %s: its error could not be written down: %s", job.name, away)
