"""Which of a provider's messages are rows of ours already."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from desk.work import Work
from models.outbox import OutboxItem


def known(work: Work, provider_ids: Sequence[str]) -> set[str]:
    """Those of the ids that belong to a row of the outbox."""
    found = work.session.scalars(select(OutboxItem.provider_id).where(OutboxItem.provider_id.in_(provider_ids)))
    return {each for each in found if each is not None}
