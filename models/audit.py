"""The audit trail: one row for each action on a charger, on money, on people's data or on the team."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class AuditRow(Base):
    """Who did what to what, when, and how it ended."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_target_id", "target", "id"),
        Index("ix_audit_target_at_id", "target", "at", "id"),
        Index("ix_audit_action_at_id", "action", "at", "id"),
        Index("ix_audit_actor_at_id", "actor_kind", "actor_id", "at", "id"),
        Index("ix_audit_at_id", "at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(120))
    facts: Mapped[dict[str, Any]]


class Meta(Base):
    """Facts about this installation: `demo` marks a demonstration database; job ticks live in JobTick."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]


class JobTick(Base):
    """When a job last ran anywhere, so that of several nodes one takes each tick."""

    __tablename__ = "job_tick"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_at: Mapped[datetime]
    last_count: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(300))
