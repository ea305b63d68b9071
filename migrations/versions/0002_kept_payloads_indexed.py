"""Raw payloads that are still kept are found by an index: the hourly sweep need not read the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a backup."""
    op.create_index(
        "ix_inbox_raw_kept",
        "inbox",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("raw IS NOT NULL"),
        sqlite_where=sa.text("raw IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_event_raw_kept",
        "outbox_event",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("raw IS NOT NULL"),
        sqlite_where=sa.text("raw IS NOT NULL"),
    )
