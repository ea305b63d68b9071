"""Somebody who asks for a human gets one; what was not understood waits for one, and corrections are kept."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from models.message import Correction
from tests.world import world


async def test_the_assistant_keeps_still_once_a_human_was_asked_for(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        await here.member(name="Tara")
        ana = here.driver("+94771234567")
        await ana.says("human")
        await ana.hears("A person from our team", "TKT-000001")
        await ana.says("what is the price per kWh?")
        await here.quiet()
        assert ana.unheard == []
        async with await here.api("Tara") as api:
            waiting = (await api.get("/messages?needs_review=true")).json()["items"]
            assert [message["text"] for message in waiting] == ["what is the price per kWh?", "human"]
            answer = await api.post(
                f"/conversations/{waiting[0]['conversation_id']}/reply", json={"text": "85 rupees."}
            )
            assert answer.status_code == 201
            await ana.hears("85 rupees.")
            ticket = (await api.get("/tickets/TKT-000001")).json()
            assert {clock["kind"]: clock["state"] for clock in ticket["clocks"]}["first_response"] == "met"
        await ana.says("bot")
        await ana.hears("I'm back")


async def test_a_doubtful_message_waits_for_a_human_and_its_correction_is_kept(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url, tmp_path) as here:
        await here.member(name="Tara")
        visitor = await here.visitor()
        await visitor.says("my money is gone but something else too maybe, about the thing at the place")
        await visitor.hears("not sure I understood")
        async with await here.api("Tara") as api:
            [message] = (await api.get("/messages?state=needs_review")).json()["items"]
            assert message["needs_review"]
            assert message["confidence"] < 0.9
            done = await api.post(f"/messages/{message['id']}/category", json={"category": "install", "why": "asked"})
            assert done.json()["category"] == "install"
        [row] = await here.rows(select(Correction))
        assert (row.message_id, row.now, row.why) == (message["id"], "install", "asked")
