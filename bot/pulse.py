"""How a channel that we have to ask for its messages is doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.mask import mask

SICK_S = 300
"""A channel that failed for so long is not well."""


@dataclass
class Pulse:
    """When it last went well, and since when and why it does not."""

    name: str
    last_good_at: datetime | None = None
    failing_since_at: datetime | None = None
    reason: str = ""

    def good(self, now: datetime) -> None:
        """It went well."""
        self.last_good_at, self.failing_since_at, self.reason = now, None, ""

    def bad(self, now: datetime, reason: str) -> None:
        """It did not."""
        self.failing_since_at = self.failing_since_at or now
        self.reason = mask(reason)  # /readyz tells it to whoever asks, and a library's words may hold an address

    def silent_s(self, now: datetime) -> float:
        """For how long it has been failing."""
        return (now - self.failing_since_at).total_seconds() if self.failing_since_at else 0.0

    def trouble(self, now: datetime) -> str | None:
        """What is wrong, in a line; None while it is well or failed only a moment ago."""
        silent_s = self.silent_s(now)
        return f"{self.name}: nothing came in for {silent_s:.0f} s ({self.reason})" if silent_s > SICK_S else None
