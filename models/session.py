"""How a member is signed in to the console: sessions, tries, a second factor. No secret is kept in the clear."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big


class MemberSession(Base):
    """A browser that is signed in. The cookie's random id is kept as its digest only."""

    __tablename__ = "member_session"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    agent: Mapped[str] = mapped_column(String(80), default="")
    ip: Mapped[str] = mapped_column(String(45), default="")


class SignInTry(Base):
    """A password or code that somebody gave. It counts as wrong until it is known to be right."""

    __tablename__ = "sign_in_try"
    __table_args__ = (
        Index("ix_sign_in_try_email_at", "email", "at"),
        Index("ix_sign_in_try_ip_at", "ip", "at"),
        Index("ix_sign_in_try_at", "at"),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    email: Mapped[str] = mapped_column(String(200))
    ip: Mapped[str] = mapped_column(String(45))
    at: Mapped[datetime]
    fits: Mapped[bool] = mapped_column(default=False)


class SecondFactor(Base):
    """A member's authenticator app: its secret, sealed, and the last time step of which a code was taken."""

    __tablename__ = "second_factor"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    sealed: Mapped[str] = mapped_column(String(300))
    last_step: Mapped[int] = mapped_column(type_big, default=0)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code for the day the authenticator is lost; each opens once, only its digest is kept."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None]
