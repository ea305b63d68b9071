"""Reports that the desk could not take: an append-only file, synced before the charger is answered."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from models.ports import BootReport, MeterReport, StartReport, StatusReport, StopReport


@dataclass(frozen=True)
class Socket:
    """A socket came or went. `token` names it, `epoch` is what the desk gave it, where it did."""

    token: str
    version: str = ""
    epoch: int | None = None


@dataclass(frozen=True)
class Variables:
    """Configuration read from a charger: key → (value, readonly)."""

    values: dict[str, tuple[str | None, bool]]


Report = BootReport | StatusReport | StartReport | MeterReport | StopReport | Socket | Variables

_SHAPES: dict[str, TypeAdapter[Any]] = {
    "connected": TypeAdapter(Socket),
    "disconnected": TypeAdapter(Socket),
    "booted": TypeAdapter(BootReport),
    "status": TypeAdapter(StatusReport),
    "started": TypeAdapter(StartReport),
    "metered": TypeAdapter(MeterReport),
    "stopped": TypeAdapter(StopReport),
    "variables": TypeAdapter(Variables),
}


@dataclass(frozen=True)
class Entry:
    """A report on its way to the desk. `kind` is the desk's verb."""

    kind: str
    charger_id: str
    at: datetime
    report: Report

    def line(self) -> bytes:
        """As a line of the file."""
        return orjson.dumps(self) + b"\n"


def parse(line: bytes) -> Entry | int | None:
    """An entry, the number of entries done so far, or None for a torn line."""
    try:
        data = orjson.loads(line)
        if "done" in data:
            return int(data["done"])
        report = _SHAPES[data["kind"]].validate_python(data["report"])
        return Entry(data["kind"], data["charger_id"], datetime.fromisoformat(data["at"]), report)
    except (ValueError, KeyError, TypeError):
        return None


@dataclass
class Journal:
    """The file and what of it still waits, in order. One process uses it at a time."""

    path: Path
    torn_lines: int = 0
    _waiting: deque[Entry] = field(default_factory=deque)
    _held: Counter[str] = field(default_factory=Counter)
    _done: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __len__(self) -> int:
        return len(self._waiting)

    def holds(self, charger_id: str) -> bool:
        """Whether a report of this charger waits here, so that later ones must queue behind it."""
        return self._held[charger_id] > 0

    @property
    def head(self) -> Entry | None:
        """The report that is next."""
        return self._waiting[0] if self._waiting else None

    def load(self) -> None:
        """Take up what an earlier run left behind; torn lines are counted and passed over."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            return
        entries: list[Entry] = []
        done = 0
        for line in self.path.read_bytes().splitlines():
            found = parse(line)
            if isinstance(found, Entry):
                entries.append(found)
            elif isinstance(found, int):
                done = found
            else:
                self.torn_lines += 1
        self._waiting = deque(entries[done:])
        self._held = Counter(entry.charger_id for entry in self._waiting)
        self._done = done
        if not self._waiting:
            self._truncate()

    def left_open(self) -> list[Entry]:
        """The ends of sockets that an earlier run kept the beginning of, and died before their end."""
        begun: dict[str, Entry] = {}
        for entry in self._waiting:
            if isinstance(entry.report, Socket):
                if entry.kind == "connected":
                    begun[entry.report.token] = entry
                else:
                    begun.pop(entry.report.token, None)
        return [Entry("disconnected", entry.charger_id, entry.at, entry.report) for entry in begun.values()]

    async def append(self, entries: list[Entry]) -> None:
        """Keep reports; returns once they are on disk. Order of calls is order in the file."""
        self._waiting.extend(entries)
        self._held.update(entry.charger_id for entry in entries)
        async with self._lock:
            await asyncio.to_thread(self._write, b"".join(entry.line() for entry in entries))

    async def drop_head(self) -> None:
        """The head is done; once nothing waits the file is emptied."""
        entry = self._waiting.popleft()
        self._held[entry.charger_id] -= 1
        if not self._held[entry.charger_id]:
            del self._held[entry.charger_id]
        self._done += 1
        async with self._lock:
            if self._waiting:
                await asyncio.to_thread(self._write, orjson.dumps({"done": self._done}) + b"\n")
            else:
                await asyncio.to_thread(self._truncate)

    async def bury_head(self) -> None:
        """Set aside a head that the desk will never take, in a file beside this one, for a person to look at."""
        entry = self._waiting[0]
        await asyncio.to_thread(self._write, entry.line(), self.path.with_suffix(".dead.jsonl"))
        await self.drop_head()

    def _write(self, data: bytes, path: Path | None = None) -> None:
        with (path or self.path).open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _truncate(self) -> None:
        self._done = 0
        with self.path.open("wb") as file:
            os.fsync(file.fileno())
