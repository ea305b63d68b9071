"""Charging sessions: begun, measured, ended, priced once and paid once, whatever repeats or comes late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from desk import board, tags, wallets
from desk.work import Work
from models.access import Permission
from models.charger import Charger
from models.charging import ChargingTransaction, MeterSample, NumberBlock, Tariff
from models.contact import Contact
from models.money import Money, price_energy
from models.ports import MeterReport, StartReport, StopReport, TagVerdict

BLOCK = 100
_LAST_NUMBER = 2**31 - 1
_MOST_WH = 10**15
_MOST_32 = 2**31 - 1
MOST_W = 1_000_000
"""No session draws more for long: beyond that the meter is wrong, and nobody is charged for it."""
_NUMBERS = "transaction"
ORPHAN = "Orphan"
SUPERSEDED = "Superseded"
VANISHED = "Vanished"
_GUESSED = (SUPERSEDED, VANISHED)
"""Ends that we set ourselves; the charger's own word, when it comes after all, corrects them."""
VANISHED_AFTER_S = 600


def reserve_numbers(work: Work, count: int = BLOCK) -> range:
    """Numbers for sessions that nobody else gets: 31 bits, never 0, never given before."""
    dialect: Any = postgresql if work.postgresql else sqlite
    work.session.execute(dialect.insert(NumberBlock.__table__).values(name=_NUMBERS, next=1).on_conflict_do_nothing())
    row = work.lock(NumberBlock, _NUMBERS)
    assert row is not None
    first = row.next
    if first + count > _LAST_NUMBER:
        raise OverflowError("every session number has been given")
    row.next = first + count
    return range(first, first + count)


# Begin ----------------------------------------------------------------------------------------------------------


def started(work: Work, charger_id: str, report: StartReport) -> tuple[int, TagVerdict]:
    """A session began. A repeat gives the number it got the first time; an unknown tag does not lose the session."""
    known = _known_start(work, charger_id, report)
    if known is None:
        known = _begin(work, charger_id, report)
    elif known.stop_reason == ORPHAN:
        _adopt(work, known, report)
    return known.id, tags.verdict(work, report.id_tag, besides=known.id)


def _known_start(work: Work, charger_id: str, report: StartReport) -> ChargingTransaction | None:
    of_charger = select(ChargingTransaction).where(ChargingTransaction.charger_id == charger_id)
    found = work.session.scalar(of_charger.where(ChargingTransaction.dedupe_key == report.dedupe_key))
    if found is None and report.remote_id is not None:
        found = work.session.scalar(of_charger.where(ChargingTransaction.remote_id == report.remote_id))
    if found is None:
        kept = of_charger.where(
            ChargingTransaction.id == report.transaction_id, ChargingTransaction.stop_reason == ORPHAN
        )
        found = work.session.scalar(kept)
    return found


def _begin(work: Work, charger_id: str, report: StartReport) -> ChargingTransaction:
    _end_forgotten(work, charger_id, report)
    taken = work.session.get(ChargingTransaction, report.transaction_id) is not None
    transaction = ChargingTransaction(
        id=reserve_numbers(work, 1)[0] if taken else report.transaction_id,
        charger_id=charger_id, connector=report.connector, remote_id=report.remote_id, last_seq=report.seq,
        dedupe_key=report.dedupe_key, meter_start_wh=_fits(report.meter_start_wh), started_at=report.started_at,
        updated_at=work.now,
    )  # fmt: skip
    _whose(work, transaction, report.id_tag)
    work.session.add(transaction)
    work.session.flush()
    work.wake(f"live.charger.{charger_id}")
    return transaction


def _whose(work: Work, transaction: ChargingTransaction, id_tag: str | None) -> None:
    """The tag, its owner, and the price that holds for the whole session."""
    tag = tags.find(work, id_tag) if id_tag else None
    transaction.id_tag = tag.value if tag else (id_tag or "")[:36].upper() or None
    transaction.contact_id = tag.contact_id if tag else None
    tariff = tariff_of(work, transaction.charger_id)
    transaction.price_minor_per_kwh = tariff.price_minor_per_kwh if tariff else None
    transaction.currency = tariff.currency if tariff else None


