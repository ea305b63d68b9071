"""Wallets: a balance is the sum of its entries, and every entry has one cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select

from desk import audit
from desk.work import Work
from models.access import Permission
from models.charger import Fleet
from models.contact import Contact, ContactIdentity, IdentityKind
from models.errors import BadInput, NotFound, Refusal
from models.money import Money
from models.phone import e164
from models.wallet import Gateway, Payment, PaymentStatus, Wallet, WalletEntry


@dataclass(frozen=True)
class BalanceFacts:
    """What a person has: the personal wallet and the credit of the fleet that pays for them, None where none is."""

    contact_id: int
    name: str
    active: bool
    wallet: Money | None
    fleet: Money | None


# Reading --------------------------------------------------------------------------------------------------------


def balance(work: Work, contact_id: int) -> BalanceFacts:
    """A contact's balances."""
    work.require(Permission.VIEW_FINANCE)
    contact = work.session.get(Contact, contact_id)
    if contact is None:
        raise NotFound("wallet.unknown", words=str(contact_id))
    personal, fleet = of_contact(work, contact_id), of_fleet(work, contact.fleet_id)
    return BalanceFacts(
        contact.id, contact.name or contact.username or "", contact.account_active, _money(personal), _money(fleet)
    )


def lookup(work: Work, words: str) -> BalanceFacts:
    """The balances of whoever has that phone number, username or email; refuses when it could be several."""
    work.require(Permission.VIEW_FINANCE)
    text = words.strip()
    found = _by_phone(work, text) or _by_account(work, text)
    if not found:
        raise NotFound("wallet.unknown", words=text[:80])
    if len(found) > 1:
        raise Refusal("wallet.ambiguous", words=text[:80], count=len(found))
    return balance(work, found[0])


def _by_phone(work: Work, text: str) -> list[int]:
    number = e164(text, work.house.region)
    if number is None:
        return []
    query = select(ContactIdentity.contact_id).where(
        ContactIdentity.kind == IdentityKind.PHONE, ContactIdentity.value == number
    )
    return sorted(set(work.session.scalars(query)))


def _by_account(work: Work, text: str) -> list[int]:
    """A username as written wins; without one, whatever fits when case does not count."""
    if not text:
        return []
    alive = Contact.erased_at.is_(None)
    exact = list(work.session.scalars(select(Contact.id).where(Contact.username == text, alive)))
    if exact:
        return exact
    folded = text.lower()
    same = or_(func.lower(Contact.username) == folded, func.lower(Contact.email) == folded)
    return list(work.session.scalars(select(Contact.id).where(same, alive).order_by(Contact.id)))


