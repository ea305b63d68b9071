"""Deletes copies of media whose time is over: the file, then the row says so; a crash in between repeats both."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from desk import retention
from desk.office import Office
from desk.retention import Keep, OldFile
from models.access import CLOCK
from models.errors import Unavailable
from models.ports import Clock

log = logging.getLogger(__name__)

EVERY_S = 3600.0


class Tidier:
    """Runs until cancelled."""

    def __init__(self, office: Office, clock: Clock, keep: Keep) -> None:
        self._office = office
        self._clock = clock
        self._keep = keep
        self._folder = Path(office.house.media_dir)

    async def run(self) -> None:
        """Once an hour."""
        while True:
            try:
                while await self.tidy():
                    pass
            except Unavailable:
                log.warning("old files wait: the database is away")
            await self._clock.sleep(EVERY_S)

    async def tidy(self) -> int:
        """Delete a chunk of what is due; tells how many."""
        due = await self._office.read(CLOCK, retention.files_due, self._keep)
        gone = await asyncio.to_thread(self._delete, due)
        if gone:
            await self._office.run(CLOCK, retention.files_gone, gone)
        return len(gone)

    def _delete(self, files: list[OldFile]) -> list[int]:
        gone = []
        for file in files:
            try:
                if file.path is not None:
                    (self._folder / file.path).unlink(missing_ok=True)
                gone.append(file.id)
            except OSError as error:
                log.warning("an old file cannot be deleted: %s", error)
        return gone
