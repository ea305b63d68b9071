"""An incident: one trouble at one charger, however many people write about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class IncidentState(StrEnum):
    """Whether the trouble lasts."""

    OPEN = "open"
    ENDED = "ended"


class Incident(Base):
    """At most one open incident a charger."""

    __tablename__ = "incident"
    __table_args__ = (
        Index(
            "uq_incident_open_charger",
            "charger_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
        Index("ix_incident_charger_id_id", "charger_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    charger_id: Mapped[str] = mapped_column(ForeignKey("charger.id"))
    state: Mapped[IncidentState] = mapped_column(default=IncidentState.OPEN)
    cause: Mapped[str] = mapped_column(String(24))  # message, charger, silence, safety
    error_code: Mapped[str | None] = mapped_column(String(80))
    facts: Mapped[dict[str, Any] | None]
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class IncidentPerson(Base):
    """Somebody who wrote about it and is told when it ends."""

    __tablename__ = "incident_person"
    __table_args__ = (UniqueConstraint("incident_id", "conversation_id"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    joined_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
