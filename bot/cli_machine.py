"""`backup`, `restore`, `migrate`, `doctor`, `simulate chargers`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from bot import backup as archives
from bot import migrate as schema
from bot import settings
from bot.cli import FAILED, Trouble
from bot.clock import SystemClock
from bot.settings import Settings


def backup(given: argparse.Namespace) -> None:
    """Write an archive."""
    chosen = settings.load()
    try:
        content = archives.write(chosen, given.file, SystemClock().now())
    except archives.BackupError as error:
        raise Trouble(str(error)) from None
    parts = [f"{content.media_files} media files", "the secret key" if content.secret else "no secret key"]
    if content.database is not None:
        parts.insert(0, "the database")
    print(f"{given.file}: {', '.join(parts)}, schema {content.schema}. It opens everything: keep it safe.")
    if chosen.secret_key:
        print("The secret key is set in the environment; keep it with the backup.")
    if content.database is None:
        print(_postgres(chosen, f"pg_dump --format=custom --file={given.file}.pgdump"))


def restore(given: argparse.Namespace) -> None:
    """Put an archive back."""
    from bot.cli_serve import only_process  # noqa: PLC0415 - only here

    chosen = settings.load()
    try:
        with only_process(chosen):
            content = archives.restore(chosen, given.file, force=given.force, at=SystemClock().now())
    except archives.BackupError as error:
        raise Trouble(str(error)) from None
    print(f"restored into {chosen.data_dir}: schema {content.schema}, {content.media_files} media files")
    if content.database is None:
        print(_postgres(chosen, f"pg_restore --clean --if-exists --dbname=chargehand {given.file}.pgdump"))


def _postgres(chosen: Settings, command: str) -> str:
    place = " ".join(f"{name}={value}" for name, value in settings.postgres_environment(chosen).items())
    if "--dbname" in command:
        command = command.replace("--dbname=chargehand", '--dbname="$PGDATABASE"')
    return f"PostgreSQL is backed up by its own tools. Run:\n  export {place}\n  {command}"


def migrate(_: argparse.Namespace) -> None:
    """Bring the schema to the newest."""
    chosen = settings.load()
    before, after = schema.upgrade(chosen.database_url)
    print(f"schema {after}: nothing to do" if before == after else f"schema {before or 'none'} → {after}")


def doctor(_: argparse.Namespace) -> int:
    """Look at everything and say how to mend what is not right."""
    from bot.doctor import Health, examine  # noqa: PLC0415 - imports the model and more

    findings = examine()
    for finding in findings:
        print(f"{finding.health.value:<5} {finding.about}: {finding.seen}")
        if finding.mend:
            print(f"      → {finding.mend}")
    bad = sum(finding.health is Health.BAD for finding in findings)
    print(f"\n{bad} to mend" if bad else "\nall well")
    return FAILED if bad else 0


def simulate(given: argparse.Namespace) -> None:
    """Run virtual chargers until interrupted."""
    from bot import logs  # noqa: PLC0415 - only here
    from integrations.ocpp.simulator.fleet import simulate as run_fleet  # noqa: PLC0415 - imports the protocol

    if not given.url.startswith(("ws://", "wss://")):
        raise Trouble(f"--url must begin with ws:// or wss://, not {given.url!r}")
    last = given.first_id + given.count - 1
    who = f"chargers {given.first_id} to {last}, OCPP {given.version}, {given.scenario}"
    print(f"{who}, against {given.url}; Ctrl-C ends", file=sys.stderr)
    logs.configure(json=False)
    try:
        asyncio.run(
            run_fleet(
                given.url.rstrip("/"), clock=SystemClock(), count=given.count, version=given.version,
                scenario=given.scenario, password=given.password, first_id=given.first_id,
            )
        )  # fmt: skip
    except ValueError as error:
        raise Trouble(str(error)) from None
