"""How well the assistant understands, at one look: versions, labels, what wants one, and what people write about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from desk import model_versions, shadow, teaching
from desk.work import Work
from models.access import Permission

LABELS_SHOWN_FOR = timedelta(days=365)


def look(work: Work) -> dict[str, Any]:
    """Everything of the page that the desk knows."""
    work.require(Permission.CORRECT_MESSAGES)
    along = model_versions.in_shadow(work)
    return {
        "versions": model_versions.page(work),
        "serving": model_versions.serving(work),
        "under_way": model_versions.under_way(work),
        "shadow": along,
        "along": shadow.along(work, along.id) if along is not None else None,
        "labelled": teaching.labelled(work, since=work.now - LABELS_SHOWN_FOR),
        "uncertain": teaching.uncertain(work),
        "weeks": teaching.weeks(work),
    }
