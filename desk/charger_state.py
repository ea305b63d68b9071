"""What chargers report: sockets, boots, states, silence; and the incidents that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from desk import board, charging, incidents, orders, outbox, paging
from desk.work import Work
from models.access import ASSISTANT
from models.charger import (
    Charger,
    ChargerState,
    ChargerVariable,
    Connector,
    FaultClass,
    OcppFrame,
    ProcedureRun,
    fault_class,
)
from models.charging import ChargingTransaction
from models.conversation import Conversation
from models.errors import NotFound
from models.incident import Incident, IncidentState
from models.ports import BootReport, FrameRecord, StatusReport
from models.reply import Intent, Reply

GRACE_S = 300
"""How long a charger whose socket closed may stay away before anybody is told."""
SLACK_S = 30
_FORGOTTEN_S = 48 * 3600


def _charger(work: Work, charger_id: str) -> Charger:
    charger = work.lock(Charger, charger_id)
    if charger is None:
        raise NotFound("charger.unknown", id=charger_id)
    return charger


def _heard(charger: Charger, at: datetime) -> None:
    charger.last_seen_at = max(charger.last_seen_at or at, at)


def _kept(text: str | None, length: int) -> str | None:
    """What both engines can store; None for nothing."""
    return (text or "").replace("\x00", "").strip()[:length] or None


# Sockets --------------------------------------------------------------------------------------------------------


def connected(work: Work, charger_id: str, version: str, at: datetime) -> int:
    """The newest socket of a charger is the one that counts; gives its epoch."""
    charger = _charger(work, charger_id)
    charger.epoch += 1
    charger.online, charger.node = True, work.house.node
    charger.ocpp_version = version
    charger.connected_before_at, charger.connected_at = charger.connected_at, at
    _heard(charger, at)
    orders.lose_elsewhere(work, charger_id)
    work.wake(f"live.charger.{charger_id}")
    _end_silence(work, charger_id)
    return charger.epoch


def disconnected(work: Work, charger_id: str, epoch: int, at: datetime) -> None:
    """That socket went. An older one than the newest touches nothing."""
    charger = _charger(work, charger_id)
    if charger.epoch == epoch and charger.online:
        charger.online, charger.node = False, None
        _heard(charger, at)
        work.wake(f"live.charger.{charger_id}")


def forget_others(work: Work) -> int:
    """At a start: on SQLite this is the only process, so that sockets which another held are gone."""
    if work.postgresql:
        return 0
    gone = work.session.scalars(
        update(Charger)
        .where(Charger.online.is_(True), or_(Charger.node.is_(None), Charger.node != work.house.node))
        .values(online=False, node=None)
        .returning(Charger.id)
    ).all()
    for charger_id in gone:
        work.wake(f"live.charger.{charger_id}")
    return len(gone)


def booted(work: Work, charger_id: str, report: BootReport, at: datetime, *, heartbeat_interval_s: int) -> None:
    """What the charger says of itself at boot."""
    charger = _charger(work, charger_id)
    charger.vendor, charger.model = _kept(report.vendor, 80), _kept(report.model, 80)
    charger.serial_number = _kept(report.serial_number, 80) or charger.serial_number
    charger.firmware = _kept(report.firmware, 80) or charger.firmware
    charger.booted_at, charger.heartbeat_interval_s = at, heartbeat_interval_s
    _heard(charger, at)
    work.wake(f"live.charger.{charger_id}")


def seen(work: Work, when: Mapping[str, datetime]) -> None:
    """When chargers were last heard. One that was taken for silent is back."""
    table: Any = Charger.__table__
    rows = [{"who": charger_id, "at_": at} for charger_id, at in sorted(when.items())]
    if not rows:
        return
    away = work.session.scalars(select(Charger).where(Charger.id.in_(when), Charger.online.is_(False))).all()
    for charger in away:
        if charger.last_seen_at is not None and when[charger.id] > charger.last_seen_at:
            charger.online, charger.node = True, work.house.node
            work.wake(f"live.charger.{charger.id}")
            _end_silence(work, charger.id)
    work.session.flush()
    work.session.connection().execute(
        update(table)
        .where(
            table.c.id == bindparam("who"), or_(table.c.last_seen_at.is_(None), table.c.last_seen_at < bindparam("at_"))
        )
        .values(last_seen_at=bindparam("at_")),
        rows,
    )


# States ---------------------------------------------------------------------------------------------------------


def reported(work: Work, charger_id: str, report: StatusReport, at: datetime) -> None:
    """A connector's state as the charger tells it, received at `at`."""
    charger = _charger(work, charger_id)
    row = work.lock(Connector, (charger_id, report.connector))
    if row is None:
        row = Connector(charger_id=charger_id, number=report.connector)
        work.session.add(row)
    was_faulted = row.status is ChargerState.FAULTED
    known_error = row.error_code
    row.status, row.error_code = report.status, _kept(report.error_code, 80) or "NoError"
    row.vendor_error, row.info = _kept(report.vendor_error, 80), _kept(report.info, 200)
    row.reported_at, row.received_at = report.reported_at, at
    row.evse = report.evse if report.evse is not None else row.evse
    row.evse_connector = report.evse_connector if report.evse_connector is not None else row.evse_connector
    faulted = row.status is ChargerState.FAULTED
    row.faulted_since_at = (row.faulted_since_at or at) if faulted else None
    _note_skew(charger, report, at)
    _heard(charger, at)
    work.session.flush()
    work.wake(f"live.charger.{charger_id}")
    if row.status is ChargerState.AVAILABLE and row.number > 0:
        charging.vanish(work, charger_id, row.number, at)
    if faulted and (not was_faulted or row.error_code != known_error):
        _faulted(work, charger, row)
    elif not faulted:
        _end_if_healthy(work, charger, recovered=was_faulted)


