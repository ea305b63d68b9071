"""The console in front of a team, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from desk.office import Office
from desk.work import House
from tests.clock import JumpingClock
from tests.console.front import Front, front


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with a secret and an address."""
    return House(
        team_account="whatsapp:+94110000000", media_dir=str(tmp_path / "media"), secret=b"a secret of some house",
        public_url="http://127.0.0.1:8080",
    )  # fmt: skip


@pytest.fixture
async def console(office: Office, clock: JumpingClock) -> AsyncIterator[Front]:
    """It runs."""
    async with front(office, clock) as made:
        yield made
