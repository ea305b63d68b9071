"""Fetches files that came with messages: only from the provider, within limits, into the media folder."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import httpx

from bot.media_download import Downloader, Fetched, FetchError, FileSource, MediaSource
from desk import media
from desk.media import MediaJob
from desk.office import Office
from desk.work import House
from models.access import ASSISTANT
from models.errors import Unavailable
from models.ports import Bus, Clock

__all__ = ["MediaFetcher", "MediaSource"]

log = logging.getLogger(__name__)

AT_ONCE = 4
POLL_S = 5.0


class MediaFetcher:
    """A worker: claims due files, fetches them, keeps them. `sources` by channel."""

    def __init__(
        self, office: Office, clock: Clock, bus: Bus, house: House, sources: Mapping[str, MediaSource | FileSource]
    ) -> None:
        self._office = office
        self._clock = clock
        self._bus = bus
        self._folder = Path(house.media_dir)
        self._sources = dict(sources)
        self._stopping = False
        self._downloader = Downloader()

    async def run(self) -> None:
        """Work until `stop`."""
        hints = self._bus.subscribe("media")
        try:
            while not self._stopping:
                if await self._round():
                    continue
                await self._wait(hints)
        finally:
            self._bus.unsubscribe(hints)
            await self._downloader.close()

    async def stop(self) -> None:
        """End after the files in hand."""
        self._stopping = True
        self._bus.announce("media")

    async def _round(self) -> int:
        try:
            return await self.work_once()
        except Unavailable as away:
            log.warning("files wait: %s", away)
            return 0

    @staticmethod
    async def _wait(hints: asyncio.Queue[str]) -> None:
        try:
            await asyncio.wait_for(hints.get(), POLL_S)
        except TimeoutError:
            return

    async def work_once(self) -> int:
        """Fetch what is due now; tells how many tries were made."""
        jobs = await self._office.run(ASSISTANT, media.claim, tuple(self._sources), AT_ONCE)
        await asyncio.gather(*(self.fetch_and_keep(job) for job in jobs))
        return len(jobs)

    async def fetch_and_keep(self, job: MediaJob) -> None:
        """One try for one claimed file; how it ended is recorded."""
        try:
            file = await self._fetch(self._sources[job.channel], job.url)
            path = await asyncio.to_thread(keep, self._folder, file)
        except FetchError as error:
            await self._office.run(ASSISTANT, media.failed, job.id, str(error), for_good=error.for_good)
            return
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            await self._office.run(ASSISTANT, media.failed, job.id, f"{type(error).__name__}: {error}")
            return
        wanted = await self._office.run(
            ASSISTANT, media.stored, job.id, path=path, size=len(file.content),
            sha256=hashlib.sha256(file.content).hexdigest(), content_type=file.content_type,
        )  # fmt: skip
        if not wanted:
            (self._folder / path).unlink(missing_ok=True)

    async def _fetch(self, source: MediaSource | FileSource, url: str) -> Fetched:
        if isinstance(source, MediaSource):
            return await self._downloader.fetch(source, url)
        return await source.fetch(url)


def keep(folder: Path, file: Fetched) -> str:
    """Write under a random name, whole or not at all; gives the path relative to the folder."""
    name = secrets.token_hex(16)
    path = Path(name[:2]) / f"{name}{file.extension}"
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    with partial.open("wb") as out:
        out.write(file.content)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(target)
    return path.as_posix()
