"""Meter registers and sums of money in 64 bits: a lifetime register in Wh outgrows 31 bits, a large wallet too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = (
    ("charging_transaction", "meter_start_wh"),
    ("charging_transaction", "meter_last_wh"),
    ("charging_transaction", "meter_stop_wh"),
    ("charging_transaction", "amount_minor"),
    ("meter_sample", "energy_wh"),
    ("wallet", "balance_minor"),
    ("wallet_entry", "amount_minor"),
    ("wallet_entry", "balance_after_minor"),
    ("payment", "amount_minor"),
)


def upgrade() -> None:
    """Go forward; there is no way back but a backup. SQLite's integers are 64 bits wide already."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in COLUMNS:
        op.alter_column(table, column, existing_type=sa.Integer(), type_=sa.BigInteger())
