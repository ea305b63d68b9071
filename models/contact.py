"""A contact (somebody who writes to the operator) and the identities by which channels know them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, validates

from models.base import Base, type_big


class Tier(StrEnum):
    """Raises a contact's ticket within its priority."""

    PLATINUM = "platinum"
    GOLD = "gold"
    SILVER = "silver"
    STANDARD = "standard"


TIER_RANK: dict[Tier, int] = {Tier.PLATINUM: 0, Tier.GOLD: 1, Tier.SILVER: 2, Tier.STANDARD: 3}


class IdentityKind(StrEnum):
    """How a channel names a person. An identity proves only itself."""

    PHONE = "phone"  # E.164, proven by a channel that owns it (WhatsApp) or entered by staff
    WA_USER = "wa_user"  # WhatsApp's business-scoped user id, for people without a visible phone
    TELEGRAM_USER = "telegram_user"
    WEB_SESSION = "web_session"


class Contact(Base):
    """A customer. `username` is the account name in the charging app, `fleet_id` the fleet that pays for it."""

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_sort_name_id", "sort_name", "id"),
        Index("ix_contact_tier_id", "tier", "id"),
        Index("ix_contact_organisation_id", "organisation", "id"),
        Index("ix_contact_tier_sort_name_id", "tier", "sort_name", "id"),
        Index("ix_contact_organisation_sort_name_id", "organisation", "sort_name", "id"),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    sort_name: Mapped[str] = mapped_column(String(400), default="", server_default="")  # what lists are ordered by
    username: Mapped[str | None] = mapped_column(String(100), unique=True)
    email: Mapped[str | None] = mapped_column(String(200), index=True)
    organisation: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str | None] = mapped_column(String(16))  # chosen by the person; wins over what is detected
    tier: Mapped[Tier] = mapped_column(default=Tier.STANDARD)
    account_active: Mapped[bool] = mapped_column(default=True)
    fleet_id: Mapped[int | None] = mapped_column(ForeignKey("fleet.id"))
    primary_charger_id: Mapped[str | None] = mapped_column(String(48))
    notes: Mapped[str | None]
    muted_until_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]

    @validates("name")
    def _ordered(self, _: str, name: str) -> str:
        self.sort_name = name.casefold()[:400]
        return name


def _backwards(context: Any) -> str:
    return str(context.get_current_parameters()["value"])[::-1]


class ContactIdentity(Base):
    """One way in which a channel names a contact. `account` is our own number, bot or site; `''` where it has none."""

    __tablename__ = "contact_identity"
    __table_args__ = (
        UniqueConstraint("kind", "value", "account"),
        Index("ix_contact_identity_contact_id", "contact_id"),
        Index("ix_contact_identity_kind_backwards", "kind", "backwards"),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    kind: Mapped[IdentityKind]
    value: Mapped[str] = mapped_column(String(160))
    # Read backwards, a number is found by its last digits.
    backwards: Mapped[str] = mapped_column(String(160), default=_backwards, server_default="")
    account: Mapped[str] = mapped_column(String(160), default="")
    dead_at: Mapped[datetime | None]  # the provider says that nobody is there any more
    created_at: Mapped[datetime]


class PhoneLink(Base):
    """A person's consent to be known by their phone number on a channel that does not own it, until they undo it.

    `contact_id` has the number; `before_contact_id` is whom the conversation belonged to before.
    """

    __tablename__ = "phone_link"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    before_contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    phone: Mapped[str] = mapped_column(String(32))
    linked_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
