"""The clock on the wall."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """Fits models.ports.Clock with the machine's own time."""

    def now(self) -> datetime:
        """The present, aware, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Raise TimeoutError in the block after `seconds`."""
        return asyncio.timeout(seconds)
