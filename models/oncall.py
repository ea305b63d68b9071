"""The roster: who of the team is on duty when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.access import Department
from models.base import Base, type_big


class Shift(Base):
    """A member's time on duty. `department` narrows what it is about; None: everything. Shifts may overlap."""

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
        Index("ix_shift_ends_at", "ends_at"),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    department: Mapped[Department | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