def payments(work: Work, contact_id: int, limit: int = 5) -> list[dict[str, Any]]:
    """A contact's payments, newest first, JSON-ready."""
    work.require(Permission.VIEW_FINANCE)
    rows = work.session.scalars(
        select(Payment).where(Payment.contact_id == contact_id).order_by(Payment.at.desc(), Payment.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [
        {
            "reference": row.reference,
            "gateway": row.gateway.value,
            "status": row.status.value,
            "amount": {"minor": row.amount_minor, "currency": row.currency},
            "card_type": row.card_type,
            "card_last4": row.card_last4,
            "at": row.at.isoformat(),
        }
        for row in rows
    ]


def of_contact(work: Work, contact_id: int) -> Wallet | None:
    """A contact's own wallet."""
    return work.session.scalar(select(Wallet).where(Wallet.contact_id == contact_id))


def of_fleet(work: Work, fleet_id: int | None) -> Wallet | None:
    """A fleet's credit."""
    return work.session.scalar(select(Wallet).where(Wallet.fleet_id == fleet_id)) if fleet_id is not None else None


def paying(work: Work, contact: Contact) -> Wallet | None:
    """Which balance pays for a contact: the fleet's where it has one, else their own."""
    return of_fleet(work, contact.fleet_id) or of_contact(work, contact.id)


def _money(wallet: Wallet | None) -> Money | None:
    return Money(wallet.balance_minor, wallet.currency) if wallet is not None else None


# Writing --------------------------------------------------------------------------------------------------------


def credit(
    work: Work, *, amount: Money, note: str, key: str, contact_id: int | None = None, fleet_id: int | None = None
) -> Money:
    """Add to a balance, or take from it with a negative amount. The same `key` counts once. Gives the balance."""
    work.require(Permission.EDIT_FINANCE)
    if (contact_id is None) == (fleet_id is None):
        raise BadInput("wallet.one_owner")
    if amount.minor == 0:
        raise BadInput("wallet.nothing")
    if contact_id is not None and work.session.get(Contact, contact_id) is None:
        raise NotFound("wallet.unknown", words=str(contact_id))
    if fleet_id is not None and work.session.get(Fleet, fleet_id) is None:
        raise NotFound("wallet.unknown", words=str(fleet_id))
    wallet = open_wallet(work, contact_id=contact_id, fleet_id=fleet_id)
    if wallet.currency != amount.currency:
        raise BadInput("wallet.other_currency", given=amount.currency, needed=wallet.currency)
    kind = "topup" if amount.minor > 0 else "adjustment"
    if post(work, wallet.id, amount.minor, kind=kind, key=f"manual:{key}"[:120], note=note):
        audit.record(work, "wallet.credited", f"wallet:{wallet.id}", amount=amount.fact(), note=note[:200])
    return Money(wallet.balance_minor, wallet.currency)


def add_payment(
    work: Work, *, contact_id: int, reference: str, gateway: Gateway, status: PaymentStatus, amount: Money,
    card_type: str | None = None, card_last4: str | None = None,
) -> Payment:  # fmt: skip
    """Keep a payment as its gateway reported it; one that succeeded tops up the wallet, once for its reference."""
    work.require(Permission.EDIT_FINANCE)
    if amount.minor <= 0:
        raise BadInput("wallet.nothing")
    payment = work.session.scalar(select(Payment).where(Payment.reference == reference))
    if payment is None:
        payment = Payment(
            reference=reference, contact_id=contact_id, gateway=gateway, status=status, amount_minor=amount.minor,
            currency=amount.currency, card_type=card_type, card_last4=card_last4, at=work.now,
        )  # fmt: skip
        work.session.add(payment)
        work.session.flush()
        audit.record(work, "payment.noted", f"payment:{reference}", amount=amount.fact(), status=status.value)
    elif payment.status is PaymentStatus.PENDING:
        payment.status = status
    if payment.status is PaymentStatus.SUCCESS:
        wallet = open_wallet(work, contact_id=payment.contact_id)
        if wallet.currency != payment.currency:
            raise BadInput("wallet.other_currency", given=payment.currency, needed=wallet.currency)
        post(work, wallet.id, payment.amount_minor, kind="topup", key=f"topup:{reference}", note=gateway.value)
    return payment


def open_wallet(work: Work, *, contact_id: int | None = None, fleet_id: int | None = None) -> Wallet:
    """The wallet of a contact or fleet, made empty in the house's currency where there is none."""
    wallet = of_contact(work, contact_id) if contact_id is not None else of_fleet(work, fleet_id)
    if wallet is None:
        wallet = Wallet(contact_id=contact_id, fleet_id=fleet_id, currency=work.house.currency, created_at=work.now)
        work.session.add(wallet)
        work.session.flush()
    return wallet


def post(
    work: Work, wallet_id: int, amount_minor: int, *, kind: str, key: str, note: str = "",
    transaction_id: int | None = None,
) -> bool:  # fmt: skip
    """Write an entry and move the balance with it, once for each `key`; tells whether this was the first time."""
    wallet = work.lock(Wallet, wallet_id)
    assert wallet is not None
    if work.session.scalar(select(WalletEntry.id).where(WalletEntry.key == key)) is not None:
        return False
    wallet.balance_minor += amount_minor
    work.session.add(
        WalletEntry(
            wallet_id=wallet_id, key=key, kind=kind, amount_minor=amount_minor,
            balance_after_minor=wallet.balance_minor, transaction_id=transaction_id, note=note[:200],
            by=work.actor.name[:200], at=work.now,
        )
    )  # fmt: skip
    work.session.flush()
    return True
