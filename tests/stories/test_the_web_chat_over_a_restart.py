"""A visitor's talk goes on where it was, though the process ended and another one began."""

from __future__ import annotations

from pathlib import Path

from integrations.ocpp.simulator.scenarios import BOTH_RESETS, Ailment, Scenario
from tests.world import world

CURABLE = Scenario("a fault that a reset clears for good", ailment=Ailment("InternalError", BOTH_RESETS))


async def test_a_remedy_is_told_after_a_restart(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        charger = await here.charger("100003", scenario=CURABLE)
        visitor = await here.visitor()
        await visitor.says("charger 100003 is not starting, red light")
        await visitor.hears("100003", "InternalError")
        await visitor.browser.close()
        await here.restart()
        await visitor.browser.open()
        assert visitor.unheard == []
        line = await visitor.hears("100003", passing_s=600)
        resets = [action for action, _ in charger.orders].count("Reset")
        assert resets <= 1
        seen = await here.seen("100003")
        assert seen["connectors"][0]["state"] != "Unavailable"
        if "TKT-000001" not in line["text"]:  # what was told is true
            assert (seen["state"], resets) == ("Available", 1)
