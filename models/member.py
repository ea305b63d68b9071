"""A member of the team: role, departments, the numbers and tokens by which a door knows them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.access import Department, Role
from models.base import Base, type_big


class Member(Base):
    """Somebody who works here. History keeps pointing at a member who left."""

    __tablename__ = "member"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    email: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role]
    active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=False)  # the one it has was given, not chosen
    language: Mapped[str] = mapped_column(String(16), default="en")
    timezone: Mapped[str | None] = mapped_column(String(64))
    fleet_id: Mapped[int | None] = mapped_column(ForeignKey("fleet.id"))
    created_at: Mapped[datetime]


class MemberDepartment(Base):
    """A department a member works for."""

    __tablename__ = "member_department"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    department: Mapped[Department] = mapped_column(primary_key=True)


class MemberIdentityKind(StrEnum):
    """How a chat names a member."""

    WHATSAPP = "whatsapp"  # E.164
    TELEGRAM = "telegram"  # immutable numeric id


class MemberIdentity(Base):
    """An enrolled number or account of a member."""

    __tablename__ = "member_identity"
    __table_args__ = (UniqueConstraint("kind", "value"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    kind: Mapped[MemberIdentityKind]
    value: Mapped[str] = mapped_column(String(64))
    last_inbound_at: Mapped[datetime | None]  # opens WhatsApp's window for alerts in free text
    created_at: Mapped[datetime]


class ApiToken(Base):
    """A bearer token; only its SHA-256 is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PendingAction(Base):
    """A dangerous command that waits for its confirmation: bound to actor, door and time, single use.

    At most one waits for a member at a door; a new one replaces it.
    """

    __tablename__ = "pending_action"
    __table_args__ = (
        Index(
            "uq_pending_action_open",
            "member_id",
            "door",
            unique=True,
            postgresql_where=text("used_at IS NULL"),
            sqlite_where=text("used_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    code: Mapped[str] = mapped_column(String(8))  # what the member types back: YES 4821
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    door: Mapped[str] = mapped_column(String(200))  # where it was asked: whatsapp:+94…, api, telegram:-100…
    text: Mapped[str]
    facts: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class TeamAlert(Base):
    """A line on the team's board: something that wants a human. Pages also go to staff phones by the outbox."""

    __tablename__ = "team_alert"
    __table_args__ = (
        Index("ix_team_alert_open", "acked_at", "id"),
        Index(
            "ix_team_alert_page_again_at",
            "page_again_at",
            postgresql_where=text("page_again_at IS NOT NULL"),
            sqlite_where=text("page_again_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(
        String(24)
    )  # safety, breach, warning, chase, dead_letter, unknown_send, fault, review
    urgent: Mapped[bool] = mapped_column(default=False)
    code: Mapped[str] = mapped_column(String(80))
    facts: Mapped[dict[str, Any]]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    charger_id: Mapped[str | None] = mapped_column(String(48))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    raised_at: Mapped[datetime]
    acked_at: Mapped[datetime | None]
    acked_by: Mapped[str | None] = mapped_column(String(200))
    paged_at: Mapped[datetime | None]  # members were told one by one; None: a line of the board alone
    pages: Mapped[int] = mapped_column(default=0)  # how often they were told
    page_again_at: Mapped[datetime | None]  # nobody answered yet: told again then
