"""Every command, in the order of /help."""

from __future__ import annotations

from typing import Any

from commands.assign import assign
from commands.balance import balance
from commands.clear import clear
from commands.close import close
from commands.command import Command
from commands.help import help_about, may_use
from commands.note import note
from commands.out import out
from commands.reboot import reboot
from commands.reset import reset
from commands.resolve import resolve
from commands.restore import restore
from commands.sessions import sessions
from commands.status import status
from commands.take import take
from commands.ticket import ticket
from commands.tickets import tickets
from commands.whoami import whoami
from models.access import Actor

_ABOUT: tuple[Command[Any], ...] = (
    status, sessions, clear, reset, reboot, out, restore, balance,
    tickets, ticket, take, note, resolve, close, assign,
    whoami,
)  # fmt: skip

COMMANDS: tuple[Command[Any], ...] = (*_ABOUT, help_about(_ABOUT))


def allowed(actor: Actor) -> tuple[Command[Any], ...]:
    """The commands that an actor may use."""
    return tuple(item for item in COMMANDS if may_use(actor, item))
