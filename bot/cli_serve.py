"""`run` and `demo`: one process, its lock, its logs, and the server."""

from __future__ import annotations

import argparse
import asyncio
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot import logs, settings
from bot.cli import Trouble
from bot.settings import ROLES, Settings


def run(given: argparse.Namespace) -> None:
    """Serve with the settings of `.env`."""
    _serve(settings.with_secret(settings.load()), _roles(given.role), demo=False)


def demo(_: argparse.Namespace) -> None:
    """Serve the demonstration, which reads no `.env`."""
    _serve(settings.with_secret(settings.load(demo=True)), frozenset(ROLES), demo=True)


def _roles(given: list[list[str]] | None) -> frozenset[str]:
    chosen = {role for some in given or [["all"]] for role in some}
    return frozenset(ROLES) if "all" in chosen or not chosen else frozenset(chosen)


def _serve(chosen: Settings, roles: frozenset[str], *, demo: bool) -> None:
    if chosen.sqlite_path is not None and roles != frozenset(ROLES):
        raise Trouble("SQLite serves one process with every role: leave --role out, or set a PostgreSQL DATABASE_URL")
    from bot.app import serve  # noqa: PLC0415 - slow to import

    # The demonstration prints its own page; there only what went wrong is worth a line.
    logs.configure(json=not sys.stderr.isatty(), level="WARNING" if demo else "INFO")
    try:
        with only_process(chosen):
            asyncio.run(serve(chosen, roles=roles, demo=demo))
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise Trouble(_port_trouble(chosen, error)) from error
        raise


def _port_trouble(chosen: Settings, error: OSError) -> str:
    doors = f"{chosen.http_host}:{chosen.http_port} and {chosen.ocpp_host}:{chosen.ocpp_port}"
    why = os.strerror(error.errno or 0).lower()
    return (
        f"cannot listen on {doors}: {why}; stop what listens there, or set CHARGEHAND_HTTP_PORT and "
        "CHARGEHAND_OCPP_PORT"
    )


@contextmanager
def only_process(chosen: Settings) -> Iterator[None]:
    """Hold the lock of a SQLite database; Trouble where another process serves it. PostgreSQL serves many."""
    path = chosen.sqlite_path
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = Path(f"{path}.lock")
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Trouble(f"{path} is served by another Chargehand (process {holder}); stop that one first") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)
