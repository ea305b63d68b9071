"""How much there is of what, for /metrics and /readyz."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text

from desk import chargers, inbox, outbox, ticket_views
from desk.inbox import QueueDepth
from desk.work import Work
from models.charger import Charger, ChargerState, Connector, ProcedureRun
from models.member import TeamAlert
from models.outbox import OutboxItem, OutboxState
from models.sla import SlaTimer


@dataclass(frozen=True)
class QueueGauges:
    """The inbox, and of the outbox how many rows wait and the age of the oldest in seconds."""

    inbox: QueueDepth
    outbox_waiting: int
    outbox_oldest_s: float


@dataclass(frozen=True)
class Gauges:
    """Counts at one moment, by name."""

    queues: QueueGauges
    outbox: dict[str, int]
    tickets: dict[str, int]
    tickets_overdue: int
    timers_overdue: int
    chargers: dict[str, int]
    online: int
    runs_open: int
    alerts_open: int


def answers(work: Work) -> bool:
    """Whether the database answers."""
    return bool(work.session.scalar(text("SELECT 1")))


def queues(work: Work) -> QueueGauges:
    """How long the queues are."""
    waiting, oldest_s = outbox.depth(work)
    return QueueGauges(inbox.depth(work), waiting, oldest_s)


def measure(work: Work) -> Gauges:
    """Everything that is counted in the database."""
    counts = ticket_views.counts(work)
    states = _charger_states(work)
    overdue = select(func.count()).where(SlaTimer.state == "armed", SlaTimer.fire_at < work.now)
    return Gauges(
        queues=queues(work),
        outbox=_outbox_states(work),
        tickets=dict(counts["by_status"]),
        tickets_overdue=int(counts["overdue"]),
        timers_overdue=work.session.scalar(overdue) or 0,
        chargers=states,
        online=sum(count for state, count in states.items() if state != ChargerState.OFFLINE.value),
        runs_open=work.session.scalar(select(func.count()).where(ProcedureRun.ended_at.is_(None))) or 0,
        alerts_open=work.session.scalar(select(func.count()).where(TeamAlert.acked_at.is_(None))) or 0,
    )


def _outbox_states(work: Work) -> dict[str, int]:
    rows = work.session.execute(select(OutboxItem.state, func.count()).group_by(OutboxItem.state))
    found = {state: int(count) for state, count in rows}
    return {state.value: found.get(state, 0) for state in OutboxState}


def _charger_states(work: Work) -> dict[str, int]:
    """Chargers by the state that is shown for them."""
    connectors: dict[str, list[Connector]] = {}
    for row in work.session.scalars(select(Connector)):
        connectors.setdefault(row.charger_id, []).append(row)
    counts = {state.value: 0 for state in ChargerState}
    for charger in work.session.scalars(select(Charger)):
        counts[chargers.shown_state(charger, connectors.get(charger.id, [])).value] += 1
    return counts
