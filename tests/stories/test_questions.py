"""Cards, installations and complaints are asked out one question at a time; the answers stand in the ticket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.world import World, world


async def _ticket(here: World) -> dict[str, Any]:
    await here.member(name="Tara")
    async with await here.api("Tara") as api:
        found: dict[str, Any] = (await api.get("/tickets/TKT-000001")).json()
    return found


async def test_a_card_that_is_not_accepted(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        ana = here.driver("+94771234567")
        await ana.says("my charging card is not accepted")
        await ana.hears("Which number is printed")
        await ana.says("04A1B2C3")
        await ana.hears("At which charger")
        await ana.says("Galle Fort, the screen says card not valid")
        await ana.hears("TKT-000001")
        ticket = await _ticket(here)
        assert (ticket["category"], ticket["department"], ticket["priority"]) == ("rfid", "service", "normal")
        assert ticket["evidence"]["answers"] == {
            "card": "04A1B2C3", "wish": "It is not accepted", "where": "Galle Fort, the screen says card not valid",
        }  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_installation_with_buttons_and_a_place(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        ana = here.driver("+94771234567")
        await ana.says("I would like a quotation for an installation at my house")
        await ana.hears("What shall be installed?")
        await ana.presses("A charger")
        await ana.hears("address")
        await ana.shares(6.9271, 79.8612)
        await ana.hears("single-phase or three-phase")
        await ana.presses("Three-phase")
        await ana.hears("Which car")
        await ana.says("a Nissan Leaf")
        await ana.hears("come and look")
        await ana.presses("Skip")
        await ana.hears("TKT-000001")
        ticket = await _ticket(here)
        assert (ticket["category"], ticket["department"]) == ("install", "technical")
        assert ticket["evidence"]["answers"] == {
            "what": "A charger", "where": "6.9271, 79.8612", "supply": "Three-phase", "car": "a Nissan Leaf",
        }  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_complaint_left_alone_becomes_a_ticket_all_the_same(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        ana = here.driver("+94771234567")
        await ana.says("your hotline staff was very rude to me, I am disappointed")
        await ana.hears("What happened?")
        await ana.says("nobody answered for an hour and then they shouted")
        await ana.hears("When and where")
        await here.fast_forward(hours=4)
        await ana.hears("TKT-000001", passing_s=400)
        ticket = await _ticket(here)
        assert ticket["category"] == "complaint"
        assert ticket["evidence"]["answers"] == {"what": "nobody answered for an hour and then they shouted"}
