"""A team for the commands."""

from __future__ import annotations

import pytest

from desk.office import Office
from tests.staff import Staff, hire


@pytest.fixture
async def staff(office: Office) -> Staff:
    """Everybody, on each database."""
    return await hire(office)
