"""What the central system counts of itself, for the metrics page."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Counts:
    """Totals since the start. `unanswered` stays 0: every request gets an answer."""

    calls: int = 0
    violations: int = 0
    bad_frames: int = 0
    repeats: int = 0
    late_answers: int = 0
    stray_answers: int = 0
    unanswered: int = 0
    internal_errors: int = 0
    frames_logged: int = 0
    frames_lost: int = 0
    handshakes_refused: int = 0
    admissions_refused: int = 0
    replaced: int = 0
    journaled: int = 0
    reports_dead: int = 0
    orders: int = 0

    def as_dict(self) -> dict[str, int]:
        """Name → total."""
        return asdict(self)
