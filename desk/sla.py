"""Service-level clocks: started, stopped, paused, retargeted. Whoever changes one holds the ticket's row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from desk.sla_timers import CHASE, CHECK, arm, armed, breach, chase_from, fire_due, void
from desk.work import Work
from models.errors import Refusal
from models.sla import RISK_LEFT, TARGET_S, ClockKind, ClockState, SlaClock, SlaTimer
from models.ticket import NEVER, Ticket

__all__ = [
    "acted", "cancel", "chase_after", "check_within", "clocks", "fire_due", "in_order", "name_of", "pause", "quiet",
    "resume", "retarget", "start", "start_again", "stop",
]  # fmt: skip

_GOING = (ClockState.RUNNING, ClockState.PAUSED)


def clocks(work: Work, ticket: Ticket) -> list[SlaClock]:
    """A ticket's clocks, first response before resolution, the newest of a kind first."""
    return in_order(work.session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket.id)))


def in_order(rows: Iterable[SlaClock]) -> list[SlaClock]:
    """Clocks of one ticket, first response before resolution, the newest of a kind first."""
    order = list(ClockKind)
    return sorted(rows, key=lambda clock: (order.index(clock.kind), -clock.seq))


def start(work: Work, ticket: Ticket, at: datetime) -> None:
    """Start a new ticket's clocks at the time when the person wrote."""
    for kind in ClockKind:
        _begin(work, ticket, kind, at, seq=1)


def start_again(work: Work, ticket: Ticket, kind: ClockKind, at: datetime) -> SlaClock:
    """Start the next clock of a kind, when a ticket was reopened."""
    latest = max((clock.seq for clock in clocks(work, ticket) if clock.kind is kind), default=0)
    return _begin(work, ticket, kind, at, seq=latest + 1)


def stop(work: Work, ticket: Ticket, kind: ClockKind, at: datetime) -> SlaClock | None:
    """Stop a clock: met, or breached when its due time has passed, which is then recorded. None: none was going."""
    clock = _going(work, ticket, kind)
    if clock is None:
        return None
    late = _book(work, ticket, clock, at)
    clock.state = ClockState.BREACHED if late else ClockState.MET
    clock.due_at, clock.stopped_at = None, at
    _note_next(work, ticket)
    return clock


def cancel(work: Work, ticket: Ticket, kind: ClockKind | None = None) -> None:
    """Stop without a verdict (all clocks, or one kind); what was breached already stays so."""
    for each in ClockKind if kind is None else (kind,):
        clock = _going(work, ticket, each)
        if clock is None:
            continue
        late = _book(work, ticket, clock, work.now)
        clock.state = ClockState.BREACHED if late else ClockState.CANCELLED
        clock.due_at, clock.stopped_at = None, work.now
    _note_next(work, ticket)


def pause(work: Work, ticket: Ticket, kind: ClockKind, at: datetime) -> SlaClock:
    """Stop counting for a while. Refuses where that clock does not run."""
    clock = _going(work, ticket, kind)
    if clock is None or clock.state is not ClockState.RUNNING:
        raise Refusal("sla.not_running", ref=ticket.ref, clock=name_of(kind))
    _book(work, ticket, clock, at)
    clock.state, clock.due_at = ClockState.PAUSED, None
    _note_next(work, ticket)
    return clock


def resume(work: Work, ticket: Ticket, kind: ClockKind, at: datetime) -> SlaClock:
    """Count on from what was consumed. Refuses where that clock is not paused."""
    clock = _going(work, ticket, kind)
    if clock is None or clock.state is not ClockState.PAUSED:
        raise Refusal("sla.not_paused", ref=ticket.ref, clock=name_of(kind))
    clock.state, clock.running_since_at, clock.due_at = ClockState.RUNNING, at, clock.due_if_running(at)
    arm(work, ticket, clock)
    _note_next(work, ticket)
    return clock


def retarget(work: Work, ticket: Ticket) -> None:
    """Give the clocks that are going the targets of the ticket's priority; what was consumed stays consumed."""
    for kind in ClockKind:
        clock = _going(work, ticket, kind)
        if clock is None or clock.target_s == TARGET_S[kind][ticket.priority]:
            continue
        chased, was_late = armed(work, clock, CHASE), clock.breached_at is not None
        running = clock.state is ClockState.RUNNING
        late = _book(work, ticket, clock, work.now)
        clock.target_s = TARGET_S[kind][ticket.priority]
        if running:
            clock.running_since_at, clock.due_at = work.now, clock.due_if_running(work.now)
            arm(work, ticket, clock, chase=chased or (late and not was_late))
        work.session.flush()
    _note_next(work, ticket)


