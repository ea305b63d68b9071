"""A procedure's row while it runs: who holds it, its steps, what must be put back, its end.

Every step is fenced: a worker whose lease passed to another writes nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import null, or_, select, update

from desk import board, charger_state, chargers, orders, runs
from desk.work import Work
from models.access import Actor, ActorKind
from models.charger import (
    Charger,
    ChargerCommand,
    ChargerState,
    Connector,
    FaultClass,
    OrderKind,
    OrderOutcome,
    ProcedureRun,
    RunKind,
    RunResult,
    fault_class,
)
from models.charging import ChargingTransaction
from models.ports import OrderAnswer


class LeaseLost(Exception):  # noqa: N818 - an order to stand aside
    """Another worker holds this run now."""


@dataclass(frozen=True)
class Claimed:
    """A run in the hands of a worker. `died`: another worker began it and is gone."""

    id: int
    kind: RunKind
    charger_id: str
    connector: int | None
    args: dict[str, Any]
    created_at: datetime
    died: bool = False


@dataclass(frozen=True)
class Outlet:
    """A connector as last heard. Number 0 is the station as a whole."""

    number: int
    status: ChargerState
    error_code: str
    fault: FaultClass
    reported_at: datetime | None
    received_at: datetime | None

    @property
    def faulted(self) -> bool:
        """The charger says that it does not work."""
        return self.status is ChargerState.FAULTED

    @property
    def clear(self) -> bool:
        """No fault and no warning."""
        return not self.faulted and self.error_code == "NoError"


@dataclass(frozen=True)
class View:
    """A charger as a procedure sees it at one moment."""

    at: datetime
    online: bool
    epoch: int
    connected_at: datetime | None
    booted_at: datetime | None
    skew_s: float
    out_of_service: bool
    last_reset_at: datetime | None
    outlets: dict[int, Outlet] = field(default_factory=dict)
    sessions: dict[int, int] = field(default_factory=dict)  # transaction → connector

    def in_session(self, connector: int) -> bool:
        """Somebody charges at that connector."""
        return connector in self.sessions.values()

    def as_facts(self) -> dict[str, Any]:
        """For the run's snapshot."""
        return {
            "online": self.online,
            "connectors": {
                str(one.number): {"status": one.status.value, "error_code": one.error_code}
                for one in self.outlets.values()
            },
            "sessions": sorted(self.sessions),
        }


def look(work: Work, charger_id: str) -> View:
    """The charger as it is known now."""
    charger = work.session.get_one(Charger, charger_id)
    rows = work.session.execute(
        select(ChargingTransaction.id, ChargingTransaction.connector).where(
            ChargingTransaction.charger_id == charger_id, ChargingTransaction.stopped_at.is_(None)
        )
    )
    return View(
        at=work.now, online=charger.online, epoch=charger.epoch, connected_at=charger.connected_at,
        booted_at=charger.booted_at, skew_s=charger.clock_skew_s,
        out_of_service=charger.out_of_service_since_at is not None,
        last_reset_at=runs.last_reset(work, charger_id),
        outlets={row.number: _outlet(row) for row in chargers.connectors(work, charger_id)},
        sessions={row.id: row.connector for row in rows},
    )  # fmt: skip


def watch(work: Work, run_id: int, charger_id: str) -> tuple[View, bool]:
    """The charger, and whether a safety message asks the run to stop."""
    stop = work.session.scalar(select(ProcedureRun.stop_asked).where(ProcedureRun.id == run_id))
    return look(work, charger_id), bool(stop)


def _outlet(row: Connector) -> Outlet:
    return Outlet(
        row.number, row.status, row.error_code, fault_class(row.error_code, row.vendor_error, row.info),
        row.reported_at, row.received_at,
    )  # fmt: skip


# Taking up ------------------------------------------------------------------------------------------------------


