"""/block and /unblock: whether a charging tag may start a session."""

from __future__ import annotations

from dataclasses import dataclass

from commands.command import CommandContext, Outcome, command, done
from commands.words import Tag
from desk import tags
from models.access import Permission
from models.charging import TagStatus


@dataclass(frozen=True)
class OfTag:
    """Which tag."""

    tag: Tag


@command(needs=Permission.EDIT_FINANCE)
async def block(ctx: CommandContext, args: OfTag) -> Outcome:
    """Block a charging tag: it starts no session any more."""
    tag = await ctx.desk.run(tags.set_status, args.tag, TagStatus.BLOCKED)
    return done("command.tag_blocked", tag=tag.value)


@command(needs=Permission.EDIT_FINANCE)
async def unblock(ctx: CommandContext, args: OfTag) -> Outcome:
    """Let a blocked charging tag start sessions again."""
    tag = await ctx.desk.run(tags.set_status, args.tag, TagStatus.ACTIVE)
    return done("command.tag_unblocked", tag=tag.value)
