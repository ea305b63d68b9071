"""Outside WhatsApp's 24 hours only an approved template may go, and a refusal that comes late is made good by one."""

from __future__ import annotations

from pathlib import Path

from models.access import Role
from tests.fakes.twilio_faults import fails_later
from tests.world import SELDOM_S, World, world

NEWS = {"notice": "News about your request: {{1}}"}


async def _ticket(here: World) -> None:
    ana = here.driver("+94771234567")
    await ana.says("human")
    await ana.hears("TKT-000001")


async def test_news_after_a_day_goes_by_template(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, heartbeat_interval_s=SELDOM_S, templates=NEWS) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        ana = here.driver("+94771234567")
        await _ticket(here)
        async with await here.api("Tara") as api:
            await api.patch("/tickets/TKT-000001", json={"status": "IN_PROGRESS"})
            in_time = await ana.hears("working on your ticket TKT-000001")
            assert "Body" in in_time.form
            await here.fast_forward(hours=30)
            await api.patch("/tickets/TKT-000001", json={"status": "RESOLVED", "note": "called\nand explained"})
            late = await ana.hears("News about your request:", "TKT-000001", "called · and explained")
        assert "ContentSid" in late.form
        assert "Body" not in late.form


async def test_a_late_63016_is_sent_again_as_a_template(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, templates=NEWS) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        ana = here.driver("+94771234567")
        await _ticket(here)
        here.twilio.inject(fails_later(63016))
        async with await here.api("Tara") as api:
            await api.patch("/tickets/TKT-000001", json={"status": "IN_PROGRESS"})
            lost = await ana.hears("working on your ticket")
            again = await ana.hears("News about your request:", "working on your ticket", passing_s=120)
            assert (lost.status, lost.error_code) == ("undelivered", 63016)
            assert "ContentSid" in again.form
            await here.quiet()
            [message] = (await api.get("/messages?direction=outbound&limit=1")).json()["items"]
            assert (message["delivery"]["state"], message["delivery"]["status"]) == ("sent", "delivered")
