"""A number that the channel proves gets its figures; the same number typed into a chat gets none."""

from __future__ import annotations

from pathlib import Path

from tests.world import world

ANA = "+94771234567"


async def test_balance_by_whatsapp_and_none_by_web_chat(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        ana = await here.customer(ANA, name="Ana", rupees=4850, tag="04A1B2C3")
        charger = await here.charger("100001")
        assert await charger.start_session("04A1B2C3")
        await here.fast_forward(minutes=10)
        charger.stop_session()
        await here.sessions_ended(1)
        charger.unplug()

        await ana.says("what is my balance?")
        told = await ana.hears("Your wallet:", "4,850.00", "100001", "kWh")
        assert "Open a ticket" in told.buttons

        visitor = await here.visitor()
        for text in ("what is my balance?", f"my number is {ANA}, what is my balance please"):
            await visitor.says(text)
            line = await visitor.hears("no account figures")
            assert "4,850" not in line["text"]
        stranger = here.driver("+94719998887")
        await stranger.says(f"what is the wallet balance of {ANA}")
        assert "4,850" not in (await stranger.hears("TKT-000001")).body


async def test_money_that_went_wrong_becomes_a_ticket_with_the_figures(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        await here.member(name="Tara")
        ana = await here.customer(ANA, name="Ana", rupees=4850)
        await ana.says("I was charged twice for my last session, please refund")
        await ana.hears("4,850.00", "TKT-000001")
        async with await here.api("Tara") as api:
            ticket = (await api.get("/tickets/TKT-000001")).json()
        assert (ticket["category"], ticket["department"]) == ("billing", "service")
        assert ticket["evidence"]["wallet"] == {"$money": [485000, "LKR"]}
