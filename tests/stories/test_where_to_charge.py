"""Where to charge: what is free now, by the name of a place and by where somebody stands."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from desk.work import Work
from models.access import OPERATOR
from models.charger import CurrentType, Site
from tests.world import World, world

PLACES = {"Liberty Plaza": ("Colombo 03", 6.9113, 79.8516), "Lake Road": ("Dalada Veediya, Kandy", 7.2926, 80.6376)}


async def _network(here: World) -> None:
    await here.charger("100001", connectors=2, site="Liberty Plaza")
    await here.charger("100007", connectors=2, site="Lake Road", current_type=CurrentType.AC)
    await here.charger("100004", scenario="hard_fault", site="Lake Road")

    def place(work: Work) -> None:
        for site in work.session.scalars(select(Site)):
            site.address, site.latitude, site.longitude = PLACES[site.name]

    await here.app.office.run(OPERATOR, place)


async def test_what_is_free_in_a_town_and_near_somebody(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        await _network(here)
        ana = here.driver("+94771234567")
        await ana.says("where is the nearest charger in Kandy")
        told = await ana.hears("free right now", "Lake Road", "slow (AC): 2 of 2 free", "fast (DC): 0 of 1 free")
        assert "Liberty" not in told.body
        await ana.shares(6.90, 79.86)
        told = await ana.hears("nearest", "1.6 km, Liberty Plaza, Colombo 03", "fast (DC): 2 of 2 free", "Lake Road")
        assert told.body.index("Liberty Plaza") < told.body.index("Lake Road")
        visitor = await here.visitor("si")
        await visitor.says("නුවර චාජරයක් තියෙනවාද?")
        await visitor.hears("Lake Road")
