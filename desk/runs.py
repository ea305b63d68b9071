"""Procedures are asked for here: whether one may start, what became of it, and that somebody was told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select

from desk import audit, chargers
from desk.work import Work
from models.access import ActorKind, Permission
from models.audit import Meta
from models.charger import (
    Charger,
    ChargerCommand,
    ChargerState,
    Connector,
    FaultClass,
    OrderKind,
    ProcedureRun,
    RunKind,
    RunResult,
    Site,
    fault_class,
)
from models.charging import ChargingTransaction
from models.conversation import PROVES_NOTHING, Conversation
from models.errors import Busy, NotFound, Refusal

DEADLINE_S = 1_800
RESET_PAUSE_S = 600
PER_CONNECTOR, PER_CONNECTOR_S = 3, 24 * 3600
PER_CONTACT, PER_CONTACT_S = 3, 3600
PER_NETWORK, PER_NETWORK_S = 10, 600
OUT_PER_CONTACT, OUT_PER_CONTACT_S = 1, 3600
OUT_PER_NETWORK, OUT_PER_NETWORK_S = 3, 600
OUT_UNPROVEN = ((1, 600), (3, 24 * 3600))
"""Of these in the whole network on the word of people who prove nothing of themselves: (how many, in seconds)."""

_NOTHING_DONE = (RunResult.REFUSED, RunResult.NOT_CONNECTED, RunResult.ALREADY_CLEAR, RunResult.STOPPED)
_REMEDIES = (RunKind.CLEAR_FAULT, RunKind.REBOOT)


def start(
    work: Work, kind: RunKind, charger_id: str, *, connector: int | None = None, args: dict[str, Any] | None = None,
    conversation_id: int | None = None, message_id: int | None = None, incident_id: int | None = None,
) -> ProcedureRun:  # fmt: skip
    """Write down that a procedure shall run; a worker takes it up at once.

    Refuses with the reason: `charger.unknown`, `run.not_connected`, `run.already_running`, `run.out_of_service`,
    `run.safety`, `run.no_fault`, `run.in_session`, `run.switched_off`, `run.too_soon`, `run.too_many`,
    `run.unproven`.
    Taking a charger out of service does not wait: a procedure under way is stopped and followed by it.
    """
    work.require(Permission.COMMAND_CHARGERS)
    chargers.get(work, charger_id)
    charger = work.lock(Charger, charger_id)
    assert charger is not None
    running = _locked_run(work, charger_id)
    if not charger.online:
        raise Refusal("run.not_connected", charger_id=charger_id)
    if running is not None and (kind is not RunKind.TAKE_OUT_OF_SERVICE or running.kind is kind or _followed(running)):
        raise Busy("run.already_running", charger_id=charger_id, run=running.id)
    match kind:
        case RunKind.CLEAR_FAULT:
            connector = _may_clear(work, charger, connector, conversation_id)
        case RunKind.REBOOT:
            # A person has confirmed it, and reboot means the hard reset to them.
            args = {"hard": _by_person(work), **(args or {})}
            _may_reboot(work, charger, args, conversation_id)
        case RunKind.TAKE_OUT_OF_SERVICE:
            _may_take_out(work, charger, conversation_id)
        case RunKind.START_CHARGE | RunKind.STOP_CHARGE | RunKind.UNLOCK:
            raise ValueError(f"{kind} has its own verb")
    if running is not None:
        return _follow(
            work, running, kind=kind.value, args=args or {}, conversation_id=conversation_id, message_id=message_id,
            incident_id=incident_id,
        )  # fmt: skip
    return make(
        work, kind, charger_id, connector=connector, args=args or {}, conversation_id=conversation_id,
        message_id=message_id, incident_id=incident_id,
    )  # fmt: skip


def hold(work: Work, charger_id: str) -> Charger:
    """A charger held for a procedure: connected, of this actor, and none under way."""
    work.require(Permission.COMMAND_CHARGERS)
    chargers.get(work, charger_id)
    charger = work.lock(Charger, charger_id)
    assert charger is not None
    if not charger.online:
        raise Refusal("run.not_connected", charger_id=charger_id)
    running = _locked_run(work, charger_id)
    if running is not None:
        raise Busy("run.already_running", charger_id=charger_id, run=running.id)
    return charger


def make(
    work: Work, kind: RunKind, charger_id: str, *, connector: int | None, args: dict[str, Any],
    conversation_id: int | None, message_id: int | None, incident_id: int | None,
) -> ProcedureRun:  # fmt: skip
    """The row itself, in the actor's name; who calls this has asked whether it may be."""
    run = ProcedureRun(
        kind=kind, charger_id=charger_id, connector=connector, args=args, steps=[], conversation_id=conversation_id,
        message_id=message_id, incident_id=incident_id, actor_kind=work.actor.kind.value, actor_id=work.actor.id,
        actor_name=work.actor.name, created_at=work.now, deadline_at=work.now + timedelta(seconds=DEADLINE_S),
    )  # fmt: skip
    work.session.add(run)
    work.session.flush()
    audit.record(
        work, f"charger.{kind.value}", f"charger:{charger_id}", run=run.id, connector=connector, args=args,
        conversation_id=conversation_id,
    )  # fmt: skip
    work.wake("run")
    work.wake(f"live.run.{run.id}")
    return run