def tariff_of(work: Work, charger_id: str) -> Tariff | None:
    """The charger's tariff, else the one named `default`, else the first there is."""
    charger = work.session.get(Charger, charger_id)
    if charger is not None and charger.tariff_id is not None:
        return work.session.get(Tariff, charger.tariff_id)
    named = work.session.scalar(select(Tariff).where(Tariff.name == "default"))
    return named or work.session.scalar(select(Tariff).order_by(Tariff.id).limit(1))


def _end_forgotten(work: Work, charger_id: str, report: StartReport) -> None:
    """A connector has one session at a time: an earlier one whose end was never told ends with its last reading."""
    for earlier in work.session.scalars(
        select(ChargingTransaction).where(
            ChargingTransaction.charger_id == charger_id,
            ChargingTransaction.connector == report.connector,
            ChargingTransaction.stopped_at.is_(None),
            ChargingTransaction.started_at <= report.started_at,
        )
    ).all():
        _end(work, earlier, None, report.started_at, SUPERSEDED)


def _adopt(work: Work, transaction: ChargingTransaction, report: StartReport) -> None:
    """The start of a session whose end came first."""
    transaction.dedupe_key, transaction.started_at = report.dedupe_key, report.started_at
    transaction.connector, transaction.meter_start_wh = report.connector, _fits(report.meter_start_wh)
    transaction.last_seq = max(transaction.last_seq or 0, report.seq or 0)
    _whose(work, transaction, report.id_tag)
    stopped_at = transaction.stopped_at or work.now
    _end(work, transaction, transaction.meter_stop_wh, stopped_at, "Local")


# Readings -------------------------------------------------------------------------------------------------------


def metered(work: Work, charger_id: str, reports: Sequence[MeterReport]) -> int:
    """Keep readings of sessions, each once; those of no session are dropped. Gives how many were new."""
    kept = 0
    for transaction, own in _by_session(work, charger_id, reports):
        kept += _measure(work, transaction, own)
    if kept:
        work.wake(f"live.charger.{charger_id}")
    return kept


def _by_session(
    work: Work, charger_id: str, reports: Sequence[MeterReport]
) -> list[tuple[ChargingTransaction, list[MeterReport]]]:
    groups: dict[int, tuple[ChargingTransaction, list[MeterReport]]] = {}
    for report in reports:
        found = _find(work, charger_id, report.transaction_id, report.remote_id)
        transaction = found or _open_at(work, charger_id, report.connector)
        if transaction is not None:
            groups.setdefault(transaction.id, (transaction, []))[1].append(report)
    return list(groups.values())


def _find(work: Work, charger_id: str, transaction_id: int | None, remote_id: str | None) -> ChargingTransaction | None:
    of_charger = select(ChargingTransaction).where(ChargingTransaction.charger_id == charger_id)
    found = None
    if remote_id is not None:
        found = work.session.scalar(of_charger.where(ChargingTransaction.remote_id == remote_id))
    if found is None and transaction_id is not None:
        found = work.session.scalar(of_charger.where(ChargingTransaction.id == transaction_id))
    return found


def _open_at(work: Work, charger_id: str, connector: int) -> ChargingTransaction | None:
    return work.session.scalar(
        select(ChargingTransaction)
        .where(
            ChargingTransaction.charger_id == charger_id,
            ChargingTransaction.connector == connector,
            ChargingTransaction.stopped_at.is_(None),
        )
        .order_by(ChargingTransaction.started_at.desc())
        .limit(1)
    )


def _measure(work: Work, transaction: ChargingTransaction, reports: list[MeterReport]) -> int:
    known = set(
        work.session.scalars(
            select(MeterSample.at).where(
                MeterSample.transaction_id == transaction.id, MeterSample.at.in_({report.at for report in reports})
            )
        )
    )
    new = [report for report in reports if report.at not in known]
    for report in new:
        work.session.add(
            MeterSample(
                transaction_id=transaction.id, at=report.at, energy_wh=_fits_if(report.energy_wh),
                power_w=_small_if(report.power_w), soc_percent=_small_if(report.soc_percent),
            )
        )  # fmt: skip
        transaction.last_seq = max(transaction.last_seq or 0, report.seq or 0) or transaction.last_seq
        if transaction.stopped_at is None:
            _read(transaction, report)
    transaction.updated_at = work.now
    return len(new)


