"""The same rules at every door: a CPO sees its own fleet's chargers, an installer its own tickets, nobody more."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk import members
from desk.work import Work
from models.access import OPERATOR, Department, Role
from models.charger import Charger, Fleet
from tests.world import World, world

CPO = "+94770000003"


async def _fleet(here: World) -> None:
    def make(work: Work) -> None:
        fleet = Fleet(name="Island Taxis")
        work.session.add(fleet)
        work.session.flush()
        charger = work.session.get(Charger, "100001")
        assert charger is not None
        charger.fleet_id = fleet.id
        members.add(work, email="cpo@team.example", name="cpo", role=Role.CPO, whatsapp=CPO, fleet_id=fleet.id)

    await here.app.office.run(OPERATOR, make)
    here.twilio.open_window(CPO)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_cpo_and_an_installer_at_both_doors(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        await here.charger("100001")
        await here.charger("100002")
        await _fleet(here)
        cpo = here.driver(CPO)
        await cpo.says("/status 100001")
        await cpo.hears("100001", "Available")
        await cpo.says("/status 100002")
        await cpo.hears("no charger 100002")
        await cpo.says("/reboot 100001")
        await cpo.hears("Your role does not allow this")
        async with await here.api("cpo") as api:
            assert [row["id"] for row in (await api.get("/chargers")).json()["items"]] == ["100001"]
            assert (await api.get("/chargers/100002")).status_code == 404
            assert (await api.get("/messages")).status_code == 403
            assert (await api.post("/commands", json={"text": "/reboot 100001"})).status_code == 403

        ishan = await here.member(
            Role.INSTALLER, name="Ishan", number="+94770000004", departments=[Department.TECHNICAL]
        )
        await here.member(Role.ADMIN, name="Asha")
        async with await here.api("Asha") as api:
            for summary in ("a charger at home", "panels on a roof"):
                await api.post("/tickets", json={"summary": summary, "category": "install"})
            await api.patch("/tickets/TKT-000001", json={"assignee": "ishan@team.example"})
        await ishan.hears("gave you TKT-000001")
        await ishan.says("/ticket 1")
        await ishan.hears("TKT-000001", "a charger at home")
        await ishan.says("/ticket 2")
        await ishan.hears("no ticket TKT-000002")
        async with await here.api("Ishan") as api:
            assert [row["ref"] for row in (await api.get("/tickets")).json()["items"]] == ["TKT-000001"]
            assert (await api.get("/chargers")).status_code == 403
