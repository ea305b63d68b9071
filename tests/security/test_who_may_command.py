"""Role × command: a table written by hand from the operator's role matrix, not from the code's.

A command that the table does not know fails, so that nobody adds one without deciding who may use it. The API's
calls have their table in tests/api/test_routes.py, the console's pages in test_who_may_see_a_page.py.
"""

from __future__ import annotations

import pytest

from commands.command import Outcome, OutcomeKind
from commands.run import run_text
from commands.table import COMMANDS, allowed
from desk.office import Office
from models.access import Role
from tests.staff import Staff, hire

LETTERS = {
    "A": Role.ADMIN, "M": Role.MANAGER, "D": Role.DISPATCHER, "O": Role.OPS_AGENT, "I": Role.INSTALLER, "C": Role.CPO,
}  # fmt: skip

COMMAND: dict[str, tuple[str, str]] = {
    "status": ("/status 100001", "AMDO-C"),
    "sessions": ("/sessions 100001", "AMDO--"),
    "clear": ("/clear 100001", "AMDO--"),
    "reboot": ("/reboot 100001", "AMDO--"),
    "reset": ("/reset 100001", "AMDO--"),
    "out": ("/out 100001", "AMDO--"),
    "restore": ("/restore 100001", "AMDO--"),
    "balance": ("/balance 0771234567", "AMDO--"),
    "tickets": ("/tickets", "AMDOI-"),
    "ticket": ("/ticket {ref}", "AMDOI-"),
    "take": ("/take {ref}", "AMDOI-"),
    "note": ("/note {ref} looked at it", "AMDOI-"),
    "resolve": ("/resolve {ref} replaced the fuse", "AMDOI-"),
    "close": ("/close {ref} customer is happy", "AMD---"),
    "assign": ("/assign {ref} installer", "AMDO--"),
    "unlock": ("/unlock 100001 1", "AMDO--"),
    "charge": ("/charge nimal 100001 1 30m", "AMDO--"),
    "stopcharge": ("/stopcharge 100001", "AMDO--"),
    "config": ("/config 100001", "AMDO--"),
    "log": ("/log 100001", "AMDO--"),
    "heal": ("/heal off 100001", "AM----"),
    "block": ("/block DEMO1", "AMDO--"),
    "unblock": ("/unblock DEMO1", "AMDO--"),
    "contact": ("/contact nimal", "AMDO--"),
    "send": ("/send 0771234567 on our way", "AMDO--"),
    "resend": ("/resend 1", "AMDOI-"),
    "reply": ("/reply {ref} on our way", "AMDOI-"),
    "snooze": ("/snooze {ref} 1h", "AMDOI-"),
    "escalate": ("/escalate {ref} a reset; still red; an electrician", "AMDOI-"),
    "incident": ("/incident", "AMDO--"),
    "ack": ("/ack 1", "AMDOI-"),
    "oncall": ("/oncall", "AMDO--"),
    "correct": ("/correct 1 billing it is about money", "AMDOI-"),
    "whoami": ("/whoami", "AMDOIC"),
    "help": ("/help", "AMDOIC"),
}


@pytest.fixture
async def staff(office: Office) -> Staff:
    """One member of each role, with something to look at."""
    return await hire(office)


def test_every_command_is_decided() -> None:
    assert {item.name for item in COMMANDS} == set(COMMAND)


async def _outcome(staff: Staff, role: Role, text: str) -> Outcome:
    return await run_text(staff.context(role, door=f"console:{role}"), text)


@pytest.mark.parametrize("name", sorted(COMMAND))
async def test_a_command_by_every_role(name: str, staff: Staff) -> None:
    text, letters = COMMAND[name]
    text = text.replace("{ref}", staff.installers_ticket)
    for role in (Role.CPO, Role.INSTALLER, Role.OPS_AGENT, Role.DISPATCHER, Role.MANAGER, Role.ADMIN):
        offered = name in {item.name for item in allowed(staff.actors[role])}
        before = await staff.rows()
        outcome = await _outcome(staff, role, text)
        if role in {LETTERS[letter] for letter in letters if letter != "-"}:
            assert offered, f"{role} may use /{name} and is not shown it"
            assert outcome.status != 403, (role, outcome)
        else:
            assert not offered, f"{role} may not use /{name} and is shown it"
            assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "access.not_allowed"), (role, outcome)
            assert await staff.rows() == before, f"{role} was refused and changed something"
