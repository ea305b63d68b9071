"""`chargehand`: reads the command line, runs one command, and turns every trouble into one clear line.

What a command needs is imported when it runs, so that help and small commands answer at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import secrets
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NoReturn

from bot.cli_table import COMMANDS, GROUPS, Command

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


class Trouble(Exception):  # noqa: N818 - it is what a person reads
    """Something that a person can mend: the text is printed as it is, one clear line (or one for each trouble)."""

    def __init__(self, *lines: str, status: int = FAILED) -> None:
        super().__init__("\n".join(lines))
        self.status = status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 (refused or failed), 2 (misused) or 130 (interrupted)."""
    if arguments is None:  # the process is ours: what it writes may hold what people said, so it is its owner's alone
        os.umask(0o077)
    try:
        given = parser().parse_args(arguments)
        if not hasattr(given, "command"):
            raise Trouble("chargehand: say what to do; --help lists the commands", status=MISUSED)
        return _run(given.command, given)
    except Trouble as trouble:
        return _say(str(trouble), trouble.status)
    except SystemExit as ending:
        return int(ending.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return OK


def _run(command: Command, given: argparse.Namespace) -> int:
    module, _, function = command.run.partition(":")
    try:
        status: int | None = getattr(importlib.import_module(module), function)(given)
    except (Trouble, KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        from bot.cli_errors import explain  # noqa: PLC0415

        line = explain(error)
        raise Trouble(line if line is not None else _unforeseen(error)) from error
    return status or OK


def _unforeseen(error: Exception) -> str:
    """A bug: the trace goes to a file, the person gets a reference to it."""
    from bot.mask import mask  # noqa: PLC0415

    reference = secrets.token_hex(4)
    path = Path(os.path.realpath(os.curdir)) / f"chargehand-error-{reference}.txt"
    try:
        path.write_text(mask("".join(traceback.format_exception(error))), encoding="utf-8")
        where = f"the details are in {path}"
    except OSError:
        where = "the details could not be written here"
    return f"something went wrong that should not have ({type(error).__name__}, reference {reference}); {where}"


def _say(text: str, status: int) -> int:
    for line in text.splitlines():
        print(re.sub(r"[\x00-\x1f\x7f]", " ", line), file=sys.stderr)
    return status


def _forget_output() -> None:
    """Whoever read our output has gone: what is left must not complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """Misuse is one line, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise Trouble(f"{self.prog}: {message} (see {self.prog} --help)", status=MISUSED)


def parser() -> argparse.ArgumentParser:
    """The whole command line, built from the table."""
    top = _Parser(
        prog="chargehand", description="Chat-bot operations assistant for EV charging networks.", allow_abbrev=False
    )
    top.add_argument("--version", action="version", version=f"chargehand {_version()}")
    branches = top.add_subparsers(metavar="COMMAND", required=False)
    groups: dict[str, argparse._SubParsersAction[_Parser]] = {}
    for command in COMMANDS:
        first, *rest = command.words.split()
        if rest and first not in groups:
            about = GROUPS[first]
            group = branches.add_parser(first, help=about, description=about, allow_abbrev=False)
            groups[first] = group.add_subparsers(metavar="WHAT", required=True)
        where, name = (groups[first], rest[0]) if rest else (branches, first)
        one = where.add_parser(
            name, help=command.about, description=f"{command.about}.", allow_abbrev=False,
            epilog="\n".join(["examples:", *(f"  {line}" for line in command.examples)]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        command.arguments(one)
        one.set_defaults(command=command)
    return top


def _version() -> str:
    try:
        return metadata.version("chargehand")
    except metadata.PackageNotFoundError:
        return "(not installed)"
