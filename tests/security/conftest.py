"""The whole team in front of every door, and the matrix of who may do what, written by hand."""

from __future__ import annotations

import pytest

from desk.office import Office
from models.access import Role
from tests.staff import Staff, hire

LETTERS = {
    "A": Role.ADMIN, "M": Role.MANAGER, "D": Role.DISPATCHER, "O": Role.OPS_AGENT, "I": Role.INSTALLER, "C": Role.CPO,
}  # fmt: skip


def roles(letters: str) -> frozenset[Role]:
    """`AMDO--` → the four desk roles."""
    return frozenset(LETTERS[letter] for letter in letters if letter != "-")


@pytest.fixture
async def staff(office: Office) -> Staff:
    """One member of each role, with something to look at."""
    return await hire(office)