def _read(transaction: ChargingTransaction, report: MeterReport) -> None:
    """Late readings are older than what is known: the register only rises."""
    if report.energy_wh is not None:
        if report.energy_wh < transaction.meter_start_wh:
            transaction.meter_error = True
        transaction.meter_last_wh = max(transaction.meter_last_wh or 0, _fits(report.energy_wh))
    if report.power_w is not None:
        transaction.power_w = min(max(report.power_w, 0), _MOST_32)


# End ------------------------------------------------------------------------------------------------------------


def stopped(work: Work, charger_id: str, report: StopReport) -> ChargingTransaction:
    """A session ended: priced and paid, once. A repeat changes nothing; one that nobody began is kept."""
    transaction = _find(work, charger_id, report.transaction_id, report.remote_id)
    if transaction is None:
        return _orphan(work, charger_id, report)
    if transaction.stopped_at is None or transaction.stop_reason in _GUESSED:
        transaction.last_seq = max(transaction.last_seq or 0, report.seq or 0) or transaction.last_seq
        _end(work, transaction, report.meter_stop_wh, report.stopped_at, report.reason)
    return transaction


def vanish(work: Work, charger_id: str, connector: int, at: datetime) -> int:
    """A connector that is free for the next driver has no session: one of which nothing was heard for ten minutes
    ends with its last reading. Gives how many ended."""
    quiet = at - timedelta(seconds=VANISHED_AFTER_S)
    gone = work.session.scalars(
        select(ChargingTransaction).where(
            ChargingTransaction.charger_id == charger_id,
            ChargingTransaction.connector == connector,
            ChargingTransaction.stopped_at.is_(None),
            ChargingTransaction.started_at < quiet,
            ChargingTransaction.updated_at < quiet,
        )
    ).all()
    for transaction in gone:
        _end(work, transaction, None, max(transaction.updated_at, transaction.started_at), VANISHED)
    return len(gone)


def _orphan(work: Work, charger_id: str, report: StopReport) -> ChargingTransaction:
    name = report.remote_id or report.transaction_id or report.stopped_at.isoformat()
    key = f"orphan:{name}"[:160]
    known = work.session.scalar(
        select(ChargingTransaction).where(
            ChargingTransaction.charger_id == charger_id, ChargingTransaction.dedupe_key == key
        )
    )
    if known is not None:
        return known
    wanted = report.transaction_id
    free = wanted is not None and 0 < wanted <= _LAST_NUMBER and _was_given(work, wanted)
    orphan = ChargingTransaction(
        id=wanted if free else reserve_numbers(work, 1)[0], charger_id=charger_id, connector=report.connector or 0,
        remote_id=report.remote_id, last_seq=report.seq, dedupe_key=key,
        id_tag=(report.id_tag or "")[:36].upper() or None, meter_start_wh=_fits(report.meter_stop_wh or 0),
        meter_stop_wh=_fits_if(report.meter_stop_wh), started_at=report.stopped_at, updated_at=work.now,
        stopped_at=report.stopped_at, stop_reason=ORPHAN,
    )  # fmt: skip
    work.session.add(orphan)
    work.session.flush()
    return orphan


def _was_given(work: Work, number: int) -> bool:
    """A number out of a block that was reserved, and that no session bears: its start is still under way."""
    block = work.session.get(NumberBlock, _NUMBERS)
    return block is not None and number < block.next and work.session.get(ChargingTransaction, number) is None


def _end(
    work: Work, transaction: ChargingTransaction, meter_stop_wh: int | None, at: datetime, reason: str | None
) -> None:
    last = transaction.meter_last_wh
    if meter_stop_wh is None:
        meter_stop_wh = last if last is not None else transaction.meter_start_wh
    meter_stop_wh = _fits(meter_stop_wh)
    if meter_stop_wh < transaction.meter_start_wh or (last is not None and meter_stop_wh < last):
        transaction.meter_error = True
    transaction.meter_stop_wh, transaction.stopped_at, transaction.stop_reason = meter_stop_wh, at, reason
    transaction.power_w, transaction.updated_at = 0, work.now
    if _plausible(transaction, at):
        _charge(work, transaction)
    else:
        transaction.meter_error = True
    if transaction.meter_error:
        board.raise_alert(
            work, kind="fault", key=f"meter:{transaction.id}", code="session.meter_error",
            facts={"id": transaction.id, "charger_id": transaction.charger_id}, charger_id=transaction.charger_id,
        )  # fmt: skip
    work.wake(f"live.charger.{transaction.charger_id}")