def _locked_run(work: Work, charger_id: str) -> ProcedureRun | None:
    """The run under way, held so that it cannot end before what it is told here is written."""
    found = open_run(work, charger_id)
    run = work.lock(ProcedureRun, found.id) if found is not None else None
    return run if run is not None and run.ended_at is None else None


def _follow(work: Work, running: ProcedureRun, **then: Any) -> ProcedureRun:
    """Stop the procedure under way; the next one is made in its actor's name as it ends."""
    running.stop_asked = True
    actor = [work.actor.kind.value, work.actor.id, work.actor.name]
    running.args = {**running.args, "then": {**then, "actor": actor}}
    work.wake(f"run.{running.id}")
    work.wake(f"live.charger.{running.charger_id}")
    return running


def _followed(run: ProcedureRun) -> bool:
    return "then" in run.args


# Guards ---------------------------------------------------------------------------------------------------------


def _may_clear(work: Work, charger: Charger, connector: int | None, conversation_id: int | None) -> int:
    """The connector to be cleared."""
    if charger.out_of_service_since_at is not None:
        raise Refusal("run.out_of_service", charger_id=charger.id)
    rows = chargers.connectors(work, charger.id)
    _refuse_safety(charger, rows)
    ailing = [row for row in rows if row.status is ChargerState.FAULTED]
    if connector is not None and not any(row.number == connector for row in rows):
        raise NotFound("run.no_connector", charger_id=charger.id, connector=connector)
    chosen = [row for row in ailing if connector is None or row.number in (connector, 0)]
    if not chosen and not _by_person(work):
        raise Refusal("run.no_fault", charger_id=charger.id)
    number = connector if connector is not None else max(next((row.number for row in chosen), 1), 1)
    _refuse_session(work, charger, number)
    _refuse_switched_off(work, charger)
    _refuse_too_soon(work, charger)
    _refuse_too_many(work, charger, number, conversation_id)
    return number


def _may_reboot(work: Work, charger: Charger, args: dict[str, Any], conversation_id: int | None) -> None:
    _refuse_safety(charger, chargers.connectors(work, charger.id))
    if not (args.get("force") and _by_person(work)):
        _refuse_session(work, charger, None)
    if _by_person(work):
        return
    if charger.out_of_service_since_at is not None:
        raise Refusal("run.out_of_service", charger_id=charger.id)
    _refuse_switched_off(work, charger)
    _refuse_too_soon(work, charger)
    _refuse_too_many(work, charger, None, conversation_id)


def _may_take_out(work: Work, charger: Charger, conversation_id: int | None) -> None:
    if charger.out_of_service_since_at is not None:
        raise Refusal("run.out_of_service", charger_id=charger.id)
    if _by_person(work):
        return
    recent = select(func.count(ProcedureRun.id)).where(ProcedureRun.kind == RunKind.TAKE_OUT_OF_SERVICE, *_by_machine())
    _refuse_beyond(work, recent, OUT_PER_NETWORK, OUT_PER_NETWORK_S, charger)
    contact_id = _contact(work, conversation_id)
    if contact_id is not None:
        theirs = recent.join(Conversation, Conversation.id == ProcedureRun.conversation_id)
        _refuse_beyond(
            work, theirs.where(Conversation.contact_id == contact_id), OUT_PER_CONTACT, OUT_PER_CONTACT_S, charger
        )
    conversation = work.session.get(Conversation, conversation_id) if conversation_id is not None else None
    if conversation is not None and conversation.channel in PROVES_NOTHING:
        _refuse_unproven(work, recent.join(Conversation, Conversation.id == ProcedureRun.conversation_id), charger)


