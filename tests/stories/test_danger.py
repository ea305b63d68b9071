"""Danger is always first: told in the person's language, the charger off, the team paged, whatever else holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from models.access import Role
from tests.world import World, world

WHO = "+94771234567"


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_danger_told_in_romanised_sinhala(
    database_url: str, tmp_path: Path, version: Literal["1.6", "2.0.1"]
) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number="+94770000001")
        await here.charger("100002", version=version, connectors=2)
        ana = here.driver(WHO)
        await ana.says("100002 eken dum enawa, gini gannawa wage")
        await ana.hears("ඈත්", "TKT-000001")
        await tara.hears("SAFETY TKT-000001", "100002", "dum enawa", "taken out of service")
        await ana.hears("100002", passing_s=120)
        seen = await here.seen("100002")
        assert [connector["state"] for connector in seen["connectors"]] == ["Unavailable", "Unavailable"]
        assert seen["out_of_service_since_at"] is not None
        await _is_critical(here)


async def _is_critical(here: World) -> None:
    async with await here.api("Tara") as api:
        ticket = (await api.get("/tickets/TKT-000001")).json()
    assert (ticket["priority"], ticket["charger_id"]) == ("critical", "100002")
    assert {clock["kind"]: clock["target_s"] for clock in ticket["clocks"]} == {
        "first_response": 3600, "resolution": 8 * 3600,
    }  # fmt: skip


async def test_danger_stops_a_remedy_under_way(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number="+94770000001")
        charger = await here.charger("100003", scenario="hard_fault")
        ana, ben = here.driver(WHO), here.driver("+94712223334")
        await ana.says("charger 100003 is not starting, red light")
        await ana.hears("100003", "InternalError")
        await ben.says("there are sparks at charger 100003")
        await ben.hears("step away", "TKT-000001")
        await tara.hears("SAFETY TKT-000001", "100003", "sparks")
        await ana.hears("stopped working on charger 100003", passing_s=120)
        await ben.hears("100003", passing_s=120)
        assert "Reset" not in [action for action, _ in charger.orders]
