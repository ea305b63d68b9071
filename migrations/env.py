"""Alembic's entry: the caller hands over an open connection, inside a transaction and under the lock."""

from __future__ import annotations

from alembic import context

from bot.migrate import configure_options

context.configure(connection=context.config.attributes["connection"], **configure_options())
context.run_migrations()