def _refuse_unproven(work: Work, recent: Any, charger: Charger) -> None:
    """Whoever asks could be one and the same person every time: a few chargers, and a member decides on the rest."""
    theirs = recent.where(Conversation.channel.in_(PROVES_NOTHING))
    for limit, within_s in OUT_UNPROVEN:
        try:
            _refuse_beyond(work, theirs, limit, within_s, charger)
        except Refusal as refusal:
            raise Refusal("run.unproven", **refusal.facts) from None


def _by_person(work: Work) -> bool:
    return work.actor.kind in (ActorKind.MEMBER, ActorKind.OPERATOR)


def _by_machine() -> tuple[Any, ...]:
    return (ProcedureRun.actor_kind.not_in((ActorKind.MEMBER.value, ActorKind.OPERATOR.value)),)


def _refuse_safety(charger: Charger, rows: list[Connector]) -> None:
    """One word of danger anywhere on the charger is enough, whoever asks."""
    for row in rows:
        told = row.status is ChargerState.FAULTED or row.error_code != "NoError"
        if told and fault_class(row.error_code, row.vendor_error, row.info) is FaultClass.SAFETY:
            raise Refusal("run.safety", charger_id=charger.id, error_code=row.error_code)


def _refuse_session(work: Work, charger: Charger, connector: int | None) -> None:
    query = select(ChargingTransaction.id).where(
        ChargingTransaction.charger_id == charger.id, ChargingTransaction.stopped_at.is_(None)
    )
    if connector is not None:
        query = query.where(ChargingTransaction.connector == connector)
    if work.session.scalar(query.limit(1)) is not None:
        raise Refusal("run.in_session", charger_id=charger.id)


def _refuse_switched_off(work: Work, charger: Charger) -> None:
    if _by_person(work):
        return
    site = work.session.get(Site, charger.site_id) if charger.site_id is not None else None
    if not (charger.auto_heal and (site is None or site.auto_heal) and network_heals(work)):
        raise Refusal("run.switched_off", charger_id=charger.id)


def network_heals(work: Work) -> bool:
    """Whether the assistant may heal chargers by itself at all."""
    switch = work.session.get(Meta, "auto_heal")
    return switch is None or switch.value != "off"


def last_reset(work: Work, charger_id: str) -> Any:
    """When a reset was last sent to a charger, by whomever; None for never."""
    return work.session.scalar(
        select(func.max(ChargerCommand.sent_at)).where(
            ChargerCommand.charger_id == charger_id, ChargerCommand.kind == OrderKind.RESET
        )
    )


def _refuse_too_soon(work: Work, charger: Charger) -> None:
    sent = last_reset(work, charger.id)
    if sent is not None and sent > work.now - timedelta(seconds=RESET_PAUSE_S):
        again_at = sent + timedelta(seconds=RESET_PAUSE_S)
        raise Refusal("run.too_soon", charger_id=charger.id, again={"$at": again_at.isoformat()})


def _refuse_too_many(work: Work, charger: Charger, connector: int | None, conversation_id: int | None) -> None:
    done = select(func.count(ProcedureRun.id)).where(
        ProcedureRun.kind.in_(_REMEDIES),
        or_(ProcedureRun.result.is_(None), ProcedureRun.result.not_in(_NOTHING_DONE)),
    )
    here = done.where(ProcedureRun.charger_id == charger.id)
    if connector is not None:
        here = here.where(or_(ProcedureRun.connector == connector, ProcedureRun.connector.is_(None)))
    _refuse_beyond(work, here, PER_CONNECTOR, PER_CONNECTOR_S, charger)
    if _by_person(work):
        return
    machine = done.where(*_by_machine())
    _refuse_beyond(work, machine, PER_NETWORK, PER_NETWORK_S, charger)
    contact_id = _contact(work, conversation_id)
    if contact_id is not None:
        theirs = machine.join(Conversation, Conversation.id == ProcedureRun.conversation_id)
        _refuse_beyond(work, theirs.where(Conversation.contact_id == contact_id), PER_CONTACT, PER_CONTACT_S, charger)


