"""/whoami: as whom this door knows the member."""

from __future__ import annotations

from dataclasses import dataclass

from commands.command import CommandContext, Outcome, command, done
from desk import members
from models.errors import NotAllowed


@dataclass(frozen=True)
class Whoami:
    """Takes nothing."""


@command(needs=None)
async def whoami(ctx: CommandContext, args: Whoami) -> Outcome:
    """Show as whom you are known here: name, role and departments."""
    actor = ctx.desk.actor
    if actor.member_id is None or actor.role is None:
        raise NotAllowed("access.members_only")
    member = await ctx.desk.read(members.get, actor.member_id)
    departments = sorted(department.value for department in actor.departments)
    names = [{"$code": f"access.department.{department}"} for department in departments]
    return done(
        "command.whoami",
        member_id=member.id,
        name=member.name,
        email=member.email,
        role=actor.role.value,
        role_name={"$code": f"access.role.{actor.role.value}"},
        departments=departments,
        department_names={"$list": names or [{"$code": "command.none"}]},
    )
