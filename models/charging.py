"""Charging sessions: tags, tariffs, transactions, meter values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class TagStatus(StrEnum):
    """Whether a tag may start a session."""

    ACTIVE = "active"
    BLOCKED = "blocked"


class IdTag(Base):
    """A charging card, fob or app identity. Compared without case."""

    __tablename__ = "id_tag"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    value: Mapped[str] = mapped_column(String(36), unique=True)  # upper case
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    status: Mapped[TagStatus] = mapped_column(default=TagStatus.ACTIVE)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Tariff(Base):
    """A price per kWh in minor units of the installation's currency."""

    __tablename__ = "tariff"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    price_minor_per_kwh: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime]


class ChargingTransaction(Base):
    """A session at a connector. Energy in Wh, meter registers in Wh.

    1.6: `id` is what we give the charger (a 31-bit number from a reserved block, never 0, never reused).
    2.0.1: `remote_id` is the charger's own, `last_seq` the highest sequence number seen.
    """

    __tablename__ = "charging_transaction"
    __table_args__ = (
        UniqueConstraint("charger_id", "dedupe_key"),
        Index("ix_charging_transaction_charger_id_id", "charger_id", "id"),
        Index("ix_charging_transaction_contact_id_id", "contact_id", "id"),
        Index(
            "ix_charging_transaction_open",
            "charger_id",
            "connector",
            postgresql_where=text("stopped_at IS NULL"),
            sqlite_where=text("stopped_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True, autoincrement=False)
    charger_id: Mapped[str] = mapped_column(ForeignKey("charger.id"))
    connector: Mapped[int]
    remote_id: Mapped[str | None] = mapped_column(String(36))
    last_seq: Mapped[int | None]
    dedupe_key: Mapped[str] = mapped_column(String(160))
    id_tag: Mapped[str | None] = mapped_column(String(36))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    meter_start_wh: Mapped[int] = mapped_column(type_big)
    meter_last_wh: Mapped[int | None] = mapped_column(type_big)
    meter_stop_wh: Mapped[int | None] = mapped_column(type_big)
    power_w: Mapped[int | None]
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    stop_reason: Mapped[str | None] = mapped_column(String(40))
    meter_error: Mapped[bool] = mapped_column(default=False)  # the register went backwards: look before billing
    price_minor_per_kwh: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    amount_minor: Mapped[int | None] = mapped_column(type_big)

    @property
    def energy_wh(self) -> int:
        """Energy delivered so far; never negative, whatever the register says."""
        last = self.meter_stop_wh if self.meter_stop_wh is not None else self.meter_last_wh
        return max((last if last is not None else self.meter_start_wh) - self.meter_start_wh, 0)


class MeterSample(Base):
    """One reading of a session: register in Wh, power in W, state of charge in percent, where given."""

    __tablename__ = "meter_sample"
    __table_args__ = (Index("ix_meter_sample_transaction_id_id", "transaction_id", "id"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    transaction_id: Mapped[int] = mapped_column(type_big)
    at: Mapped[datetime]
    energy_wh: Mapped[int | None] = mapped_column(type_big)
    power_w: Mapped[int | None]
    soc_percent: Mapped[int | None]


class NumberBlock(Base):
    """Reserved numbers: a process takes a block at a time, so that answering never waits for the database."""

    __tablename__ = "number_block"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    next: Mapped[int]
