"""What the team teaches, the versions of the model that come of it, and what one in the shadow would have said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, type_big
from models.reading import Category, Urgency

TEAM_MODEL = "team"
"""The name of every model that is trained here; its versions count from 1."""


@dataclass(frozen=True)
class Labelled:
    """A message that a person has labelled: their last word on it. `was` and `confidence` are the model's first.

    `by_id` tells contributors apart (`member:7`), `by` is their name.
    """

    message_id: int
    text: str
    category: Category
    was: Category | None
    confidence: float | None
    by_id: str
    by: str
    why: str
    at: datetime
    received_at: datetime
    urgency: Urgency | None = None
    language: str | None = None


class VersionState(StrEnum):
    """Where a version stands. `refused`: its verdict is against it; `failed`: there is nothing to load."""

    TRAINING = "training"
    CANDIDATE = "candidate"
    SHADOW = "shadow"
    SERVING = "serving"
    RETIRED = "retired"
    REFUSED = "refused"
    FAILED = "failed"


_S = VersionState
VERSION_MOVES: MappingProxyType[VersionState, frozenset[VersionState]] = MappingProxyType(
    {
        _S.TRAINING: frozenset({_S.CANDIDATE, _S.REFUSED, _S.FAILED}),
        _S.CANDIDATE: frozenset({_S.SHADOW, _S.SERVING, _S.REFUSED}),
        _S.REFUSED: frozenset({_S.SHADOW, _S.SERVING, _S.CANDIDATE}),
        _S.SHADOW: frozenset({_S.CANDIDATE, _S.REFUSED, _S.SERVING}),
        _S.SERVING: frozenset({_S.RETIRED}),
        _S.RETIRED: frozenset({_S.SERVING, _S.SHADOW}),
        _S.FAILED: frozenset(),
    }
)


class ModelVersion(Base):
    """A model that was trained here. Where no row serves, the shipped model does.

    `folder` lies under DATA_DIR/models, `sha256` is that of what it holds, `data_sha256` that of what taught it.
    `replaced_id` is the version that served before it (None: the shipped one), where it ever served.
    `shadow_from_id` is the newest message when it went into the shadow, `shadow_seen_id` the newest it has read there.
    """

    __tablename__ = "model_version"
    __table_args__ = (UniqueConstraint("name", "version"), Index("ix_model_version_state", "state"))

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    state: Mapped[VersionState]
    folder: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str | None] = mapped_column(String(64))
    data_sha256: Mapped[str | None] = mapped_column(String(64))
    rows: Mapped[int] = mapped_column(default=0)  # labelled messages of the team that taught it
    by: Mapped[str] = mapped_column(String(120))
    asked_at: Mapped[datetime]
    trained_at: Mapped[datetime | None]
    served_at: Mapped[datetime | None]
    verdict: Mapped[dict[str, Any] | None]
    figures: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(String(300))
    replaced_id: Mapped[int | None] = mapped_column(ForeignKey("model_version.id"))
    shadow_from_id: Mapped[int | None] = mapped_column(type_big)
    shadow_seen_id: Mapped[int | None] = mapped_column(type_big)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until_at: Mapped[datetime | None]

    @property
    def label(self) -> str:
        """`name@version`, as readings carry it."""
        return f"{self.name}@{self.version}"

    @property
    def passed(self) -> bool:
        """Whether its verdict is for it."""
        return bool((self.verdict or {}).get("passed"))

    @property
    def judged_against(self) -> str:
        """The very model that its verdict was made against; a label alone where the verdict is of an older release."""
        told = self.verdict or {}
        return str(told.get("against") or told.get("serving") or "")

    def move(self, to: VersionState) -> bool:
        """Change the state where the table of moves allows it; tells whether it did."""
        if to not in VERSION_MOVES[self.state]:
            return False
        self.state = to
        return True


class ShadowReading(Base):
    """What a version in the shadow would have said of a message, beside what was said. It holds no words."""

    __tablename__ = "shadow_reading"
    __table_args__ = (
        UniqueConstraint("version_id", "message_id"),
        Index("ix_shadow_reading_version_id_agrees_id", "version_id", "agrees", "id"),
        Index("ix_shadow_reading_at", "at"),
    )

    id: Mapped[int] = mapped_column(type_big, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    category: Mapped[Category]
    confidence: Mapped[float]
    needs_review: Mapped[bool]
    urgency: Mapped[Urgency]
    served: Mapped[Category]
    served_urgency: Mapped[Urgency | None]
    agrees: Mapped[bool]
    at: Mapped[datetime]
