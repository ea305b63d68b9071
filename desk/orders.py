"""Orders to chargers: a row before the wire is touched, sent at most once, its end written down."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from desk import audit
from desk.work import Work
from models.access import Permission
from models.charger import Charger, ChargerCommand, OrderKind, OrderOutcome, ProcedureRun
from models.charging import ChargingTransaction
from models.errors import NotFound, Refusal
from models.ports import Order, OrderAnswer

EXPIRY_S = 60.0
"""How long an order may wait to be sent."""

LOST_S = 120.0
"""After so long without an answer whoever sent it is gone; the wire itself waits far less."""

_NOT_IN_SESSION = frozenset({OrderKind.RESET, OrderKind.UNLOCK})


def place(
    work: Work, charger_id: str, kind: OrderKind, args: dict[str, Any], *, run_id: int | None = None,
    order_id: str | None = None, expiry_s: float = EXPIRY_S,
) -> ChargerCommand:  # fmt: skip
    """Write an order down; whoever holds the charger's socket sends it.

    One to a charger that is not connected ends at once. A procedure's orders carry the name of who started it;
    a reset or an unlock outside of a procedure is refused while somebody charges there.
    """
    work.require(Permission.COMMAND_CHARGERS)
    charger = work.session.get(Charger, charger_id)
    if charger is None:
        raise NotFound("charger.unknown", id=charger_id)
    run = work.session.get(ProcedureRun, run_id) if run_id is not None else None
    if run is None and kind in _NOT_IN_SESSION and _charging(work, charger_id, args.get("connector")):
        raise Refusal("run.in_session", charger_id=charger_id)
    command = ChargerCommand(
        id=order_id or str(uuid.uuid4()), charger_id=charger_id, kind=kind, args=args, state="queued",
        run_id=run_id, actor_kind=run.actor_kind if run else work.actor.kind.value,
        actor_id=run.actor_id if run else work.actor.id, actor_name=run.actor_name if run else work.actor.name,
        requested_at=work.now, expires_at=work.now + timedelta(seconds=expiry_s),
    )  # fmt: skip
    work.session.add(command)
    work.session.flush()
    audit.record(
        work, "charger.order", f"charger:{charger_id}", order=command.id, kind=kind.value, args=args, run=run_id
    )
    if charger.online:
        work.wake("order")
    else:
        finish(work, command.id, OrderAnswer(OrderOutcome.NOT_CONNECTED))
    return command


def _charging(work: Work, charger_id: str, connector: Any) -> bool:
    query = select(ChargingTransaction.id).where(
        ChargingTransaction.charger_id == charger_id, ChargingTransaction.stopped_at.is_(None)
    )
    if connector:
        query = query.where(ChargingTransaction.connector == int(connector))
    return work.session.scalar(query.limit(1)) is not None


@dataclass(frozen=True)
class Waiting:
    """An order that waits to be sent."""

    id: str
    charger_id: str


def waiting(work: Work, node: str, limit: int = 200) -> list[Waiting]:
    """Orders for chargers whose socket `node` holds, and for those that nobody holds any more; oldest first."""
    rows = work.session.execute(
        select(ChargerCommand.id, ChargerCommand.charger_id)
        .join(Charger, Charger.id == ChargerCommand.charger_id)
        .where(ChargerCommand.state == "queued", or_(Charger.node == node, Charger.online.is_(False)))
        .order_by(ChargerCommand.requested_at, ChargerCommand.id)
        .limit(limit)
    )
    return [Waiting(order_id, charger_id) for order_id, charger_id in rows]


def begin(work: Work, order_id: str, node: str) -> Order | None:
    """Mark an order as sent, before the wire is touched. None for one that is not to be sent any more."""
    command = work.lock(ChargerCommand, order_id)
    if command is None or command.state != "queued":
        return None
    if command.expires_at < work.now:
        _end(work, command, OrderAnswer(OrderOutcome.EXPIRED))
        return None
    command.state, command.node, command.sent_at = "sent", node, work.now
    return Order(command.id, command.charger_id, command.kind, dict(command.args))


def finish(work: Work, order_id: str, answer: OrderAnswer) -> None:
    """Write down how an order ended; the first end stays."""
    command = work.lock(ChargerCommand, order_id)
    if command is not None and command.state != "ended":
        _end(work, command, answer)


def _end(work: Work, command: ChargerCommand, answer: OrderAnswer) -> None:
    command.state, command.outcome, command.answered_at = "ended", answer.outcome, work.now
    command.status = answer.status[:40] if answer.status else None
    command.response = answer.response
    work.wake(f"order.{command.id}")
    work.wake(f"live.charger.{command.charger_id}")


def sweep(work: Work) -> int:
    """End orders that nobody sent in time, and those whose sender must have died. Gives how many."""
    late = (ChargerCommand.state == "queued") & (ChargerCommand.expires_at < work.now)
    hung = (ChargerCommand.state == "sent") & (ChargerCommand.sent_at < work.now - timedelta(seconds=LOST_S))
    return _end_all(work, late, OrderOutcome.EXPIRED) + _end_all(work, hung, OrderOutcome.LOST)


def lose(work: Work, node: str) -> int:
    """At a start: orders that an earlier life of this process sent will get no answer any more. Never sent again.

    On SQLite there is only one process, whatever it was called.
    """
    sent = ChargerCommand.state == "sent"
    return _end_all(work, (sent & (ChargerCommand.node == node)) if work.postgresql else sent, OrderOutcome.LOST)


def lose_elsewhere(work: Work, charger_id: str) -> int:
    """A charger came to this process: what another one had sent it over an older socket will get no answer."""
    sent = (ChargerCommand.charger_id == charger_id) & (ChargerCommand.state == "sent")
    return _end_all(work, sent & (ChargerCommand.node != work.house.node), OrderOutcome.LOST)


def _end_all(work: Work, which: ColumnElement[bool], outcome: OrderOutcome) -> int:
    ids = work.session.scalars(select(ChargerCommand.id).where(which).limit(500)).all()
    for order_id in ids:
        finish(work, order_id, OrderAnswer(outcome))
    return len(ids)


def withdraw(work: Work, run_id: int) -> None:
    """Orders of a run whose process died and that were not sent yet are never sent."""
    for order_id in work.session.scalars(
        select(ChargerCommand.id).where(ChargerCommand.run_id == run_id, ChargerCommand.state == "queued")
    ).all():
        finish(work, order_id, OrderAnswer(OrderOutcome.EXPIRED))


def nobody_there(work: Work, order_id: str) -> None:
    """No process holds the charger's socket, whatever its row says: an order that was not sent is never sent."""
    command = work.lock(ChargerCommand, order_id)
    if command is not None and command.state == "queued":
        _end(work, command, OrderAnswer(OrderOutcome.NOT_CONNECTED))


