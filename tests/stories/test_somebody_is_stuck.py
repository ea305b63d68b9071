"""Somebody who cannot leave: a ticket of high priority and the team at once; a photo joins the case."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import select

from models.access import Role
from models.message import Media
from tests.world import world

JPEG = b"\xff\xd8\xff\xe0" + b"\x00\x10JFIF" + bytes(2_000) + b"\xff\xd9"


async def test_a_car_locked_to_the_cable(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number="+94770000001")
        charger = await here.charger("100001")
        charger.plug_in()
        ana = here.driver("+94771234567")
        await ana.says("my car is locked to the cable at charger 100001 and I cannot leave, please help")
        await ana.hears("cannot leave", "100001", "TKT-000001")
        await tara.hears("URGENT TKT-000001", "100001", "locked to the cable")
        await ana.says("", media=[(JPEG, "image/jpeg")])
        await ana.hears("put it into your ticket TKT-000001")
        await here.until(lambda work: work.session.scalar(select(Media.id).where(Media.path.is_not(None))))
        [photo] = await here.rows(select(Media))
        assert await asyncio.to_thread((tmp_path / "media" / photo.path).read_bytes) == JPEG
        async with await here.api("Tara") as api:
            ticket = (await api.get("/tickets/TKT-000001")).json()
            assert ticket["priority"] == "high"
            [first, *_] = (await api.get("/messages?direction=inbound&limit=1")).json()["items"]
            assert len(first["media"]) == 1
