"""/help: what this member may type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from commands.command import Command, CommandContext, Outcome, command, done
from commands.words import CommandName
from models.access import Actor
from models.errors import NotFound


@dataclass(frozen=True)
class Help:
    """About which command, or all."""

    command: CommandName | None = None


def may_use(actor: Actor, item: Command[Any]) -> bool:
    """Whether the table of roles lets somebody use a command."""
    return item.needs is None or actor.may(item.needs)


def help_about(others: Sequence[Command[Any]]) -> Command[Help]:
    """The command that explains `others` and itself."""

    @command(needs=None)
    async def help_(ctx: CommandContext, args: Help) -> Outcome:
        """List the commands that you may use, or explain one."""
        mine = [item for item in (*others, help_) if may_use(ctx.desk.actor, item)]
        if args.command is not None:
            mine = [item for item in mine if item.name == args.command]
            if not mine:
                raise NotFound("command.unknown", name=args.command)
        return done(
            "command.help",
            commands=[{"name": item.name, "syntax": item.syntax, "dangerous": item.dangerous} for item in mine],
            lines={"$list": [_line(item) for item in mine]},
        )

    return help_


def _line(item: Command[Any]) -> dict[str, Any]:
    return {"$code": "command.help_line", "syntax": item.syntax, "what": {"$code": item.help_code}}
