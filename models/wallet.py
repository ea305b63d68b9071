"""Wallets: a ledger of entries whose sum is the balance; payments as the gateways report them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class Wallet(Base):
    """A balance in minor units: of one contact (personal wallet) or of one fleet (fleet credit)."""

    __tablename__ = "wallet"
    __table_args__ = (CheckConstraint("(contact_id IS NULL) <> (fleet_id IS NULL)", name="one_owner"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), unique=True)
    fleet_id: Mapped[int | None] = mapped_column(ForeignKey("fleet.id"), unique=True)
    currency: Mapped[str] = mapped_column(String(3))
    balance_minor: Mapped[int] = mapped_column(type_big, default=0)
    created_at: Mapped[datetime]


class WalletEntry(Base):
    """A change of a balance. Unique by its key, so that the same cause never counts twice."""

    __tablename__ = "wallet_entry"
    __table_args__ = (Index("ix_wallet_entry_wallet_id_id", "wallet_id", "id"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallet.id"))
    key: Mapped[str] = mapped_column(String(120), unique=True)  # session:123, topup:REF, manual:…
    kind: Mapped[str] = mapped_column(String(16))  # session, topup, adjustment, refund
    amount_minor: Mapped[int] = mapped_column(type_big)
    balance_after_minor: Mapped[int] = mapped_column(type_big)
    transaction_id: Mapped[int | None] = mapped_column(type_big)
    note: Mapped[str] = mapped_column(String(200), default="")
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class Gateway(StrEnum):
    """How a payment came."""

    CYBERSOURCE = "CyberSource"
    AMEX = "Amex"
    DIALOG_FUEL_CARD = "Dialog Fuel Card"
    MANUAL = "Manual"


class PaymentStatus(StrEnum):
    """How a payment ended."""

    SUCCESS = "Success"
    FAILED = "Failed"
    PENDING = "Pending"


class Payment(Base):
    """A payment as a gateway reported it."""

    __tablename__ = "payment"
    __table_args__ = (Index("ix_payment_contact_id_id", "contact_id", "id"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    reference: Mapped[str] = mapped_column(String(80), unique=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    gateway: Mapped[Gateway]
    status: Mapped[PaymentStatus]
    amount_minor: Mapped[int] = mapped_column(type_big)
    currency: Mapped[str] = mapped_column(String(3))
    card_type: Mapped[str | None] = mapped_column(String(24))
    card_last4: Mapped[str | None] = mapped_column(String(4))
    at: Mapped[datetime]
