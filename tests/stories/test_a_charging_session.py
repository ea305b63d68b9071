"""A whole session with a card: authorised, metered, stopped, priced, taken from the wallet, seen by the team."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from desk import chargers
from desk.work import Work
from models.access import OPERATOR, Role
from models.charger import Charger
from models.charging import Tariff
from tests.world import World, world

ANA, TARA, TAG = "+94771234567", "+94770000001", "04A1B2C3"


async def _price(here: World) -> None:
    def set_price(work: Work) -> None:
        tariff = Tariff(name="fast", price_minor_per_kwh=10_000, currency="LKR", created_at=work.now)
        work.session.add(tariff)
        work.session.flush()
        charger = work.session.get(Charger, "100001")
        assert charger is not None
        charger.tariff_id = tariff.id

    await here.app.office.run(OPERATOR, set_price)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_session_is_priced_and_paid(
    database_url: str, tmp_path: Path, version: Literal["1.6", "2.0.1"]
) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number=TARA)
        ana = await here.customer(ANA, name="Ana", rupees=5000, tag=TAG)
        charger = await here.charger("100001", version=version)
        await _price(here)
        assert not await charger.start_session("NOT-A-CARD")
        charger.unplug()
        assert await charger.start_session(TAG)
        await here.until(_charging, moving=False)
        await here.fast_forward(minutes=12)
        await tara.says("/sessions 100001")
        await tara.hears("Ana", "kWh", "12 minutes")
        charger.stop_session()
        await here.sessions_ended(1)
        charger.unplug()

        [session] = await here.sessions("100001")
        wh = session["energy_wh"]
        cost = (wh * 10_000 + 500) // 1000
        assert wh > 500
        assert session["amount"] == {"minor": cost, "currency": "LKR"}
        assert 710 <= session["elapsed_s"] <= 740
        left = f"{(500_000 - cost) / 100:,.2f}"
        await tara.says(f"/balance {ANA}")
        await tara.hears("Ana", left)
        await ana.says("what is my balance?")
        await ana.hears(left, "100001")
        async with await here.api("Tara") as api:
            told = (await api.post("/commands", json={"text": f"/balance {ANA}"})).json()
            assert left in told["text"]
            seen = (await api.get("/chargers/100001")).json()
            assert seen["connectors"][0]["transaction"] is None


def _charging(work: Work) -> bool:
    return bool(chargers.overview(work, "100001")["connectors"][0]["transaction"])
