"""What the team's chats are made of: the chats themselves, the links that let members in, questions put to members."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big
from models.member import MemberIdentityKind


class TeamChat(Base):
    """A group, or a topic of one, in which the team works. An inactive one hears nothing and may do nothing."""

    __tablename__ = "team_chat"
    __table_args__ = (UniqueConstraint("account", "chat_id", "topic"),)

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    account: Mapped[str] = mapped_column(String(160))  # the bot's id
    chat_id: Mapped[str] = mapped_column(String(40))
    topic: Mapped[str] = mapped_column(String(40), default="")  # empty: the chat as a whole
    former_id: Mapped[str | None] = mapped_column(String(40), index=True)  # before the group became a supergroup
    title: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(16), default="en")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    @property
    def address(self) -> str:
        """Where the outbox posts: `-100123`, or `-100123/45` for a topic."""
        return f"{self.chat_id}/{self.topic}" if self.topic else self.chat_id


class MemberLink(Base):
    """A code, good once and for a day, by which a member ties an account to itself. Only its digest is kept."""

    __tablename__ = "member_link"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    kind: Mapped[MemberIdentityKind]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class TeamQuestion(Base):
    """A question put to a member; the member's answer to that very message completes `line` and runs it, once."""

    __tablename__ = "team_question"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    line: Mapped[str] = mapped_column(String(300))
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
