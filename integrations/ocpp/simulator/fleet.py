"""Many virtual chargers against any central system."""

from __future__ import annotations

import asyncio
from typing import Literal

from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.simulator.scenarios import SCENARIOS
from models.ports import Clock


async def simulate(
    url: str,
    *,
    clock: Clock,
    count: int = 1,
    version: Literal["1.6", "2.0.1"] = "1.6",
    scenario: str = "healthy",
    password: str | None = None,
    seed: int = 1,
    first_id: int = 900_001,
    connectors: int = 1,
) -> None:
    """Run `count` chargers named from `first_id` upwards until cancelled. Raises ValueError for an unknown scenario."""
    if scenario not in SCENARIOS:
        raise ValueError(f"unknown scenario {scenario}; one of {', '.join(SCENARIOS)}")
    if count < 1:
        raise ValueError("count must be at least 1")
    chargers = [
        VirtualCharger(
            str(first_id + place),
            url,
            clock=clock,
            version=version,
            password=password,
            scenario=scenario,
            connectors=connectors,
            seed=seed,
        )
        for place in range(count)
    ]
    await asyncio.gather(*(charger.run() for charger in chargers))
