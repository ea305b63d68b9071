"""Timers of the service-level clocks: armed for a clock's generation, fired by the sweep, each once.

The order of locks is ticket, timers, clocks, everywhere. The sweep takes only tickets that nobody holds, so it
never waits for one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from desk import board, cards, paging
from desk.work import Work
from models.sla import CHASE_EVERY_S, WARN_AT, ClockState, SlaClock, SlaEvent, SlaTimer
from models.ticket import LIVE, Priority, Ticket

CHUNK = 200
"""How many timers one sweep fires before it commits."""
CHASE = "chase%"
CHECK = "check%"

_ARMED = SlaTimer.state == literal_column("'armed'")  # spelled out: a bound value would miss the partial index
_SERIOUS = (Priority.CRITICAL, Priority.HIGH)


def arm(work: Work, ticket: Ticket, clock: SlaClock, *, chase: bool = False) -> None:
    """Timers for a running clock's generation. A warning whose moment has passed is not given late."""
    assert clock.running_since_at is not None
    assert clock.due_at is not None
    if clock.breached_at is None:
        for percent in WARN_AT:
            left_s = clock.target_s * percent // 100 - clock.consumed_s
            fire_at = clock.running_since_at + timedelta(seconds=left_s)
            if fire_at > work.now:
                _add_timer(work, clock, f"warn{percent}", fire_at)
        _add_timer(work, clock, "breach", clock.due_at)
    elif chase:
        _chase_next(work, ticket, clock, work.now)
    work.session.flush()


def _add_timer(work: Work, clock: SlaClock, what: str, fire_at: datetime) -> None:
    work.session.add(SlaTimer(clock_id=clock.id, what=what, fire_at=fire_at, gen=clock.gen, state="armed"))


def void(work: Work, *which: ColumnElement[bool]) -> None:
    work.session.flush()
    work.session.execute(
        update(SlaTimer)
        .where(SlaTimer.state == "armed", *which)
        .values(state="void")
        .execution_options(synchronize_session="fetch")
    )


def armed(work: Work, clock: SlaClock, like: str) -> bool:
    query = select(SlaTimer.id).where(
        SlaTimer.clock_id == clock.id, SlaTimer.state == "armed", SlaTimer.what.like(like)
    )
    return work.session.scalar(query.limit(1)) is not None


# The sweep ------------------------------------------------------------------------------------------------------


def fire_due(work: Work, limit: int = CHUNK) -> int:
    """Fire timers whose time has come, each once, however many sweep; tells how many were taken."""
    timers = _claim(work, limit)
    if not timers:
        return 0
    known = _clocks_of(work, timers)
    for timer in sorted(timers, key=lambda each: (each.fire_at, each.id)):
        clock, ticket = known[timer.clock_id]
        _fire(work, ticket, clock, timer)
    work.session.flush()
    return len(timers)


