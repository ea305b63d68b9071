"""Three drivers, one charger: one incident, one remedy, and everybody hears when it is over."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from models.access import Role
from models.incident import Incident
from tests.world import world


async def test_three_drivers_about_one_charger(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        charger = await here.charger("100004", scenario="hard_fault")
        ana, ben = here.driver("+94771234567"), here.driver("+94712223334")
        await ana.says("charger 100004 is not starting, red light")
        await ana.hears("100004", "trying to clear it")
        await ben.says("100004 not working, fault on the screen")
        await ben.hears("already working on charger 100004")
        await ana.hears("could not repair charger 100004", "TKT-000001", passing_s=600)
        visitor = await here.visitor()
        await visitor.says("charger 100004 is not working")
        await visitor.hears("already know", "100004")

        charger.clear()
        for person in (ana, ben, visitor):
            await person.hears("charger 100004 is working again", passing_s=30)
        incidents = await here.rows(select(Incident))
        assert [(row.charger_id, row.state.value) for row in incidents] == [("100004", "ended")]
        async with await here.api("Tara") as api:
            assert [row["ref"] for row in (await api.get("/tickets")).json()["items"]] == ["TKT-000001"]
            assert (await api.get("/tickets/TKT-000001")).json()["history"][-1]["kind"] == "incident"
