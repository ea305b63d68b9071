"""A charger that says nothing any more: an incident after the grace, its end told to whoever asked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from desk import board
from models.access import Role
from tests.world import world


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_silence_is_noticed_after_the_grace_and_its_end_is_told(
    database_url: str, tmp_path: Path, version: Literal["1.6", "2.0.1"]
) -> None:
    async with world(database_url, tmp_path) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        charger = await here.charger("100001", version=version)
        charger.go_silent()
        await here.fast_forward(minutes=4)
        assert (await here.seen("100001"))["state"] == "Offline"
        assert await here.board() == []
        await here.fast_forward(minutes=1)
        await here.until(board.open_alerts)
        [line] = await here.board()
        assert (line["code"], line["charger_id"]) == ("charger.silent", "100001")
        ana = here.driver("+94771234567")
        await ana.says("charger 100001 is dead, screen is black")
        await ana.hears("not connected to us", "TKT-000001")
        charger.come_back()
        await ana.hears("charger 100001 is working again", passing_s=120)
        assert (await here.seen("100001"))["state"] == "Available"
