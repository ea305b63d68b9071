"""A machine that answers every message is not answered for ever; a danger that it tells still is."""

from __future__ import annotations

from pathlib import Path

from models.access import Role
from tests.world import world


async def test_an_answering_machine_is_muted_and_its_danger_is_not(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number="+94770000001")
        await here.charger("100002")
        machine = here.driver("+94719998887")
        said = 0
        for turn in range(30):
            await machine.says(f"Hello, order {turn} is noted by us. Our shop sells flowers and cakes.")
            await here.quiet()
            said += len(machine.unheard)
            machine.read = len(machine.got)
        assert said <= 10
        assert "pause my answers" in machine.got[-1].body
        [line] = [line for line in await here.board() if line["code"] == "assistant.board_muted"]
        assert line["kind"] == "review"

        await machine.says("fire at charger 100002, thick smoke")
        await machine.hears("step away", "TKT-000001")
        await tara.hears("SAFETY TKT-000001", "100002", "thick smoke")
        await machine.hears("100002", passing_s=120)


async def test_out_of_office_is_never_answered(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        machine = here.driver("+94719998887")
        await machine.says("Thank you for contacting us. We will get back to you soon.")
        await machine.says("This is an automated message: our office is closed.")
        await here.quiet()
        assert machine.got == []
