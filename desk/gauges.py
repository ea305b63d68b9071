"""How much there is of what, for /metrics and /readyz."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, text

from desk import chargers, inbox, outbox, ticket_views, ticks
from desk.inbox import QueueDepth
from desk.literal import is_one_of
from desk.work import Work
from models.charger import Charger, ChargerState, Connector, ProcedureRun
from models.charging import ChargingTransaction
from models.inbox import InboxItem, InboxState
from models.member import TeamAlert
from models.outbox import OutboxItem, OutboxState
from models.sla import SlaTimer
from models.team import TeamCard

_OPEN = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN)


@dataclass(frozen=True)
class QueueGauges:
    """The inbox, and of the outbox how many rows wait and the age of the oldest in seconds."""

    inbox: QueueDepth
    outbox_waiting: int
    outbox_oldest_s: float


@dataclass(frozen=True)
class LaneDepth:
    """How much waits in a queue for a channel, and the age of the oldest in seconds."""

    queue: str
    channel: str
    waiting: int
    oldest_s: float


@dataclass(frozen=True)
class JobGauge:
    """How long ago a job ran last anywhere, and whether it failed then."""

    name: str
    age_s: float
    failing: bool


@dataclass(frozen=True)
class Gauges:
    """Counts at one moment, by name."""

    queues: QueueGauges
    lanes: list[LaneDepth]
    jobs: list[JobGauge]
    cards_waiting: int
    sessions: int
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
        lanes=lanes(work),
        jobs=jobs(work),
        cards_waiting=_count(work, TeamCard.wanted > TeamCard.made),
        sessions=_count(work, ChargingTransaction.stopped_at.is_(None)),
        outbox=_outbox_states(work),
        tickets=dict(counts["by_status"]),
        tickets_overdue=int(counts["overdue"]),
        timers_overdue=work.session.scalar(overdue) or 0,
        chargers=states,
        online=sum(count for state, count in states.items() if state != ChargerState.OFFLINE.value),
        runs_open=work.session.scalar(select(func.count()).where(ProcedureRun.ended_at.is_(None))) or 0,
        alerts_open=work.session.scalar(select(func.count()).where(TeamAlert.acked_at.is_(None))) or 0,
    )


def lanes(work: Work) -> list[LaneDepth]:
    """What waits or is in flight, by queue and channel; only rows that are not done are looked at."""
    taken = (
        ("inbox", InboxItem.channel, InboxItem.received_at, InboxItem.state, (InboxState.NEW, InboxState.CLAIMED)),
        ("outbox", OutboxItem.channel, OutboxItem.created_at, OutboxItem.state, _OPEN),
    )
    return [
        LaneDepth(name, channel, int(count), (work.now - oldest).total_seconds())
        for name, column, moment, state, states in taken
        for channel, count, oldest in work.session.execute(
            select(column, func.count(), func.min(moment)).where(is_one_of(state, *states)).group_by(column)
        )
    ]


def jobs(work: Work) -> list[JobGauge]:
    """The sweeps of the clock."""
    return [
        JobGauge(tick.name, max(0.0, (work.now - tick.last_at).total_seconds()), tick.last_error is not None)
        for tick in ticks.last(work)
    ]


def _count(work: Work, condition: ColumnElement[bool]) -> int:
    return work.session.scalar(select(func.count()).where(condition)) or 0


def _outbox_states(work: Work) -> dict[str, int]:
    """What is not over, and what was given up. What went out is counted as it goes: nobody counts millions again."""
    of_open = select(OutboxItem.state, func.count()).where(is_one_of(OutboxItem.state, *_OPEN))
    found = {state: int(count) for state, count in work.session.execute(of_open.group_by(OutboxItem.state))}
    # Both states of the index are named, so that it serves.
    trouble = is_one_of(OutboxItem.state, OutboxState.DEAD, OutboxState.UNKNOWN)
    found[OutboxState.DEAD] = _count(work, trouble & (OutboxItem.state == OutboxState.DEAD))
    return {state.value: found.get(state, 0) for state in (*_OPEN, OutboxState.DEAD)}


def _charger_states(work: Work) -> dict[str, int]:
    """Chargers by the state that is shown for them."""
    connectors: dict[str, list[Connector]] = {}
    for row in work.session.scalars(select(Connector)):
        connectors.setdefault(row.charger_id, []).append(row)
    counts = {state.value: 0 for state in ChargerState}
    for charger in work.session.scalars(select(Charger)):
        counts[chargers.shown_state(charger, connectors.get(charger.id, [])).value] += 1
    return counts