def _claim(work: Work, limit: int) -> list[SlaTimer]:
    """Take due timers. Each engine has its own statement: SQLite has one writer, PostgreSQL locks row by row."""
    due = [_ARMED, SlaTimer.fire_at <= work.now]
    if work.postgresql:
        rows = (
            select(SlaTimer.id)
            .join(SlaClock, SlaClock.id == SlaTimer.clock_id)
            .join(Ticket, Ticket.id == SlaClock.ticket_id)
            .where(*due)
            .order_by(SlaTimer.fire_at)
            .limit(limit)
            .with_for_update(of=[SlaTimer, Ticket], skip_locked=True, key_share=True)
        )
        ids = list(work.session.scalars(rows))
        taken = update(SlaTimer).where(SlaTimer.id.in_(ids), _ARMED)
    else:
        first = select(SlaTimer.id).where(*due).order_by(SlaTimer.fire_at).limit(limit)
        taken = update(SlaTimer).where(SlaTimer.id.in_(first.scalar_subquery()), _ARMED)
    return list(
        work.session.scalars(
            taken.values(state="fired")
            .returning(SlaTimer)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
    )


def _clocks_of(work: Work, timers: list[SlaTimer]) -> dict[int, tuple[SlaClock, Ticket]]:
    rows = work.session.execute(
        select(SlaClock, Ticket)
        .join(Ticket, Ticket.id == SlaClock.ticket_id)
        .where(SlaClock.id.in_({timer.clock_id for timer in timers}))
        .execution_options(populate_existing=True)
    )
    return {clock.id: (clock, ticket) for clock, ticket in rows}


def _fire(work: Work, ticket: Ticket, clock: SlaClock, timer: SlaTimer) -> None:
    if ticket.status not in LIVE:
        return
    if timer.what.startswith("check"):
        _check(work, ticket, clock, timer)
    elif clock.state is ClockState.RUNNING and clock.gen == timer.gen:
        if timer.what == "breach":
            if clock.breached_at is None:
                breach(work, ticket, clock, late=False)
        elif timer.what.startswith("chase"):
            _chase(work, ticket, clock, timer)
        else:
            _warn(work, ticket, clock, timer)


def _warn(work: Work, ticket: Ticket, clock: SlaClock, timer: SlaTimer) -> None:
    """A line on the board; only the newest of warnings that a late sweep finds together."""
    if not _event(work, clock, timer.what, timer.gen, timer.fire_at):
        return
    assert clock.running_since_at is not None
    assert clock.due_at is not None
    percent = int(timer.what.removeprefix("warn"))
    ran_s = clock.consumed_s + (work.now - clock.running_since_at).total_seconds()
    reached = max((each for each in WARN_AT if ran_s >= clock.target_s * each // 100), default=percent)
    if reached != percent or clock.due_at <= work.now:
        return
    left_s = int((clock.due_at - work.now).total_seconds())
    board.raise_alert(
        work, kind="warning", key=_key(clock, timer.what, timer.gen), code=f"sla.warned.{clock.kind.value}",
        facts={**_facts(ticket, clock), "percent": percent, "left": {"$span": left_s}}, ticket_id=ticket.id,
        charger_id=ticket.charger_id, urgent=ticket.priority in _SERIOUS and percent >= 90,
    )  # fmt: skip


def breach(work: Work, ticket: Ticket, clock: SlaClock, *, late: bool) -> None:
    """The due time passed: that is the breach's time, whoever noticed and when. `late`: seen by a later act."""
    due_at = clock.due_at
    assert due_at is not None
    clock.breached_at = due_at
    if not _event(work, clock, "breach", clock.gen, due_at):
        return
    key, code = _key(clock, "breach", clock.gen), f"sla.breached.{clock.kind.value}"
    facts = {**_facts(ticket, clock), "due": {"$at": due_at.isoformat()}}
    urgent = ticket.priority in _SERIOUS
    if late:
        board.raise_alert(
            work, kind="breach", key=key, code=code, facts=facts, ticket_id=ticket.id,
            charger_id=ticket.charger_id, urgent=urgent,
        )  # fmt: skip
        return
    paging.page(
        work, kind="breach", key=key, code=code, facts=facts, ticket_id=ticket.id, charger_id=ticket.charger_id,
        urgent=urgent,
    )  # fmt: skip
    _chase_next(work, ticket, clock, due_at)


def _chase(work: Work, ticket: Ticket, clock: SlaClock, timer: SlaTimer) -> None:
    number = int(timer.what.removeprefix("chase"))
    if ticket.taken_at is not None or not _event(work, clock, timer.what, timer.gen, timer.fire_at):
        return
    assert clock.breached_at is not None
    late_s = int((work.now - clock.breached_at).total_seconds())
    paging.page(
        work, kind="chase", key=_key(clock, timer.what, timer.gen), code=f"sla.chased.{clock.kind.value}",
        facts={**_facts(ticket, clock), "number": number, "late": {"$span": late_s}}, ticket_id=ticket.id,
        charger_id=ticket.charger_id, urgent=ticket.priority in _SERIOUS,
    )  # fmt: skip
    _chase_next(work, ticket, clock, timer.fire_at)


def _chase_next(work: Work, ticket: Ticket, clock: SlaClock, after: datetime) -> None:
    """Until somebody acts. A sweep that slept does not make up for the chases it missed."""
    if ticket.taken_at is not None:
        return
    every = timedelta(seconds=CHASE_EVERY_S[ticket.priority])
    fire_at = after + every
    fire_at = max(fire_at if fire_at > work.now else work.now + every, ticket.snoozed_until_at or fire_at)
    _add_timer(work, clock, _next_chase(work, clock), fire_at)


def _next_chase(work: Work, clock: SlaClock) -> str:
    """One more than were given; and never a name that this generation has used, for a chase that was called off."""
    rows = work.session.execute(
        select(SlaTimer.what, SlaTimer.gen, SlaTimer.state).where(
            SlaTimer.clock_id == clock.id, SlaTimer.what.like(CHASE)
        )
    ).all()
    used = [int(what.removeprefix("chase")) for what, gen, _ in rows if gen == clock.gen]
    return f"chase{max([sum(state == 'fired' for *_, state in rows), *used]) + 1}"


def chase_from(work: Work, ticket: Ticket, clock: SlaClock, at: datetime) -> None:
    """Chase a late clock again from `at` on, whatever was done about it before."""
    if ticket.taken_at is None and clock.state is ClockState.RUNNING and clock.breached_at is not None:
        _add_timer(work, clock, _next_chase(work, clock), at)


def _check(work: Work, ticket: Ticket, clock: SlaClock, timer: SlaTimer) -> None:
    if _event(work, clock, timer.what, timer.gen, timer.fire_at):
        paging.page(
            work, kind="check", key=_key(clock, timer.what, timer.gen), code="sla.check_due",
            facts=_facts(ticket, clock), ticket_id=ticket.id, charger_id=ticket.charger_id,
            urgent=ticket.priority in _SERIOUS,
        )  # fmt: skip


def _event(work: Work, clock: SlaClock, what: str, gen: int, effective_at: datetime) -> bool:
    """Write down what a clock did; tells whether it was the first to."""
    dialect: Any = postgresql if work.postgresql else sqlite
    row = dialect.insert(SlaEvent).values(
        clock_id=clock.id, what=what, gen=gen, effective_at=effective_at, recorded_at=work.now,
        facts={"target_s": clock.target_s, "consumed_s": clock.consumed_s, "due_at": _iso(clock.due_at)},
    )  # fmt: skip
    made = work.session.execute(row.on_conflict_do_nothing().returning(SlaEvent.id)).first()
    cards.touch(work, ticket_id=clock.ticket_id)
    work.wake(f"live.ticket.{clock.ticket_id}")
    return made is not None


def _key(clock: SlaClock, what: str, gen: int) -> str:
    return f"sla:{clock.id}:{what}:{gen}"


def _facts(ticket: Ticket, clock: SlaClock) -> dict[str, Any]:
    return {
        "ref": ticket.ref,
        "summary": ticket.summary,
        "priority": {"$code": f"ticket.priority.{ticket.priority.value}"},
        "target": {"$span": clock.target_s},
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
