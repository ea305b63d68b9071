"""Who asks a provider for messages: of several processes one at a time, by a lease that it renews with each poll."""

from __future__ import annotations

from datetime import timedelta

from desk.work import Work
from models.inbox import PollLease


def hold(work: Work, name: str, owner: str, seconds: float) -> bool:
    """Take or renew the lease; False while somebody else has it. On SQLite there is nobody else."""
    lease = work.lock(PollLease, name)
    if lease is None:
        work.session.add(PollLease(name=name, owner=owner, until_at=work.now + timedelta(seconds=seconds)))
        return True
    if lease.owner != owner and lease.until_at > work.now and work.postgresql:
        return False
    lease.owner, lease.until_at = owner, work.now + timedelta(seconds=seconds)
    return True


def let_go(work: Work, name: str, owner: str) -> None:
    """Give the lease back."""
    lease = work.lock(PollLease, name)
    if lease is not None and lease.owner == owner:
        work.session.delete(lease)
