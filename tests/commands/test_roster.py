"""The roster by command: who is on duty, shifts set, swapped and cleared."""

from __future__ import annotations

from datetime import timedelta

from commands.run import run_text
from desk import oncall
from models.access import OPERATOR, Role
from phrases.catalogue import LANGUAGES
from phrases.say import say
from tests.clock import JumpingClock
from tests.staff import Staff


async def _names(staff: Staff) -> list[str]:
    return [member.name for member in await staff.office.read(OPERATOR, oncall.on_duty)]


async def test_a_shift_is_set_and_comes_and_goes(staff: Staff, clock: JumpingClock) -> None:
    boss = staff.context(Role.MANAGER)
    now = clock.now()
    assert "nobody" in say("oncall.shown", (await run_text(boss, "/oncall")).facts, "en").lower()
    begin, end = ((now + timedelta(hours=hours, minutes=330)).strftime("%Y-%m-%dT%H:%M") for hours in (1, 3))
    outcome = await run_text(boss, f"/oncall set dispatcher {begin} {end}")
    assert outcome.code == "oncall.set", outcome
    assert await _names(staff) == []
    await clock.fast_forward(hours=1, minutes=1)
    assert await _names(staff) == ["Dispatcher"]
    shown = await run_text(staff.context(Role.OPS_AGENT), "/oncall")
    assert [(shift["name"], shift["now"]) for shift in shown.facts["shifts"]] == [("Dispatcher", True)]
    for language in LANGUAGES:
        assert "Dispatcher" in say(shown.code, shown.facts, language)
    await clock.fast_forward(hours=3)
    assert await _names(staff) == []
    assert [row.action for row in await staff.audit()][-1] == "oncall.set"


async def test_a_shift_is_swapped_and_cleared(staff: Staff) -> None:
    boss = staff.context(Role.DISPATCHER)
    await run_text(boss, '/oncall set "Ops Agent" tonight')
    number = (await run_text(boss, "/oncall")).facts["shifts"][0]["id"]
    assert (await run_text(boss, f"/oncall swap {number} manager@example.org")).code == "oncall.swapped"
    assert (await run_text(boss, "/oncall")).facts["shifts"][0]["name"] == "Manager"
    assert (await run_text(boss, f"/oncall clear #{number}")).code == "oncall.cleared"
    assert (await run_text(boss, "/oncall")).facts["shifts"] == []
    gone = await run_text(boss, f"/oncall clear {number}")
    assert (gone.code, gone.status) == ("oncall.unknown", 404)


async def test_what_cannot_be_is_refused_and_changes_nothing(staff: Staff) -> None:
    boss = staff.context(Role.ADMIN)
    before = await staff.rows()
    for line, code in (
        ("/oncall set", "oncall.set_how"),
        ("/oncall set manager", "oncall.set_how"),
        ("/oncall set manager sometime", "oncall.bad_time"),
        ("/oncall set manager 2020-01-01 08:00 09:00", "oncall.past"),
        ("/oncall set manager 2026-12-01 08:00 2026-11-01 09:00", "oncall.backwards"),
        ("/oncall set manager 2090-01-01 08:00 09:00", "oncall.too_long"),
        ("/oncall set installer tonight", "oncall.cannot"),
        ("/oncall set nobody tonight", "member.unknown"),
        ("/oncall swap 3", "oncall.swap_how"),
        ("/oncall swap Ana 3", "oncall.number_how"),
        ("/oncall clear", "oncall.number_how"),
        ("/oncall clear 3 now", "oncall.clear_how"),
    ):
        outcome = await run_text(boss, line)
        assert outcome.code == code, (line, outcome)
        for language in LANGUAGES:
            assert say(outcome.code, outcome.facts, language)
    agent = await run_text(staff.context(Role.OPS_AGENT), "/oncall set manager tonight")
    assert (agent.code, agent.status) == ("access.not_allowed", 403)
    assert (await staff.audit())[-1].action == "command.refused"
    assert await staff.rows() == before
