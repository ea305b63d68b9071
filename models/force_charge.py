"""A charge that staff start for a customer, and where it has to end."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big

DEFAULT_S = 30 * 60
LONGEST_S = 12 * 3600


class ForceState(StrEnum):
    """How far it is."""

    STARTING = "starting"
    CHARGING = "charging"
    STOPPING = "stopping"
    ENDED = "ended"
    FAILED = "failed"  # no session of that tag began


class ForceCharge(Base):
    """Watched by a job from the first order to the last word, so that it outlives any process.

    It ends after `limit_s`, or when it has cost `limit_minor`, which is never more than the balance that pays.
    """

    __tablename__ = "force_charge"
    __table_args__ = (
        Index(
            "ix_force_charge_open",
            "id",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("procedure_run.id"), unique=True)
    charger_id: Mapped[str] = mapped_column(ForeignKey("charger.id"))
    connector: Mapped[int]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    id_tag: Mapped[str] = mapped_column(String(36))
    limit_s: Mapped[int | None]
    limit_minor: Mapped[int] = mapped_column(type_big)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[ForceState] = mapped_column(default=ForceState.STARTING)
    transaction_id: Mapped[int | None] = mapped_column(type_big, index=True)
    stop_tries: Mapped[int] = mapped_column(default=0)
    stop_again_at: Mapped[datetime | None]
    door: Mapped[str | None] = mapped_column(String(200))  # where its summary is told; None: elsewhere already
    language: Mapped[str] = mapped_column(String(16), default="en")
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    created_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