def answer(work: Work, order_id: str) -> OrderAnswer | None:
    """How an order ended; None while it has not."""
    command = work.session.get(ChargerCommand, order_id)
    if command is None or command.outcome is None:
        return None
    return OrderAnswer(command.outcome, command.status, dict(command.response or {}))


def give_up(work: Work, order_id: str) -> OrderAnswer:
    """Stop waiting: one that was not sent is never sent, one that was sent is lost. Gives its end."""
    command = work.lock(ChargerCommand, order_id)
    assert command is not None
    if command.state != "ended":
        _end(work, command, OrderAnswer(OrderOutcome.EXPIRED if command.state == "queued" else OrderOutcome.LOST))
    ended = answer(work, order_id)
    assert ended is not None
    return ended


def page(work: Work, charger_id: str, *, limit: int = 20) -> list[dict[str, Any]]:
    """The last orders to a charger, newest first, JSON-ready."""
    work.require(Permission.COMMAND_CHARGERS)
    rows = work.session.scalars(
        select(ChargerCommand)
        .where(ChargerCommand.charger_id == charger_id)
        .order_by(ChargerCommand.requested_at.desc())
        .limit(limit)
    )
    return [
        {
            "id": row.id,
            "kind": row.kind.value,
            "args": row.args,
            "state": row.state,
            "outcome": row.outcome.value if row.outcome else None,
            "status": row.status,
            "by": row.actor_name,
            "run": row.run_id,
            "requested_at": row.requested_at.isoformat(),
            "answered_at": row.answered_at.isoformat() if row.answered_at else None,
        }
        for row in rows
    ]
