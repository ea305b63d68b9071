"""What is of no use any more: questions for a confirmation that nobody answered."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from desk.work import Work
from models.member import PendingAction

KEEP_S = 24 * 3600
"""A late answer within a day still hears that its time is over."""


def drop_old_confirmations(work: Work) -> int:
    """Delete confirmations that ran out a day ago, used or not (the audit trail has those); gives how many."""
    result = work.session.execute(
        delete(PendingAction)
        .where(PendingAction.expires_at < work.now - timedelta(seconds=KEEP_S))
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))