def _note_skew(charger: Charger, report: StatusReport, at: datetime) -> None:
    """How far the charger's clock is ahead of ours. A report that waited in its queue only looks behind, so the
    estimate rises at once and falls by halves."""
    if report.reported_at is None:
        return
    sample = (report.reported_at - at).total_seconds()
    gap = sample - charger.clock_skew_s
    charger.clock_skew_s += gap if gap > 0 else gap / 2


def settle(work: Work, charger_id: str, *, healed: bool) -> None:
    """After a procedure: what it held back follows now, an incident for a fault, the end of one for health.

    `healed`: the procedure saw the charger come back.
    """
    charger = _charger(work, charger_id)
    ailing = work.session.scalars(
        select(Connector)
        .where(Connector.charger_id == charger_id, Connector.status == ChargerState.FAULTED)
        .order_by(Connector.number)
    ).all()
    for row in ailing:
        _faulted(work, charger, row)
    if not ailing:
        _end_if_healthy(work, charger, recovered=healed, how=incidents.HEALED if healed else "charger")


def _faulted(work: Work, charger: Charger, row: Connector) -> None:
    if _in_procedure(work, charger.id):
        return
    incident, _ = incidents.join(work, charger.id, conversation_id=None, cause="charger", error_code=row.error_code)
    facts = {
        "charger_id": charger.id, "name": charger.name, "connector": row.number, "error_code": row.error_code,
        "vendor_error": row.vendor_error, "info": row.info,
    }  # fmt: skip
    key = f"fault:{charger.id}:{incident.id}:{row.number}:{row.error_code}"[:200]
    if fault_class(row.error_code, row.vendor_error, row.info) is FaultClass.SAFETY:
        paging.page(
            work, kind="safety", key=key, code="charger.safety_fault", facts=facts, charger_id=charger.id, urgent=True
        )
    else:
        board.raise_alert(work, kind="fault", key=key, code="charger.faulted", facts=facts, charger_id=charger.id)
    _trouble_in_session(work, charger, row)


def _trouble_in_session(work: Work, charger: Charger, row: Connector) -> None:
    """A driver whose session is hit is told, once; a fault of the meter marks the session's bill."""
    query = select(ChargingTransaction).where(
        ChargingTransaction.charger_id == charger.id, ChargingTransaction.stopped_at.is_(None)
    )
    if row.number > 0:
        query = query.where(ChargingTransaction.connector == row.number)
    for transaction in work.session.scalars(query).all():
        if fault_class(row.error_code, row.vendor_error, row.info) is FaultClass.METER:
            transaction.meter_error = True
        conversation = work.session.scalar(
            select(Conversation)
            .where(Conversation.contact_id == transaction.contact_id, Conversation.last_inbound_at.is_not(None))
            .order_by(Conversation.last_inbound_at.desc())
            .limit(1)
        )
        if conversation is not None:
            facts = {"charger_id": charger.id, "connector": transaction.connector, "error_code": row.error_code}
            outbox.say(
                work.acting_as(ASSISTANT), conversation, Reply("session.fault", facts),
                key=f"session.fault:{transaction.id}", intent=Intent.NOTICE,
            )  # fmt: skip


def _in_procedure(work: Work, charger_id: str) -> bool:
    query = select(ProcedureRun.id).where(ProcedureRun.charger_id == charger_id, ProcedureRun.ended_at.is_(None))
    return work.session.scalar(query.limit(1)) is not None


def _open_incident(work: Work, charger_id: str) -> Incident | None:
    return work.session.scalar(
        select(Incident).where(Incident.charger_id == charger_id, Incident.state == IncidentState.OPEN)
    )


def _is_healthy(work: Work, charger_id: str) -> bool:
    """Every connector was heard and none is in fault."""
    states = work.session.scalars(select(Connector.status).where(Connector.charger_id == charger_id)).all()
    return bool(states) and ChargerState.FAULTED not in states