def acted(work: Work, ticket: Ticket) -> None:
    """Somebody acted: the chasing stops. The clocks do not."""
    void(work, _of_ticket(ticket), SlaTimer.what.like(CHASE))


def chase_after(work: Work, ticket: Ticket, at: datetime) -> None:
    """Keep still until then; after that the clocks that are late by now are chased again."""
    acted(work, ticket)
    for clock in clocks(work, ticket):
        chase_from(work, ticket, clock, at)
    work.session.flush()


def quiet(work: Work, ticket: Ticket) -> None:
    """Nothing more is to be said about a ticket that waits for nobody."""
    void(work, _of_ticket(ticket))


def check_within(work: Work, ticket: Ticket, seconds: int) -> SlaTimer:
    """Come back to an escalated ticket after `seconds`, unless it is solved by then."""
    first = clocks(work, ticket)[0]
    made = work.session.scalar(select(func.count()).where(SlaTimer.clock_id == first.id, SlaTimer.what.like(CHECK)))
    timer = SlaTimer(
        clock_id=first.id, what=f"check{(made or 0) + 1}", fire_at=work.now + timedelta(seconds=seconds),
        gen=first.gen, state="armed",
    )  # fmt: skip
    work.session.add(timer)
    work.session.flush()
    return timer


def name_of(kind: ClockKind) -> dict[str, Any]:
    """A clock's name as a fact."""
    return {"$code": f"sla.clock.{kind.value}"}


# Changing one clock ---------------------------------------------------------------------------------------------


def _begin(work: Work, ticket: Ticket, kind: ClockKind, at: datetime, *, seq: int) -> SlaClock:
    target_s = TARGET_S[kind][ticket.priority]
    clock = SlaClock(
        ticket_id=ticket.id, kind=kind, seq=seq, target_s=target_s, started_at=at, running_since_at=at,
        consumed_s=0, due_at=at + timedelta(seconds=target_s), state=ClockState.RUNNING, gen=1,
    )  # fmt: skip
    work.session.add(clock)
    work.session.flush()
    arm(work, ticket, clock)
    _note_next(work, ticket)
    return clock


def _note_next(work: Work, ticket: Ticket) -> None:
    """Keep on the ticket which of its clocks runs out first, and since when one is near its end: lists sort by it."""
    work.session.flush()
    running = [
        (clock.due_at, clock.due_at - timedelta(seconds=clock.target_s * RISK_LEFT))
        for clock in clocks(work, ticket)
        if clock.state is ClockState.RUNNING and clock.due_at is not None
    ]
    ticket.next_due_at = min((due_at for due_at, _ in running), default=NEVER)
    ticket.risk_at = min((risk_at for _, risk_at in running), default=NEVER)
    work.session.flush()


def _going(work: Work, ticket: Ticket, kind: ClockKind) -> SlaClock | None:
    """The clock of a kind that has not stopped, its timers' rows and then its own held for change."""
    clock_id = work.session.scalar(
        select(SlaClock.id).where(SlaClock.ticket_id == ticket.id, SlaClock.kind == kind, SlaClock.state.in_(_GOING))
    )
    if clock_id is None:
        return None
    if work.postgresql:
        work.session.execute(
            select(SlaTimer.id).where(SlaTimer.clock_id == clock_id, SlaTimer.state == "armed").with_for_update()
        )
    return work.lock(SlaClock, clock_id)


def _book(work: Work, ticket: Ticket, clock: SlaClock, at: datetime) -> bool:
    """Add what ran since the last booking, end this generation, and tell whether the clock is or became late."""
    if clock.running_since_at is not None:
        if clock.due_at is not None and clock.due_at <= at and clock.breached_at is None:
            breach(work, ticket, clock, late=True)
        clock.consumed_s += max(0, int((at - clock.running_since_at).total_seconds()))
        clock.running_since_at = None
    void(work, SlaTimer.clock_id == clock.id, SlaTimer.what.not_like(CHECK))
    clock.gen += 1
    return clock.breached_at is not None


def _of_ticket(ticket: Ticket) -> ColumnElement[bool]:
    return SlaTimer.clock_id.in_(select(SlaClock.id).where(SlaClock.ticket_id == ticket.id))
