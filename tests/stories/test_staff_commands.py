"""The team works from WhatsApp: commands, codes for what is dangerous, results told; also over a restart."""

from __future__ import annotations

import re
from pathlib import Path

from desk import chargers
from desk.work import Work
from integrations.ocpp.simulator.charger import VirtualCharger
from models.access import Role
from tests.people import Phone
from tests.world import World, world

TARA = "+94770000001"


async def _asked(tara: Phone, command: str) -> str:
    """The code of the question that a dangerous command is answered with."""
    await tara.says(command)
    question = await tara.hears("YES ")
    found = re.search(r"YES (\d{4})", question.body)
    assert found is not None
    return found[1]


def _resets(charger: VirtualCharger) -> int:
    return [action for action, _ in charger.orders].count("Reset")


async def test_a_charger_is_restarted_after_the_right_code(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number=TARA)
        charger = await here.charger("100001", connectors=2)
        await tara.says("/status 100001")
        await tara.hears("Liberty Plaza 100001", "Available", "Connector 2")
        code = await _asked(tara, "/reboot 100001")
        await tara.says(f"YES {(int(code) + 1) % 10_000:04d}")
        await tara.hears("not the code", "4")
        assert _resets(charger) == 0
        await tara.says(f"yes {code}")
        await tara.hears("Restarting 100001")
        await tara.hears("100001 has restarted", "Available", passing_s=300)
        assert _resets(charger) == 1
        await tara.says(f"YES {code}")
        await tara.hears("Nothing waits")
        await here.member(Role.ADMIN, name="Asha")
        async with await here.api("Asha") as api:
            kinds = [row["action"] for row in (await api.get("/audit?target=member:1")).json()["items"]]
        assert {"command.asked", "command.wrong_code", "command.confirmed"} <= set(kinds)


async def test_a_code_dies_after_two_minutes_and_is_the_members_alone(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number=TARA)
        ravi = await here.member(Role.DISPATCHER, name="Ravi", number="+94770000002")
        charger = await here.charger("100001")
        ana = here.driver("+94771234567")
        code = await _asked(tara, "/reboot 100001")
        await ravi.says(f"YES {code}")
        await ravi.hears("Nothing waits")
        await ana.says("/reboot 100001")
        await ana.hears("I look after charging")
        await here.fast_forward(seconds=121)
        await tara.says(f"YES {code}")
        await tara.hears("Too late")
        assert _resets(charger) == 0
        await tara.says("the charger at Galle is dirty")
        await tara.hears("/help")
        async with await here.api("Tara") as api:
            assert (await api.get("/tickets")).json()["items"] == []


async def test_a_restart_in_the_middle_keeps_everything(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number=TARA)
        charger = await here.charger("100001")
        ana = here.driver("+94771234567")
        await ana.says("the place behind the gate has no roof, I want a roof, very bad service")
        await ana.hears("What happened?")
        code = await _asked(tara, "/reboot 100001")
        await here.restart()
        await _back(here)
        await tara.says(f"YES {code}")
        await tara.hears("Restarting 100001")
        await ana.says("I waited for an hour")
        await ana.hears("When and where")
        await tara.hears("100001 has restarted", passing_s=300)
        assert _resets(charger) == 1
        await ana.says("yesterday in Galle")
        await ana.hears("put it right")
        await ana.says("a roof")
        await ana.hears("TKT-000001")


async def _back(here: World) -> None:
    """Until the charger has dialled the new process."""

    def online(work: Work) -> bool:
        return bool(chargers.overview(work, "100001")["online"])

    await here.until(online)