def claim(work: Work, owner: str, lease_s: float, limit: int, besides: Iterable[int] = ()) -> list[Claimed]:
    """Runs that wait, and runs whose worker died, leased to `owner`; not those `besides`, which it is at already."""
    free = (
        select(ProcedureRun.id)
        .where(
            ProcedureRun.ended_at.is_(None),
            ProcedureRun.id.not_in(list(besides)),
            or_(ProcedureRun.lease_owner.is_(None), ProcedureRun.lease_until_at < work.now),
        )
        .order_by(ProcedureRun.id)
        .limit(limit)
    )
    ids = work.session.scalars(free.with_for_update(skip_locked=True) if work.postgresql else free).all()
    claimed: list[Claimed] = []
    for run_id in ids:
        run = work.session.get_one(ProcedureRun, run_id, populate_existing=True)
        died = run.lease_owner is not None
        if died:
            orders.withdraw(work, run.id)
            _note(work, run, "reap", "worker died", {"at_step": run.step})
        run.lease_owner, run.lease_until_at = owner, work.now + timedelta(seconds=lease_s)
        claimed.append(Claimed(run.id, run.kind, run.charger_id, run.connector, dict(run.args), run.created_at, died))
    return claimed


def free_dead(work: Work, node: str, owner: str) -> int:
    """At a start: runs that an earlier life of this node held have no worker any more. On SQLite, which has one
    process, that is all of them; elsewhere other nodes' leases must run out."""
    dead = update(ProcedureRun).where(ProcedureRun.ended_at.is_(None), ProcedureRun.lease_owner != owner)
    if work.postgresql:
        dead = dead.where(ProcedureRun.lease_owner.startswith(f"{node}:", autoescape=True))
    result = work.session.execute(dead.values(lease_until_at=work.now - timedelta(seconds=1)))
    return int(getattr(result, "rowcount", 0))


def _held(work: Work, run_id: int, owner: str) -> ProcedureRun:
    run = work.lock(ProcedureRun, run_id)
    if run is None or run.ended_at is not None or run.lease_owner != owner:
        raise LeaseLost(run_id)
    return run


def renew(work: Work, run_id: int, owner: str, lease_s: float) -> None:
    """Still at work."""
    _held(work, run_id, owner).lease_until_at = work.now + timedelta(seconds=lease_s)


def release(work: Work, run_id: int, owner: str) -> None:
    """The process goes: whoever comes next takes the run up as one whose worker died."""
    _held(work, run_id, owner).lease_until_at = work.now - timedelta(seconds=1)


# Steps ----------------------------------------------------------------------------------------------------------


def begin(work: Work, run_id: int, owner: str, step: str) -> bool:
    """About to do a step: written down before it is done. False when the run is to stop first."""
    run = _held(work, run_id, owner)
    if run.stop_asked:
        return False
    run.step = step
    work.wake(f"live.run.{run.id}")
    return True


def note(work: Work, run_id: int, owner: str, step: str, *, outcome: str, facts: dict[str, Any]) -> None:
    """What a step came to: the evidence."""
    _note(work, _held(work, run_id, owner), step, outcome, facts)


def _note(work: Work, run: ProcedureRun, step: str, outcome: str, facts: dict[str, Any]) -> None:
    run.steps = [*run.steps, {"at": work.now.isoformat(), "step": step, "outcome": outcome, **facts}]
    work.wake(f"live.run.{run.id}")


def snapshot(work: Work, run_id: int, owner: str, facts: dict[str, Any]) -> None:
    """How the charger was before anything was done."""
    _held(work, run_id, owner).snapshot = facts


def owe(work: Work, run_id: int, owner: str, connectors: Iterable[int]) -> None:
    """Written down before connectors are made inoperative: they must be put back, whatever happens."""
    _held(work, run_id, owner).restore = {"connectors": sorted(connectors)}


def owed(work: Work, run_id: int) -> list[int]:
    """Connectors that must be put back."""
    restore = work.session.scalar(select(ProcedureRun.restore).where(ProcedureRun.id == run_id))
    return [int(number) for number in (restore or {}).get("connectors", ())]


def restored(work: Work, run_id: int) -> None:
    """They are back; or nothing was done to them."""
    _forget_restore(work, run_id)


def _forget_restore(work: Work, run_id: int) -> None:
    work.session.execute(
        update(ProcedureRun).where(ProcedureRun.id == run_id).values(restore=null()).execution_options(
            synchronize_session="fetch"
        )
    )  # fmt: skip


def answers(work: Work, run_id: int, kind: OrderKind) -> list[OrderAnswer]:
    """How the orders of that kind that a run sent ended, in their order."""
    rows = work.session.scalars(
        select(ChargerCommand)
        .where(ChargerCommand.run_id == run_id, ChargerCommand.kind == kind)
        .order_by(ChargerCommand.requested_at, ChargerCommand.id)
    )
    return [OrderAnswer(row.outcome or OrderOutcome.LOST, row.status, dict(row.response or {})) for row in rows]


