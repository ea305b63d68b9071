"""A charger's frame log as one reads it: newest first by keyset, and what came since, for whoever watches it grow.

Secrets were blanked before the frames were stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from desk import chargers
from desk.work import Work
from models.access import Permission
from models.charger import OcppFrame

LOOK_BACK = 5_000
"""How many frames one look goes through: a rare action among a month of heartbeats must not cost a whole scan."""


@dataclass(frozen=True)
class Frames:
    """Some frames, newest first. `older` is the cursor of what lies before, where there may be more; `newest` the
    highest id that this look has passed, from which to watch on."""

    rows: list[dict[str, Any]]
    older: int | None
    newest: int


def page(
    work: Work, charger_id: str, *, limit: int, before: int | None = None, action: str | None = None,
    direction: str | None = None,
) -> Frames:  # fmt: skip
    """Frames older than `before`. With a filter a page may hold fewer than `limit` and still have `older` ones."""
    window = _window(work, charger_id)
    if before is not None:
        window = window.where(OcppFrame.id < before)
    window = window.order_by(OcppFrame.id.desc()).limit(LOOK_BACK)
    rows = _chosen(work, window, limit, action, direction)
    counted = window.with_only_columns(OcppFrame.id).subquery()
    seen, lowest, highest = work.session.execute(
        select(func.count(), func.min(counted.c.id), func.max(counted.c.id)).select_from(counted)
    ).one()
    older = rows[-1]["id"] if len(rows) == limit else lowest if seen == LOOK_BACK else None
    return Frames(rows, older, highest or 0)


def since(
    work: Work, charger_id: str, *, after: int, limit: int, action: str | None = None, direction: str | None = None
) -> Frames:
    """What came after the frame `after`; of more than `limit` the newest, since a watcher wants the present."""
    window = _window(work, charger_id).where(OcppFrame.id > after).order_by(OcppFrame.id.desc()).limit(LOOK_BACK)
    rows = _chosen(work, window, limit, action, direction)
    newest = work.session.scalar(_window(work, charger_id).with_only_columns(func.max(OcppFrame.id)))
    return Frames(rows, None, max(after, newest or 0))


def actions(work: Work, charger_id: str) -> list[str]:
    """Which actions there were among the latest frames, by name."""
    window = _window(work, charger_id).order_by(OcppFrame.id.desc()).limit(LOOK_BACK)
    latest = window.with_only_columns(OcppFrame.action).subquery()
    query = select(latest.c.action).where(latest.c.action.is_not(None)).distinct().order_by(latest.c.action)
    return list(work.session.scalars(query))


def _window(work: Work, charger_id: str) -> Select[OcppFrame]:
    work.require(Permission.COMMAND_CHARGERS)
    chargers.get(work, charger_id)
    return select(OcppFrame).where(OcppFrame.charger_id == charger_id)


def _chosen(
    work: Work, window: Select[OcppFrame], limit: int, action: str | None, direction: str | None
) -> list[dict[str, Any]]:
    frames = window.subquery()
    query = select(frames).order_by(frames.c.id.desc()).limit(limit)
    if action:
        query = query.where(frames.c.action == action)
    if direction:
        query = query.where(frames.c.direction == direction)
    return [
        {"id": row.id, "at": row.at.isoformat(), "direction": row.direction, "action": row.action, "frame": row.frame}
        for row in work.session.execute(query)
    ]
