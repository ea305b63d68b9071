"""A ticket: its states, the one way to change them, and its history."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.access import Actor, Department
from models.base import Base, type_big
from models.errors import Refusal
from models.reading import Category


class TicketStatus(StrEnum):
    """Where a ticket stands."""

    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    IN_PROGRESS = "IN_PROGRESS"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"


class Priority(StrEnum):
    """How much it matters: critical is a safety concern or service completely down."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


PRIORITY_RANK: dict[Priority, int] = {
    Priority.CRITICAL: 0,
    Priority.HIGH: 1,
    Priority.NORMAL: 2,
    Priority.LOW: 3,
}

MOVES: MappingProxyType[TicketStatus, frozenset[TicketStatus]] = MappingProxyType(
    {
        TicketStatus.OPEN: frozenset({TicketStatus.ASSIGNED, TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED}),
        TicketStatus.ASSIGNED: frozenset({TicketStatus.OPEN, TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED}),
        TicketStatus.IN_PROGRESS: frozenset({TicketStatus.ASSIGNED, TicketStatus.RESOLVED}),
        TicketStatus.RESOLVED: frozenset({TicketStatus.IN_PROGRESS, TicketStatus.CLOSED}),
        TicketStatus.CLOSED: frozenset(),
    }
)
"""Every legal move. RESOLVED → IN_PROGRESS is the reopening."""

LIVE = frozenset({TicketStatus.OPEN, TicketStatus.ASSIGNED, TicketStatus.IN_PROGRESS})
"""States in which somebody still has to act."""

CATEGORY_DEPARTMENT: dict[Category, Department] = {
    Category.FAULT: Department.TECHNICAL,
    Category.INSTALL: Department.TECHNICAL,
    Category.RFID: Department.SERVICE,
    Category.BILLING: Department.SERVICE,
    Category.COMPLAINT: Department.SERVICE,
    Category.INFO: Department.SERVICE,
    Category.OTHER: Department.SERVICE,
}


NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than everything: when no clock of a ticket runs."""
_LIVE = "status IN ('OPEN', 'ASSIGNED', 'IN_PROGRESS')"
_UNASSIGNED = "status = 'OPEN' AND assignee_id IS NULL"


def _among(rows: str, name: str, *columns: str) -> Index:
    """An index of those rows alone: the many that are closed cost it nothing."""
    return Index(name, *columns, postgresql_where=text(rows), sqlite_where=text(rows))


class ClaimClass(StrEnum):
    """After-sales class by severity, loss and demand."""

    A = "A"
    B = "B"
    C = "C"


def ticket_ref(ticket_id: int) -> str:
    """`TKT-000042`."""
    return f"TKT-{ticket_id:06d}"


class Ticket(Base):
    """Something a person is owed. `id` rises and is never reused; the reference shows it."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_status_id", "status", "id"),
        Index("ix_ticket_assignee_id_id", "assignee_id", "id"),
        Index("ix_ticket_contact_id_id", "contact_id", "id"),
        Index("ix_ticket_charger_id_id", "charger_id", "id"),
        Index("ix_ticket_updated_at", "updated_at"),
        Index("ix_ticket_assignee_id_status_id", "assignee_id", "status", "id"),
        Index("ix_ticket_assignee_id_updated_at", "assignee_id", "updated_at"),
        Index("ix_ticket_priority_status_id", "priority", "status", "id"),
        Index("ix_ticket_category_status_id", "category", "status", "id"),
        Index("ix_ticket_department_status_id", "department", "status", "id"),
        _among("claim_class IS NOT NULL", "ix_ticket_claim_class_id", "claim_class", "id"),
        _among(_LIVE, "ix_ticket_live", "id"),
        _among(_UNASSIGNED, "ix_ticket_unassigned", "id"),
        _among(_LIVE, "ix_ticket_queue", "priority", "tier_rank", "next_due_at", "id"),
        _among(_LIVE, "ix_ticket_own_queue", "assignee_id", "priority", "tier_rank", "next_due_at", "id"),
        Index("ix_ticket_charger_id_status_id", "charger_id", "status", "id"),
        Index("ix_ticket_assignee_id_next_due_at", "assignee_id", "next_due_at", "id"),
        Index("ix_ticket_next_due_at", "next_due_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    status: Mapped[TicketStatus] = mapped_column(default=TicketStatus.OPEN)
    priority: Mapped[Priority] = mapped_column(default=Priority.NORMAL)
    claim_class: Mapped[ClaimClass | None]
    category: Mapped[Category]
    department: Mapped[Department]
    summary: Mapped[str] = mapped_column(String(300))
    description: Mapped[str] = mapped_column(default="")
    evidence: Mapped[dict[str, Any] | None]
    charger_id: Mapped[str | None] = mapped_column(ForeignKey("charger.id"))
    connector: Mapped[int | None]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id"), index=True)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    scheduled_visit_at: Mapped[datetime | None]
    tier_rank: Mapped[int] = mapped_column(default=3)
    next_due_at: Mapped[datetime] = mapped_column(default=NEVER)  # the first of its running clocks to run out
    risk_at: Mapped[datetime] = mapped_column(default=NEVER)  # from then on a running clock has a quarter left, or less
    taken_at: Mapped[datetime | None]  # somebody said "mine": the chasing stops, the clocks do not
    snoozed_until_at: Mapped[datetime | None]  # until then card and chasing keep still, the clocks run
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @property
    def ref(self) -> str:
        """`TKT-000042`."""
        return ticket_ref(self.id)

    def move(self, to: TicketStatus, *, by: Actor, at: datetime, note: str = "") -> TicketEvent:
        """The one way to change the status: legal moves only; gives back the history row to store."""
        if to not in MOVES[self.status]:
            raise Refusal("ticket.illegal_move", ref=self.ref, here=self.status.value, there=to.value)
        event = TicketEvent.of(self, "moved", by=by, at=at, was=self.status.value, now=to.value, note=note)
        self.status = to
        self.updated_at = at
        self.resolved_at = (
            at if to is TicketStatus.RESOLVED else (self.resolved_at if to is TicketStatus.CLOSED else None)
        )
        if to is TicketStatus.CLOSED:
            self.closed_at = at
        return event


class TicketEvent(Base):
    """One line of a ticket's history: opened, moved, note, assigned, priority, escalated, visit, evidence."""

    __tablename__ = "ticket_event"
    __table_args__ = (Index("ix_ticket_event_ticket_id_id", "ticket_id", "id"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[str] = mapped_column(String(24))
    was: Mapped[str | None] = mapped_column(String(120))
    now: Mapped[str | None] = mapped_column(String(120))
    note: Mapped[str] = mapped_column(default="")
    by_kind: Mapped[str] = mapped_column(String(16))
    by_id: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]

    @classmethod
    def of(
        cls,
        ticket: Ticket,
        kind: str,
        *,
        by: Actor,
        at: datetime,
        was: str | None = None,
        now: str | None = None,
        note: str = "",
    ) -> TicketEvent:
        """A history row for a ticket that already has its id."""
        return cls(
            ticket_id=ticket.id,
            kind=kind,
            was=was,
            now=now,
            note=note,
            by_kind=by.kind.value,
            by_id=by.id,
            by_name=by.name,
            at=at,
        )
