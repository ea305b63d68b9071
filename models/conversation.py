"""A conversation: one person on one channel, with the dialogue that is under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big

PROVES_NOTHING = frozenset({"web"})
"""Channels where a visitor can be anybody, as often as they like: no number and no account stands behind them."""


class Conversation(Base):
    """Keyed by channel, account and address. `address` is what a reply is sent to, exactly as it came in.

    `dialogue` holds the questions under way (`{"kind": …, "step": …, "answers": {…}}`), or is None.
    """

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_contact_id", "contact_id"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    key: Mapped[str] = mapped_column(String(400), unique=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    channel: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(160))
    address: Mapped[str] = mapped_column(String(200))
    language: Mapped[str | None] = mapped_column(String(16))  # last answered in
    dialogue: Mapped[dict[str, Any] | None]
    menu: Mapped[dict[str, Any] | None]  # numbered choices last offered: {"1": "action id", …}
    last_charger_id: Mapped[str | None] = mapped_column(String(48))
    human_since_at: Mapped[datetime | None]  # the person waits for a human; the assistant keeps still
    last_inbound_at: Mapped[datetime | None]
    last_outbound_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


def conversation_key(channel: str, account: str, address: str) -> str:
    """The unique name of a conversation; also the lane in which its messages keep their order."""
    return f"{channel}:{account}:{address}"
