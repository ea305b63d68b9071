"""One unit of work: an open session, the time, who acts, and whom to wake when it is committed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from models.access import Actor, Permission

T = TypeVar("T")


@dataclass(frozen=True)
class House:
    """What holds for the whole installation. `media_dir` and `secret` are set by whoever starts it."""

    currency: str = "LKR"
    region: str = "LK"
    timezone: str = "Asia/Colombo"
    node: str = "node"
    team_account: str = ""  # our WhatsApp number, from which staff are paged; empty: the channel is off
    team_bot: str = ""  # the id of our Telegram bot for the team; empty: that door is off
    media_dir: str = "var/media"
    secret: bytes = field(default=b"", repr=False)  # signs what comes back to us: buttons of cards, links to files
    public_url: str = ""  # where the world reaches us, without a trailing slash


@dataclass
class Work:
    """What a verb works with. It never commits: the Office does, once, when the verb has returned."""

    session: Session
    now: datetime
    actor: Actor
    house: House = field(default_factory=House)
    topics: list[str] = field(default_factory=list)

    def require(self, permission: Permission) -> None:
        """Refuse, unless the actor may."""
        self.actor.require(permission)

    def wake(self, topic: str) -> None:
        """Announce `topic` after the commit; never if the work is rolled back."""
        if topic not in self.topics:
            self.topics.append(topic)

    @property
    def postgresql(self) -> bool:
        """Whether rows can be locked one by one; SQLite has one writer instead."""
        return self.session.get_bind().dialect.name == "postgresql"

    def acting_as(self, actor: Actor) -> Work:
        """The same work in another's name, when one actor's act has consequences that the house carries out."""
        return Work(self.session, self.now, actor, self.house, self.topics)

    def lock(self, entity: type[T], key: object) -> T | None:
        """Load a row for change; on PostgreSQL it is locked until the commit."""
        return self.session.get(entity, key, with_for_update=True if self.postgresql else None, populate_existing=True)