def _plausible(transaction: ChargingTransaction, stopped_at: datetime) -> bool:
    hours = max((stopped_at - transaction.started_at).total_seconds(), 0) / 3600 + 1
    return transaction.energy_wh <= MOST_W * hours


def _fits(number: int) -> int:
    """Within what both engines store: a broken meter may say anything."""
    return max(min(number, _MOST_WH), -_MOST_WH)


def _fits_if(number: int | None) -> int | None:
    return None if number is None else _fits(number)


def _small_if(number: int | None) -> int | None:
    return None if number is None else max(min(number, _MOST_32), -_MOST_32)


def _charge(work: Work, transaction: ChargingTransaction) -> None:
    if transaction.price_minor_per_kwh is None or transaction.currency is None:
        return
    cost = price_energy(transaction.energy_wh, transaction.price_minor_per_kwh, transaction.currency)
    charged = transaction.amount_minor
    transaction.amount_minor = cost.minor
    due = cost.minor - (charged or 0)
    contact = work.session.get(Contact, transaction.contact_id) if transaction.contact_id is not None else None
    if contact is None or due == 0:
        return
    wallet = wallets.paying(work, contact) or wallets.open_wallet(work, contact_id=contact.id)
    if wallet.currency != cost.currency:
        board.raise_alert(
            work, kind="fault", key=f"currency:{transaction.id}", code="session.other_currency",
            facts={"id": transaction.id, "amount": cost.fact(), "currency": wallet.currency},
            charger_id=transaction.charger_id,
        )  # fmt: skip
        return
    wallets.post(
        work, wallet.id, -due, kind="session",
        key=f"session:{transaction.id}" if charged is None else f"session:{transaction.id}:corrected",
        note=f"{transaction.charger_id}/{transaction.connector}", transaction_id=transaction.id,
    )  # fmt: skip


# Showing --------------------------------------------------------------------------------------------------------


def sessions(
    work: Work, *, charger_id: str | None = None, contact_id: int | None = None, active_only: bool = False,
    limit: int = 20,
) -> list[dict[str, Any]]:  # fmt: skip
    """Sessions, newest first, JSON-ready. Energy in Wh and kWh, elapsed seconds, the amount so far or at the end."""
    work.require(Permission.VIEW_SESSIONS)
    query = (
        select(ChargingTransaction, Contact)
        .outerjoin(Contact, Contact.id == ChargingTransaction.contact_id)
        .order_by(ChargingTransaction.started_at.desc(), ChargingTransaction.id.desc())
        .limit(limit)
    )
    if charger_id is not None:
        query = query.where(ChargingTransaction.charger_id == charger_id)
    if contact_id is not None:
        query = query.where(ChargingTransaction.contact_id == contact_id)
    if active_only:
        query = query.where(ChargingTransaction.stopped_at.is_(None))
    return [session_facts(work, transaction, contact) for transaction, contact in work.session.execute(query)]


def session_facts(work: Work, row: ChargingTransaction, contact: Contact | None) -> dict[str, Any]:
    """A session, JSON-ready; the amount is what it costs so far, or did at its end."""
    amount = _amount(row)
    return {
        "id": row.id,
        "charger_id": row.charger_id,
        "connector": row.connector,
        "contact_id": row.contact_id,
        "customer": (contact.name or contact.username or None) if contact else None,
        "id_tag": row.id_tag,
        "energy_wh": row.energy_wh,
        "kwh": f"{row.energy_wh / 1000:.2f}",
        "power_w": row.power_w,
        "started_at": row.started_at.isoformat(),
        "stopped_at": row.stopped_at.isoformat() if row.stopped_at else None,
        "elapsed_s": max(int(((row.stopped_at or work.now) - row.started_at).total_seconds()), 0),
        "stop_reason": row.stop_reason,
        "meter_error": row.meter_error,
        "amount": {"minor": amount.minor, "currency": amount.currency} if amount else None,
    }


def _amount(row: ChargingTransaction) -> Money | None:
    if row.price_minor_per_kwh is None or row.currency is None:
        return None
    if row.amount_minor is not None:
        return Money(row.amount_minor, row.currency)
    return price_energy(row.energy_wh, row.price_minor_per_kwh, row.currency)
