"""What a force charge would be, and whether it may be: the account, the balance that pays, a connector that is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select

from desk import chargers, charging, customers, wallets
from desk.work import Work
from models.access import Permission
from models.charger import Charger, ChargerState, Connector, ProcedureRun
from models.charging import ChargingTransaction
from models.contact import Contact
from models.errors import BadInput, Refusal
from models.force_charge import DEFAULT_S, LONGEST_S, ForceCharge
from models.money import Money
from models.wallet import Wallet


@dataclass(frozen=True)
class Quote:
    """What a force charge would be: shown before it is confirmed, and held to after."""

    charger: Charger
    connector: int
    contact: Contact
    wallet: Money | None
    fleet: Money | None
    price: Money
    limit_s: int | None
    limit: Money

    def facts(self) -> dict[str, Any]:
        """For the question."""
        return {
            "id": self.charger.id,
            "connector": self.connector,
            "contact_id": self.contact.id,
            "customer": self.contact.name or self.contact.username or f"#{self.contact.id}",
            "wallet": self.wallet.fact() if self.wallet else {"$code": "command.none"},
            "fleet": self.fleet.fact() if self.fleet else {"$code": "command.none"},
            "payer": {"$code": "charge.fleet_pays" if self.fleet else "charge.wallet_pays"},
            "price": self.price.fact(),
            "limit_s": self.limit_s,
            "limit": {"$span": self.limit_s} if self.limit_s is not None else self.limit.fact(),
            "most": self.limit.fact(),
        }


def quote(
    work: Work, customer: str, charger_id: str, *, connector: int | None, limit_s: int | None, amount: Money | None
) -> Quote:
    """Look whether a charge may be: a good account, a balance that covers it, a connector that is Available.

    By time (30 minutes where nothing is said) or by amount. In either case it costs no more than what pays for it has.
    """
    for permission in (Permission.COMMAND_CHARGERS, Permission.VIEW_FINANCE, Permission.VIEW_CONTACTS):
        work.require(permission)
    charger = chargers.get(work, charger_id)
    number = _free_connector(work, charger, connector)
    contact = customers.find(work, customer)
    if not contact.account_active:
        raise Refusal("charge.inactive", customer=contact.name)
    tariff = charging.tariff_of(work, charger.id)
    if tariff is None:
        raise Refusal("charge.no_tariff", id=charger.id)
    _refuse_second(work, contact)
    paying = _covering(work, contact, tariff.currency, amount)
    if amount is None:
        limit_s = limit_s if limit_s is not None else DEFAULT_S
        if not 60 <= limit_s <= LONGEST_S:
            raise BadInput("charge.bad_time", most={"$span": LONGEST_S})
    personal, fleet = wallets.of_contact(work, contact.id), wallets.of_fleet(work, contact.fleet_id)
    return Quote(
        charger, number, contact, money_in(personal), money_in(fleet),
        Money(tariff.price_minor_per_kwh, tariff.currency), limit_s if amount is None else None,
        amount or Money(paying.balance_minor, paying.currency),
    )  # fmt: skip


def _free_connector(work: Work, charger: Charger, wanted: int | None) -> int:
    if not charger.online:
        raise Refusal("run.not_connected", charger_id=charger.id)
    if charger.out_of_service_since_at is not None:
        raise Refusal("run.out_of_service", charger_id=charger.id)
    rows = [row for row in chargers.connectors(work, charger.id) if row.number > 0]
    if wanted is not None:
        row = next((row for row in rows if row.number == wanted), None)
        if row is None:
            raise Refusal("charge.no_connector", id=charger.id, connector=wanted)
        if not _available(work, row):
            raise Refusal("charge.not_available", id=charger.id, connector=wanted, state=row.status.value)
        return wanted
    free = [row.number for row in rows if _available(work, row)]
    if not free:
        raise Refusal("charge.none_available", id=charger.id)
    if len(free) > 1:
        raise Refusal("charge.which", id=charger.id, connectors=", ".join(map(str, free)))
    return free[0]


def _available(work: Work, row: Connector) -> bool:
    taken = exists().where(
        ChargingTransaction.charger_id == row.charger_id,
        ChargingTransaction.connector == row.number,
        ChargingTransaction.stopped_at.is_(None),
    )
    return row.status is ChargerState.AVAILABLE and not work.session.scalar(select(taken))


def _refuse_second(work: Work, contact: Contact) -> None:
    """A balance can be promised once: nobody who charges, or for whom a charge is about to begin."""
    session = work.session.scalar(
        select(ChargingTransaction.charger_id)
        .where(ChargingTransaction.contact_id == contact.id, ChargingTransaction.stopped_at.is_(None))
        .limit(1)
    )
    about_to = [
        row for row in open_ones(work, contact) if work.session.get_one(ProcedureRun, row.run_id).ended_at is None
    ]
    if session is not None or about_to:
        raise Refusal("charge.already", customer=contact.name, id=session or about_to[0].charger_id)


def open_ones(work: Work, contact: Contact) -> list[ForceCharge]:
    """Charges for a customer that are watched still, the oldest first."""
    query = select(ForceCharge).where(ForceCharge.contact_id == contact.id, ForceCharge.ended_at.is_(None))
    return list(work.session.scalars(query.order_by(ForceCharge.id)))


def _covering(work: Work, contact: Contact, currency: str, amount: Money | None) -> Wallet:
    """The balance that pays: the fleet's for a customer of a fleet, else their own. Refuses one that does not do."""
    paying = wallets.paying(work, contact)
    if paying is None:
        raise Refusal("charge.no_wallet", customer=contact.name)
    if paying.currency != currency:
        raise Refusal("charge.other_currency", has=paying.currency, needed=currency)
    if paying.balance_minor <= 0 or (amount is not None and paying.balance_minor < amount.minor):
        raise Refusal("charge.low_balance", customer=contact.name, balance=Money(paying.balance_minor, currency).fact())
    return paying


def money_in(wallet: Wallet | None) -> Money | None:
    """What a wallet holds."""
    return Money(wallet.balance_minor, wallet.currency) if wallet is not None else None
