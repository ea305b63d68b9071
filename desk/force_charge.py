"""Force charge: staff start a session for a customer. What it may cost is known before, and it ends there.

The session itself is the charger's and is priced and paid like any other. A row watches it: `sweep` finds the session
that belongs to it, has it stopped at its limit, and tells whoever started it how it ended.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select

from desk import audit, board, outcomes, runs, wallets
from desk.charge_quote import Quote, money_in, open_ones, quote
from desk.work import Work
from models.access import Actor, ActorKind
from models.charger import Charger, ProcedureRun, RunKind
from models.charging import ChargingTransaction, IdTag, TagStatus
from models.contact import Contact
from models.force_charge import ForceCharge, ForceState
from models.money import Money, price_energy
from models.reply import Reply

LONGEST_TAG = 20
"""Characters of a tag that OCPP 1.6 can carry."""
TAG_LIFE = timedelta(hours=24)
LATE = timedelta(minutes=15)
"""A session that begins later than this after it was ordered is not ours any more."""
STOP_AGAIN = timedelta(minutes=2)
MOST_STOPS = 5
CHUNK = 200


def start(
    work: Work, customer: str, charger_id: str, *, connector: int | None, limit_s: int | None, amount: Money | None,
    report_to: dict[str, Any],
) -> tuple[ProcedureRun, Quote]:  # fmt: skip
    """Write down that a charge shall start; a procedure orders it once and sees whether it began."""
    runs.hold(work, charger_id)
    agreed = quote(work, customer, charger_id, connector=connector, limit_s=limit_s, amount=amount)
    for earlier in open_ones(work, agreed.contact):
        # Nothing came of it; what comes now is this one's.
        earlier.state, earlier.ended_at = ForceState.FAILED, work.now
    tag = _tag(work, agreed.contact)
    run = runs.make(
        work, RunKind.START_CHARGE, charger_id, connector=agreed.connector,
        args={**report_to, "id_tag": tag, "contact_id": agreed.contact.id, "limit_s": agreed.limit_s,
              "limit_minor": agreed.limit.minor},
        conversation_id=None, message_id=None, incident_id=None,
    )  # fmt: skip
    work.session.add(
        ForceCharge(
            run_id=run.id, charger_id=charger_id, connector=agreed.connector, contact_id=agreed.contact.id,
            id_tag=tag, limit_s=agreed.limit_s, limit_minor=agreed.limit.minor, currency=agreed.limit.currency,
            door=report_to.get("door"), language=str(report_to.get("language") or "en"),
            member_id=report_to.get("member_id"), created_at=work.now,
        )
    )  # fmt: skip
    work.session.flush()
    audit.record(
        work, "charge.ordered", f"charger:{charger_id}", run=run.id, connector=agreed.connector,
        contact_id=agreed.contact.id, id_tag=tag, limit_s=agreed.limit_s, most=agreed.limit.fact(),
    )  # fmt: skip
    return run, agreed


def _tag(work: Work, contact: Contact) -> str:
    """A tag of the customer's that charges nowhere; else one for this time."""
    busy = select(ChargingTransaction.id_tag).where(
        ChargingTransaction.stopped_at.is_(None), ChargingTransaction.id_tag.is_not(None)
    )
    own = work.session.scalars(
        select(IdTag)
        .where(IdTag.contact_id == contact.id, IdTag.status == TagStatus.ACTIVE, IdTag.value.not_in(busy))
        .order_by(IdTag.id)
    )
    for tag in own:
        if len(tag.value) <= LONGEST_TAG and (tag.expires_at is None or tag.expires_at > work.now + TAG_LIFE):
            return tag.value
    made = IdTag(
        value=f"FC{secrets.token_hex(8).upper()}", contact_id=contact.id, expires_at=work.now + TAG_LIFE,
        created_at=work.now,
    )  # fmt: skip
    work.session.add(made)
    work.session.flush()
    work.wake(f"tag.{made.value}")
    audit.record(work, "tag.added", f"tag:{made.value}", contact_id=contact.id, once=True)
    return made.value


# Watching -------------------------------------------------------------------------------------------------------


def begun(work: Work, run_id: int) -> bool:
    """Whether the session of a run's tag has begun; from then on it is watched."""
    row = work.session.scalar(select(ForceCharge).where(ForceCharge.run_id == run_id))
    return row is not None and _link(work, row)


def sweep(work: Work) -> int:
    """Look after every charge that is not over; tells how many changed."""
    query = select(ForceCharge).where(ForceCharge.ended_at.is_(None)).order_by(ForceCharge.id).limit(CHUNK)
    rows = list(work.session.scalars(query.with_for_update(skip_locked=True) if work.postgresql else query))
    return sum(_look_after(work, row) for row in rows)


def _look_after(work: Work, row: ForceCharge) -> bool:
    if not _link(work, row):
        return _give_up(work, row)
    session = work.session.get_one(ChargingTransaction, row.transaction_id)
    if session.stopped_at is not None:
        _finish(work, row, session)
        return True
    return _over(work, row, session) and _stop(work, row, session)


