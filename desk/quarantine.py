"""What came to a door with a wrong signature: kept for a look, without effect, and never more than so much."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from desk.work import Work
from models.inbox import Quarantine

PER_MINUTE = 30
RAW_LIMIT = 4_096


def keep(work: Work, *, channel: str, peer: str, reason: str, raw: str) -> bool:
    """Keep one, cut to RAW_LIMIT characters. False when this minute already has PER_MINUTE of that channel."""
    since = work.now - timedelta(minutes=1)
    recent = select(func.count()).where(Quarantine.channel == channel, Quarantine.received_at > since)
    if (work.session.scalar(recent) or 0) >= PER_MINUTE:
        return False
    work.session.add(
        Quarantine(
            channel=channel, peer=peer[:80], reason=reason[:120], raw=raw[:RAW_LIMIT].replace("\x00", ""),
            received_at=work.now,
        )
    )  # fmt: skip
    return True
