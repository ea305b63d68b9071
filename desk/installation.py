"""Facts about this installation that its database carries: whether it is a demonstration."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from models.audit import Meta

_DEMO = "demo"


def is_demo(connection: Connection) -> bool:
    """Whether `chargehand demo` made this database."""
    return connection.scalar(select(Meta.value).where(Meta.key == _DEMO)) == "1"


def mark_demo(connection: Connection) -> None:
    """Mark a fresh database as a demonstration, for good."""
    connection.execute(insert(Meta).values(key=_DEMO, value="1"))
