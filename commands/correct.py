"""/correct: what a customer's message is really about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import CommandContext, Outcome, command, done
from commands.words import FreeText, MessageId
from desk import messages
from desk.work import Work
from models.access import Permission
from models.reading import Category, Urgency


@dataclass(frozen=True)
class Correct:
    """Which message, what it is about, perhaps how urgent it is, and why."""

    message: MessageId
    category: Category
    urgency: Urgency | None = None
    why: FreeText | None = None


@command(needs=Permission.CORRECT_MESSAGES)
async def correct(ctx: CommandContext, args: Correct) -> Outcome:
    """Say what a customer's message is about; the assistant learns from it."""
    was = await ctx.desk.run(_correct, args)
    now: dict[str, Any] = {"$code": f"category.{args.category.value}"}
    if was == args.category:
        return done("command.confirmed_reading", id=args.message, now=now)
    before = {"$code": f"category.{was.value}"} if was is not None else None
    return done("command.corrected", id=args.message, now=now, was=before)


def _correct(work: Work, args: Correct) -> Category | None:
    was = messages.get(work, args.message).category
    messages.correct(work, args.message, args.category, args.why or "", urgency=args.urgency)
    return was
