"""The life of a busy connector: cars come, charge and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.ocpp.simulator.outlet import Outlet

if TYPE_CHECKING:
    from integrations.ocpp.simulator.charger import VirtualCharger

PAUSE_S = (60.0, 1_200.0)
READER_S = (3.0, 20.0)
CHARGE_S = (600.0, 3_600.0)
FULL_S = (0.0, 600.0)
LEAVE_S = (10.0, 120.0)


async def come_and_go(charger: VirtualCharger, outlet: Outlet) -> None:
    """For ever: a pause, a car, a session, a full battery, an empty place."""
    clock, rng, number = charger.clock, charger.rng, outlet.number
    await clock.sleep(rng.uniform(1, PAUSE_S[0]))
    while True:
        if outlet.free and charger.online:
            charger.plug_in(number)
            await clock.sleep(rng.uniform(*READER_S))
            if await charger.start_session(rng.choice(charger.tags), number):
                await clock.sleep(rng.uniform(*CHARGE_S))
                charger.suspend(number)
                await clock.sleep(rng.uniform(*FULL_S))
                charger.stop_session(number)
            await clock.sleep(rng.uniform(*LEAVE_S))
            charger.unplug(number)
        await clock.sleep(rng.uniform(*PAUSE_S))
