"""Which of a provider's messages are known here: ours that went out, others' that came in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from desk.work import Work
from models.inbox import InboxItem
from models.outbox import OutboxItem


def sent(work: Work, provider_ids: Sequence[str]) -> set[str]:
    """Those of the ids that belong to a row of the outbox."""
    found = work.session.scalars(select(OutboxItem.provider_id).where(OutboxItem.provider_id.in_(provider_ids)))
    return {each for each in found if each is not None}


def received(work: Work, channel: str, external_ids: Sequence[str]) -> set[str]:
    """Those of the ids that belong to a row of the inbox."""
    query = select(InboxItem.external_id).where(InboxItem.channel == channel, InboxItem.external_id.in_(external_ids))
    return set(work.session.scalars(query))


def last_received_at(work: Work, channel: str) -> datetime | None:
    """When the last message of a channel came; None where none ever did."""
    return work.session.scalar(select(func.max(InboxItem.received_at)).where(InboxItem.channel == channel))
