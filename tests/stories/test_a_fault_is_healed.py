"""A driver names a faulted charger: it is reset over OCPP, watched, and the driver hears that it works."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from models.access import Role
from tests.world import world


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_fault_named_on_whatsapp_is_healed(
    database_url: str, tmp_path: Path, version: Literal["1.6", "2.0.1"]
) -> None:
    async with world(database_url, tmp_path) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        await here.charger("100003", version=version, scenario="transient_fault")
        ana = here.driver("+94771234567")
        await ana.says("charger 100003 is not starting, red light")
        await ana.hears("100003", "InternalError")
        await ana.hears("100003", "ready again", passing_s=200)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_fault_named_in_the_web_chat_is_healed(
    database_url: str, tmp_path: Path, version: Literal["1.6", "2.0.1"]
) -> None:
    async with world(database_url, tmp_path) as here:
        charger = await here.charger("100003", version=version, scenario="transient_fault")
        visitor = await here.visitor()
        await visitor.says("charger 100003 is not starting, red light")
        await visitor.hears("100003", "connector 1", "InternalError")
        await visitor.hears("100003", "ready again", passing_s=200)
        assert (await here.seen("100003"))["state"] == "Available"
        assert "Reset" in [action for action, _ in charger.orders]
        assert charger.boots == 2
