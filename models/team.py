"""What the team's chats are made of: the chats themselves, the links that let members in, questions put to members."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
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


class CardSubject(StrEnum):
    """What a card is about."""

    TICKET = "ticket"
    INCIDENT = "incident"
    ALERT = "alert"


class CardState(StrEnum):
    """Whether somebody still has to act."""

    OPEN = "open"
    CLOSED = "closed"


class TeamCard(Base):
    """The one message of a chat about a ticket, an incident or a line of the board, edited in place.

    `wanted` rises with every change of the subject; the message shows `sent`. `outbox_id` is the row that waits or
    is under way, with the version `made`.
    """

    __tablename__ = "team_card"
    __table_args__ = (
        UniqueConstraint("team_chat_id", "subject_kind", "subject_id"),
        Index("ix_team_card_subject", "subject_kind", "subject_id"),
        Index("ix_team_card_chat_provider_id", "team_chat_id", "provider_id"),
        Index("ix_team_card_outbox_id", "outbox_id"),
        Index(
            "ix_team_card_wanted",
            "team_chat_id",
            "id",
            postgresql_where=text("wanted > made"),
            sqlite_where=text("wanted > made"),
        ),
        Index("ix_team_card_state_updated_at", "state", "updated_at"),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    team_chat_id: Mapped[int] = mapped_column(ForeignKey("team_chat.id"))
    subject_kind: Mapped[CardSubject]
    subject_id: Mapped[int] = mapped_column(type_big)
    provider_id: Mapped[str | None] = mapped_column(String(80))  # of the message; None: not posted yet
    wanted: Mapped[int] = mapped_column(default=1)
    made: Mapped[int] = mapped_column(default=0)
    sent: Mapped[int] = mapped_column(default=0)
    face: Mapped[str] = mapped_column(String(64), default="")  # a digest of what `made` shows: the same is not sent
    outbox_id: Mapped[int | None] = mapped_column(type_big)
    ping_alert_id: Mapped[int | None] = mapped_column(ForeignKey("team_alert.id"))  # must be heard: a new message
    state: Mapped[CardState] = mapped_column(default=CardState.OPEN)
    snoozed_until_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]  # when its last row was made


class CardTouch(Base):
    """Something that a card may be about has changed. Only ever added, so that whoever changes it waits for nobody."""

    __tablename__ = "card_touch"

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    subject_kind: Mapped[CardSubject]
    subject_id: Mapped[int] = mapped_column(type_big)
    ping: Mapped[bool] = mapped_column(default=False)  # an alert that members must hear
    at: Mapped[datetime]
