"""Every command, in the order of /help."""

from __future__ import annotations

from typing import Any

from commands.ack import ack
from commands.assign import assign
from commands.balance import balance
from commands.block import block, unblock
from commands.charge import charge
from commands.clear import clear
from commands.close import close
from commands.command import Command
from commands.config import config
from commands.contact import contact
from commands.correct import correct
from commands.escalate import escalate
from commands.heal import heal
from commands.help import help_about, may_use
from commands.incident import incident
from commands.log import log
from commands.note import note
from commands.oncall import oncall
from commands.out import out
from commands.reboot import reboot
from commands.reply import reply
from commands.resend import resend
from commands.reset import reset
from commands.resolve import resolve
from commands.restore import restore
from commands.send import send
from commands.sessions import sessions
from commands.snooze import snooze
from commands.status import status
from commands.stopcharge import stopcharge
from commands.take import take
from commands.ticket import ticket
from commands.tickets import tickets
from commands.unlock import unlock
from commands.whoami import whoami
from models.access import Actor

_ABOUT: tuple[Command[Any], ...] = (
    status, sessions, clear, reset, reboot, out, restore, unlock, charge, stopcharge, config, log, heal,
    balance, block, unblock, contact, send, resend, correct,
    tickets, ticket, take, note, reply, snooze, escalate, resolve, close, assign, incident, ack,
    oncall, whoami,
)  # fmt: skip

COMMANDS: tuple[Command[Any], ...] = (*_ABOUT, help_about(_ABOUT))


def allowed(actor: Actor) -> tuple[Command[Any], ...]:
    """The commands that an actor may use."""
    return tuple(item for item in COMMANDS if may_use(actor, item))