def _link(work: Work, row: ForceCharge) -> bool:
    if row.transaction_id is not None:
        return True
    session = work.session.scalar(
        select(ChargingTransaction)
        .where(
            ChargingTransaction.charger_id == row.charger_id,
            ChargingTransaction.id_tag == row.id_tag,
            ChargingTransaction.updated_at >= row.created_at,
            or_(ChargingTransaction.stopped_at.is_(None), ChargingTransaction.stopped_at >= row.created_at),
        )
        .order_by(ChargingTransaction.id.desc())
        .limit(1)
    )
    if session is None:
        return False
    row.transaction_id, row.connector, row.began_at = session.id, session.connector, work.now
    row.state = ForceState.CHARGING
    audit.record(work, "charge.began", f"charger:{row.charger_id}", run=row.run_id, transaction_id=session.id)
    work.wake(f"live.charger.{row.charger_id}")
    return True


def _give_up(work: Work, row: ForceCharge) -> bool:
    run = work.session.get_one(ProcedureRun, row.run_id)
    if run.ended_at is None or row.created_at > work.now - LATE:
        return False
    row.state, row.ended_at = ForceState.FAILED, work.now
    return True


def _over(work: Work, row: ForceCharge, session: ChargingTransaction) -> bool:
    if row.limit_s is not None and row.began_at is not None:
        ends_at = row.began_at + timedelta(seconds=row.limit_s)
        if work.now >= ends_at:
            return True
    cost = _cost(session)
    return cost is not None and cost.minor >= row.limit_minor


def _stop(work: Work, row: ForceCharge, session: ChargingTransaction) -> bool:
    """Have it stopped, in the name of who started it; again after a while where the charger does not obey."""
    if row.stop_again_at is not None and work.now < row.stop_again_at:
        return False
    charger = work.lock(Charger, row.charger_id)
    assert charger is not None
    if row.stop_tries >= MOST_STOPS:
        _cannot_stop(work, row)
    if not charger.online or runs.open_run(work, row.charger_id) is not None:
        return False
    first = work.session.get_one(ProcedureRun, row.run_id)
    actor = Actor(ActorKind(first.actor_kind), first.actor_id, first.actor_name)
    make_stop(work.acting_as(actor), session, {})
    row.state, row.stop_tries, row.stop_again_at = ForceState.STOPPING, row.stop_tries + 1, work.now + STOP_AGAIN
    return True


def make_stop(work: Work, session: ChargingTransaction, report_to: dict[str, Any]) -> ProcedureRun:
    """The run that ends a session; who calls this has asked whether it may be."""
    return runs.make(
        work, RunKind.STOP_CHARGE, session.charger_id, connector=session.connector,
        args={**report_to, "transaction_id": session.id, "remote_id": session.remote_id},
        conversation_id=None, message_id=None, incident_id=None,
    )  # fmt: skip


def _cannot_stop(work: Work, row: ForceCharge) -> None:
    board.raise_alert(
        work, kind="fault", key=f"force_charge:{row.id}:stuck", code="charge.cannot_stop",
        facts={"charger": row.charger_id, "connector": row.connector}, charger_id=row.charger_id, urgent=True,
    )  # fmt: skip


def _finish(work: Work, row: ForceCharge, session: ChargingTransaction) -> None:
    row.state, row.ended_at = ForceState.ENDED, work.now
    told = summary(work, session)
    audit.record(
        work, "charge.ended", f"charger:{row.charger_id}", run=row.run_id, transaction_id=session.id,
        energy_wh=session.energy_wh, amount=session.amount_minor, reason=session.stop_reason,
    )  # fmt: skip
    if row.door is not None and row.member_id is not None:
        key = f"force_charge:{row.id}:ended"
        outcomes.tell_at(work, row.door, row.member_id, Reply("charge.summary", told), key=key, language=row.language)


def summary(work: Work, session: ChargingTransaction) -> dict[str, Any]:
    """What a session came to: energy, time, cost, and what is left."""
    contact = work.session.get(Contact, session.contact_id) if session.contact_id is not None else None
    paying = wallets.paying(work, contact) if contact is not None else None
    cost, left = _cost(session), money_in(paying)
    nothing = {"$code": "command.none"}
    return {
        "charger": session.charger_id,
        "connector": session.connector,
        "customer": (contact.name or contact.username) if contact else {"$code": "command.unknown_customer"},
        "kwh": f"{session.energy_wh / 1000:.2f}",
        "elapsed": {"$span": max(int(((session.stopped_at or work.now) - session.started_at).total_seconds()), 0)},
        "cost": cost.fact() if cost else nothing,
        "left": left.fact() if left else nothing,
    }


def _cost(session: ChargingTransaction) -> Money | None:
    if session.price_minor_per_kwh is None or session.currency is None:
        return None
    if session.amount_minor is not None:
        return Money(session.amount_minor, session.currency)
    return price_energy(session.energy_wh, session.price_minor_per_kwh, session.currency)
