"""What cannot be healed becomes a ticket with evidence and clocks; the team is chased until somebody acts."""

from __future__ import annotations

from pathlib import Path

from models.access import Role
from tests.world import SELDOM_S, world


async def test_a_silent_team_is_chased_until_somebody_takes_the_ticket(database_url: str, tmp_path: Path) -> None:
    async with world(
        database_url,
        tmp_path,
        heartbeat_interval_s=SELDOM_S,
        templates={"alert": "Team: {{1}}", "notice": "News: {{1}}"},
    ) as here:
        tara = await here.member(Role.OPS_AGENT, name="Tara", number="+94770000001")
        await here.charger("100004", scenario="hard_fault")
        ana = here.driver("+94771234567")
        wrote_at = here.clock.now()
        await ana.says("charger 100004 does not start, red light")
        await ana.hears("100004", "InternalError")
        await ana.hears("100004", "still reports the fault", "TKT-000001", passing_s=600)

        api = await here.api("Tara")
        ticket = (await api.get("/tickets/TKT-000001")).json()
        assert (ticket["status"], ticket["priority"], ticket["category"]) == ("OPEN", "normal", "fault")
        assert (ticket["charger_id"], ticket["department"]) == ("100004", "technical")
        clocks = {clock["kind"]: clock for clock in ticket["clocks"]}
        assert clocks["first_response"]["target_s"] == 24 * 3600
        assert clocks["resolution"]["target_s"] == 72 * 3600
        assert clocks["first_response"]["due_at"].startswith(wrote_at.replace(day=wrote_at.day + 1).isoformat()[:16])
        assert ticket["evidence"]["run"]["result"] == "STILL_FAULTED"
        assert ticket["evidence"]["charger"]["connectors"][0]["error_code"] == "InternalError"

        await here.fast_forward(hours=23.5)
        assert tara.unheard == []
        board = await here.board()
        assert [line["percent"] for line in board if line["kind"] == "warning"] == [50, 75, 90]
        await here.fast_forward(hours=1)
        await tara.hears("TKT-000001", "no first response within")
        for _ in range(2):
            await here.fast_forward(hours=4)
            await tara.hears("TKT-000001", "still no first response", "/take TKT-000001")

        await tara.says("/take TKT-000001")
        await tara.hears("TKT-000001 is yours")
        await ana.hears("TKT-000001", "Tara")
        await here.fast_forward(hours=12)
        assert tara.unheard == []

        await tara.says("/resolve TKT-000001 rectifier module replaced")
        await tara.hears("TKT-000001 is resolved")
        await ana.hears("TKT-000001", "rectifier module replaced")
        await ana.says("it is still broken")
        await ana.hears("TKT-000001", "again")
        ticket = (await api.get("/tickets/TKT-000001")).json()
        assert ticket["status"] in ("ASSIGNED", "IN_PROGRESS")
        running = [clock for clock in ticket["clocks"] if clock["state"] == "running"]
        assert [clock["kind"] for clock in running] == ["resolution"]
        await api.aclose()
