"""How the house itself is doing, for members: queues, sends, jobs, the database, and what did not arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from desk import gauges, ticks
from desk.gauges import LaneDepth
from desk.literal import is_one_of
from desk.work import Work
from models.access import Permission
from models.charger import Charger
from models.outbox import OutboxItem, OutboxState, SendPause
from models.sla import SlaTimer

LOOKED_AT = 2_000
"""How many of the latest sends are told by their outcome."""
SENDS_OF = timedelta(hours=24)
TROUBLES = 50


@dataclass(frozen=True)
class Trouble:
    """A send that was given up, or of which nobody knows whether it arrived."""

    id: int
    state: str
    channel: str
    address: str
    intent: str
    code: str
    error_code: str | None
    attempts: int
    created_at: datetime


def look(work: Work) -> dict[str, Any]:
    """Everything that the page shows; each part is bounded."""
    work.require(Permission.VIEW_ROSTER)
    overdue = select(func.count()).where(SlaTimer.state == "armed", SlaTimer.fire_at < work.now)
    return {
        "lanes": _lanes(work),
        "sends": _sends(work),
        "pauses": list(work.session.scalars(select(SendPause).where(SendPause.until_at > work.now))),
        "jobs": ticks.last(work),
        "timers_overdue": work.session.scalar(overdue) or 0,
        "sockets": _sockets(work),
        "database": _database(work),
        "dead": _troubles(work, OutboxState.DEAD),
        "unknown": _troubles(work, OutboxState.UNKNOWN),
    }


def _lanes(work: Work) -> list[LaneDepth]:
    """Both queues stand there also when nothing waits."""
    found = gauges.lanes(work)
    named = {lane.queue for lane in found}
    return found + [LaneDepth(name, "", 0, 0.0) for name in ("inbox", "outbox") if name not in named]


def _sends(work: Work) -> dict[str, dict[str, int]]:
    """Outcomes of the latest sends of a day, by channel."""
    latest = select(OutboxItem.channel, OutboxItem.state, OutboxItem.created_at).order_by(OutboxItem.id.desc())
    found = latest.limit(LOOKED_AT).subquery()
    rows = work.session.execute(
        select(found.c.channel, found.c.state, func.count())
        .where(found.c.created_at >= work.now - SENDS_OF)
        .group_by(found.c.channel, found.c.state)
        .order_by(found.c.channel)
    )
    counts: dict[str, dict[str, int]] = {}
    for channel, state, count in rows:
        counts.setdefault(channel, {each.value: 0 for each in OutboxState})[state.value] = int(count)
    return counts


def _sockets(work: Work) -> list[tuple[str, int]]:
    """How many chargers each process holds."""
    rows = work.session.execute(
        select(Charger.node, func.count()).where(Charger.online.is_(True)).group_by(Charger.node).order_by(Charger.node)
    )
    return [(node or "–", int(count)) for node, count in rows]


def _database(work: Work) -> str:
    query = "SELECT current_setting('server_version')" if work.postgresql else "SELECT sqlite_version()"
    return f"{'PostgreSQL' if work.postgresql else 'SQLite'} {work.session.scalar(text(query))}"


def _troubles(work: Work, state: OutboxState) -> list[Trouble]:
    rows = work.session.scalars(
        select(OutboxItem)
        .where(is_one_of(OutboxItem.state, OutboxState.DEAD, OutboxState.UNKNOWN), OutboxItem.state == state)
        .order_by(OutboxItem.id.desc())
        .limit(TROUBLES)
    )
    return [
        Trouble(
            row.id, row.state.value, row.channel, row.address, row.intent, row.code, row.error_code, row.attempts,
            row.created_at,
        )
        for row in rows
    ]  # fmt: skip
