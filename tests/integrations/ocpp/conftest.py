"""A central system on a free port over a desk in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from integrations.ocpp.settings import OcppSettings
from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.simulator.station import Habits
from integrations.ocpp.transport import CentralSystem
from tests.integrations.ocpp.memory_desk import PASSWORD, FastClock, MemoryDesk, eventually


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


@pytest.fixture
async def fast_clock() -> FastClock:
    return FastClock()


@pytest.fixture
def settings(tmp_path: Path) -> OcppSettings:
    return OcppSettings(port=0, journal=tmp_path / "journal.jsonl", desk_timeout_s=0.5, refresh_after_s=None)


@pytest.fixture
async def central(desk: MemoryDesk, fast_clock: FastClock, settings: OcppSettings) -> AsyncIterator[CentralSystem]:
    system = CentralSystem(desk, fast_clock, settings)
    await system.start()
    yield system
    await system.stop()
    assert system.stats()["unanswered"] == 0


@pytest.fixture
async def virtual(central: CentralSystem, fast_clock: FastClock) -> AsyncIterator[Callable[..., Any]]:
    """Makes virtual chargers that are connected and booted; they go away with the test."""
    chargers: list[VirtualCharger] = []
    tasks: list[asyncio.Task[None]] = []

    async def make(charger_id: str = "CP1", **more: Any) -> VirtualCharger:
        more.setdefault("habits", Habits(reboot_s=5, plug_in_s=1, sample_s=20))
        charger = VirtualCharger(
            charger_id, f"ws://127.0.0.1:{central.port}/ocpp", clock=fast_clock, password=PASSWORD, **more
        )
        chargers.append(charger)
        tasks.append(asyncio.create_task(charger.run()))
        if charger.scenario.connects:
            await eventually(lambda: charger.online)
        return charger

    yield make
    for charger in chargers:
        await charger.stop()
    for task in tasks:
        if not task.cancelled():
            assert task.exception() is None