def _refuse_beyond(work: Work, count: Any, limit: int, within_s: int, charger: Charger) -> None:
    since = work.now - timedelta(seconds=within_s)
    if (work.session.scalar(count.where(ProcedureRun.created_at > since)) or 0) >= limit:
        raise Refusal("run.too_many", charger_id=charger.id, limit=limit, within={"$span": within_s})


def _contact(work: Work, conversation_id: int | None) -> int | None:
    conversation = work.session.get(Conversation, conversation_id) if conversation_id is not None else None
    return conversation.contact_id if conversation else None


def switch_network(work: Work, on: bool) -> None:
    """Let the assistant heal chargers by itself anywhere, or nowhere."""
    work.require(Permission.EDIT_CHARGERS)
    work.session.merge(Meta(key="auto_heal", value="on" if on else "off"))
    audit.record(work, "network.auto_heal", "network", on=on)


# What became of it ----------------------------------------------------------------------------------------------


def open_run(work: Work, charger_id: str) -> ProcedureRun | None:
    """The procedure under way at a charger."""
    return work.session.scalar(
        select(ProcedureRun).where(ProcedureRun.charger_id == charger_id, ProcedureRun.ended_at.is_(None))
    )


def get(work: Work, run_id: int) -> dict[str, Any]:
    """A run, JSON-ready; a CPO sees those of its own chargers."""
    run = work.session.get(ProcedureRun, run_id)
    if run is None:
        raise NotFound("run.unknown", run=run_id)
    try:
        chargers.get(work, run.charger_id)
    except NotFound:  # whose charger it is about is not this actor's to know
        raise NotFound("run.unknown", run=run_id) from None
    return facts(run)


def facts(run: ProcedureRun) -> dict[str, Any]:
    """`state` is waiting, running or ended; `result` a RunResult; `steps` the evidence."""
    state = "ended" if run.ended_at else "running" if run.lease_owner else "waiting"
    return {
        "id": run.id,
        "kind": run.kind.value,
        "charger_id": run.charger_id,
        "connector": run.connector,
        "state": state,
        "step": run.step,
        "steps": list(run.steps),
        "result": run.result.value if run.result else None,
        "facts": dict(run.facts or {}),
        "by": run.actor_name,
        "conversation_id": run.conversation_id,
        "incident_id": run.incident_id,
        "created_at": run.created_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
    }


def page(work: Work, charger_id: str, *, limit: int = 20) -> list[dict[str, Any]]:
    """The last runs at a charger, newest first."""
    chargers.get(work, charger_id)
    query = select(ProcedureRun).where(ProcedureRun.charger_id == charger_id).order_by(ProcedureRun.id.desc())
    return [facts(run) for run in work.session.scalars(query.limit(limit))]


def stop_for_safety(work: Work, charger_id: str) -> None:
    """End whatever runs at a charger before its next step."""
    run = _locked_run(work, charger_id)
    if run is not None and run.kind is not RunKind.TAKE_OUT_OF_SERVICE:
        run.stop_asked = True
        audit.record(work, "charger.run_stopped", f"charger:{charger_id}", run=run.id)
        work.wake(f"run.{run.id}")
        work.wake(f"live.charger.{charger_id}")


def unreported(work: Work, limit: int = 50) -> list[ProcedureRun]:
    """Runs that ended and whose outcome the person who wrote was not told yet, oldest first."""
    return list(
        work.session.scalars(
            select(ProcedureRun)
            .where(
                ProcedureRun.ended_at.is_not(None),
                ProcedureRun.reported_at.is_(None),
                ProcedureRun.conversation_id.is_not(None),
            )
            .order_by(ProcedureRun.ended_at)
            .limit(limit)
        )
    )


def reported(work: Work, run_id: int) -> None:
    """The person was told."""
    run = work.lock(ProcedureRun, run_id)
    if run is not None and run.reported_at is None:
        run.reported_at = work.now