def was_operative(work: Work, charger_id: str, connector: int) -> bool:
    """Whether the last accepted order on availability left the connector (or the whole charger) in service."""
    rows = work.session.scalars(
        select(ChargerCommand)
        .where(
            ChargerCommand.charger_id == charger_id,
            ChargerCommand.kind == OrderKind.SET_AVAILABILITY,
            ChargerCommand.outcome == OrderOutcome.ANSWERED,
            ChargerCommand.status.in_(("Accepted", "Scheduled")),
        )
        .order_by(ChargerCommand.requested_at.desc(), ChargerCommand.id.desc())
        .limit(50)
    )
    latest = next((row for row in rows if row.args.get("connector") in (0, connector)), None)
    return latest is None or bool(latest.args.get("operative"))


# The end --------------------------------------------------------------------------------------------------------


def end(work: Work, run_id: int, owner: str, result: RunResult, facts: dict[str, Any]) -> None:
    """The run is over. What the charger reported meanwhile has its consequences now."""
    run = _held(work, run_id, owner)
    run.ended_at, run.result, run.facts, run.step = work.now, result, facts, "ended"
    run.lease_until_at = None
    _note(work, run, "end", result.value, {})
    owing = (run.restore or {}).get("connectors")
    if owing and run.stop_asked:
        # Putting it back would power what somebody called dangerous: it stays out until a member restores it.
        chargers.take_out(work, run.charger_id, "safety")
        _forget_restore(work, run_id)
    elif owing:
        board.raise_alert(
            work, kind="fault", key=f"restore:{run.id}", code="run.restore_owed",
            facts={"charger_id": run.charger_id, "run": run.id}, charger_id=run.charger_id,
        )  # fmt: skip
    work.session.flush()
    for topic in (f"run.{run.id}", f"live.run.{run.id}", f"live.charger.{run.charger_id}", "runs.ended"):
        work.wake(topic)
    if (then := run.args.get("then")) is not None:
        _follow_up(work, run, then)
    else:
        charger_state.settle(work, run.charger_id, healed=result is RunResult.CLEARED)
    if run.kind is RunKind.TAKE_OUT_OF_SERVICE and result is not RunResult.OUT_OF_SERVICE:
        board.raise_alert(
            work, kind="safety", key=f"still_live:{run.id}", code="run.not_taken_out",
            facts={"charger_id": run.charger_id, "run": run.id}, charger_id=run.charger_id, urgent=True,
        )  # fmt: skip


def _follow_up(work: Work, run: ProcedureRun, then: dict[str, Any]) -> None:
    kind, actor_id, name = then["actor"]
    runs.make(
        work.acting_as(Actor(ActorKind(kind), actor_id, name)), RunKind(then["kind"]), run.charger_id, connector=None,
        args=then["args"], conversation_id=then["conversation_id"], message_id=then["message_id"],
        incident_id=then["incident_id"],
    )  # fmt: skip


@dataclass(frozen=True)
class Debt:
    """Connectors of a charger that an ended run left inoperative."""

    run_id: int
    charger_id: str
    connectors: tuple[int, ...]


def debts(work: Work, limit: int = 50) -> list[Debt]:
    """What ended runs still owe to chargers that can be reached and that no run works on; oldest first."""
    busy = select(ProcedureRun.charger_id).where(ProcedureRun.ended_at.is_(None))
    rows = work.session.execute(
        select(ProcedureRun.id, ProcedureRun.charger_id, ProcedureRun.restore)
        .join(Charger, Charger.id == ProcedureRun.charger_id)
        .where(
            ProcedureRun.ended_at.is_not(None),
            ProcedureRun.restore.is_not(None),
            Charger.online.is_(True),
            Charger.out_of_service_since_at.is_(None),
            Charger.id.not_in(busy),
        )
        .order_by(ProcedureRun.id)
        .limit(limit)
    )
    return [
        Debt(run_id, charger_id, tuple(restore["connectors"]))
        for run_id, charger_id, restore in rows
        if restore and restore.get("connectors")
    ]
