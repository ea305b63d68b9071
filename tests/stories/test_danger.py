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


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_only_a_member_puts_the_charger_back_and_then_it_is_told(
    database_url: str, tmp_path: Path, version: Literal["1.6", "2.0.1"]
) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number="+94770000001")
        await here.charger("100002", version=version, connectors=2)
        ana = here.driver(WHO)
        await ana.says("smoke is coming out of charger 100002")
        await ana.hears("step away", "TKT-000001")
        await tara.hears("SAFETY TKT-000001")
        await ana.hears("100002 is switched off", passing_s=60)
        await here.fast_forward(minutes=6)
        await tara.hears("Nobody has answered yet (1 of 6): SAFETY TKT-000001")
        await tara.says("/take TKT-000001")
        await tara.hears("TKT-000001 is yours")
        await ana.hears("TKT-000001", "Tara")
        await here.fast_forward(minutes=10)
        ben = here.driver("+94712223334")
        await ben.says("charger 100002 is not working")
        await ben.hears("out of service for safety", "100002")

        await tara.says("/restore 100002")
        question = await tara.hears("back into service?", "Unavailable")
        await tara.says(question.body[-8:])
        await tara.hears("100002 is being put back")
        for person in (ana, ben):
            await person.hears("charger 100002 is working again", passing_s=30)
        seen = await here.seen("100002")
        assert [connector["state"] for connector in seen["connectors"]] == ["Available", "Available"]
        assert seen["out_of_service_since_at"] is None
        await tara.says("/restore 100002")
        question = await tara.hears("back into service?")
        await tara.says(question.body[-8:])
        await tara.hears("was not taken out of service")


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


async def test_danger_at_one_charger_lets_a_remedy_at_another_go_on(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number="+94770000001")
        await here.charger("100002")
        await here.charger("100003", scenario="transient_fault")
        ana = here.driver(WHO)
        await ana.says("charger 100003 is not starting, red light")
        await ana.hears("100003", "InternalError")
        await ana.says("smoke is coming out of charger 100002")
        await ana.hears("step away", "TKT-000001")
        await tara.hears("SAFETY TKT-000001: Amal reports danger at 100002")
        await ana.hears("100002 is switched off", passing_s=60)
        await ana.hears("100003", "ready again", passing_s=200)
