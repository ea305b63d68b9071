"""Every door: what Telegram, the team's cards and the console keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Go forward; there is no way back but a backup."""
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("extra", JSON, nullable=True))