def _end_if_healthy(work: Work, charger: Charger, *, recovered: bool, how: str = "charger") -> None:
    """The charger itself says that all is well again. Of an incident that rests on people's word alone, a charger
    that never saw a fault is no judge, until a member let it back into service; nor is it while a procedure works on
    it or it is out of service."""
    incident = _open_incident(work, charger.id)
    if incident is None or charger.out_of_service_since_at is not None or _in_procedure(work, charger.id):
        return
    seen_by_charger = recovered or incident.cause in ("charger", "silence") or incident.error_code is not None
    its_word_counts = seen_by_charger and incident.cause != "safety"
    judged_safe = incidents.JUDGED_SAFE in (incident.facts or {})
    if (its_word_counts or judged_safe) and _is_healthy(work, charger.id):
        incidents.end(work, charger.id, how=how)


def _end_silence(work: Work, charger_id: str) -> None:
    incident = _open_incident(work, charger_id)
    if incident is not None and incident.cause == "silence" and _is_healthy(work, charger_id):
        incidents.end(work, charger_id, how="charger")


# Silence --------------------------------------------------------------------------------------------------------


def mark_silent(work: Work, limit: int = 200) -> int:
    """Chargers that say nothing for two heartbeats and a half minute are offline; whoever stays away for five
    minutes, by silence or a closed socket, opens an incident. Gives how many were newly told of."""
    told = 0
    for charger in _gone_quiet(work, limit):
        charger.online, charger.node = False, None
        work.wake(f"live.charger.{charger.id}")
        told += _silent(work, charger)
    for charger in _stayed_away(work, limit):
        told += _silent(work, charger)
    return told


def _gone_quiet(work: Work, limit: int) -> list[Charger]:
    """On either engine the arithmetic is done here: intervals are spelled differently in each."""
    shortest = work.session.scalar(select(func.min(Charger.heartbeat_interval_s)).where(Charger.online.is_(True)))
    if shortest is None:
        return []
    rows = work.session.scalars(
        select(Charger)
        .where(Charger.online.is_(True), Charger.last_seen_at < work.now - timedelta(seconds=2 * shortest + SLACK_S))
        .order_by(Charger.last_seen_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [row for row in rows if _quiet_s(work, row) > 2 * row.heartbeat_interval_s + SLACK_S]


def _quiet_s(work: Work, charger: Charger) -> float:
    return (work.now - charger.last_seen_at).total_seconds() if charger.last_seen_at else 0.0


def _stayed_away(work: Work, limit: int) -> list[Charger]:
    told = select(Incident.id).where(
        Incident.charger_id == Charger.id, Incident.state == IncidentState.OPEN, Incident.cause == "silence"
    )
    return list(
        work.session.scalars(
            select(Charger)
            .where(
                Charger.online.is_(False),
                Charger.last_seen_at < work.now - timedelta(seconds=GRACE_S),
                Charger.last_seen_at > work.now - timedelta(seconds=_FORGOTTEN_S),
                ~told.exists(),
            )
            .order_by(Charger.last_seen_at.desc())
            .limit(limit)
        )
    )


def _silent(work: Work, charger: Charger) -> bool:
    """Tell of a silent charger, once for each silence."""
    assert charger.last_seen_at is not None
    alert = board.raise_alert(
        work, kind="fault", key=f"silent:{charger.id}:{charger.last_seen_at.isoformat()}", code="charger.silent",
        facts={"charger_id": charger.id, "name": charger.name, "since": {"$at": charger.last_seen_at.isoformat()}},
        charger_id=charger.id,
    )  # fmt: skip
    if alert is not None:
        incidents.join(work, charger.id, conversation_id=None, cause="silence")
    return alert is not None


# Logs -----------------------------------------------------------------------------------------------------------


def note_variables(work: Work, charger_id: str, values: Mapping[str, tuple[str | None, bool]], at: datetime) -> None:
    """Configuration as read from a charger, the newest value of each key."""
    if not values:
        return
    dialect: Any = postgresql if work.postgresql else sqlite
    statement = dialect.insert(ChargerVariable.__table__).values(
        [
            {
                "charger_id": charger_id,
                "key": key[:120],
                "value": _kept(value, 5_000),
                "readonly": readonly,
                "read_at": at,
            }
            for key, (value, readonly) in values.items()
        ]
    )
    fresh = statement.excluded
    work.session.execute(
        statement.on_conflict_do_update(
            index_elements=["charger_id", "key"],
            set_={"value": fresh.value, "readonly": fresh.readonly, "read_at": fresh.read_at},
        )
    )


def note_frames(work: Work, records: Sequence[FrameRecord]) -> None:
    """Append to the frame log."""
    if records:
        work.session.execute(
            insert(OcppFrame),
            [
                {
                    "charger_id": one.charger_id, "at": one.at, "direction": one.direction,
                    "action": one.action[:48] if one.action else None, "frame": one.frame.replace("\x00", ""),
                }
                for one in records
            ],
        )  # fmt: skip
