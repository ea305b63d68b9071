"""A button of a card was pressed: the command that it stands for, or the question that must be answered first.

The door has made sure of the member and of the button (models/signed.py); here it does not matter which door it was.
"""

from __future__ import annotations

from commands.command import CommandContext, Outcome, OutcomeKind
from commands.run import run_text
from desk import cards, team_choices
from models.errors import Refusal
from models.reply import Choice
from models.signed import Press
from models.team import CardSubject

SNOOZE = "1h"
"""What one press of Snooze gives; `/snooze` takes any other time."""


async def press(ctx: CommandContext, press: Press) -> Outcome:
    """Do what a button says, as the member who pressed it. Refusals come back as an Outcome of kind `refused`."""
    match press.action:
        case "take":
            return await run_text(ctx, f"/take {press.subject}")
        case "snooze":
            return await run_text(ctx, f"/snooze {press.subject} {SNOOZE}")
        case "ack":
            return await run_text(ctx, f"/ack {press.subject}")
        case "out":
            return await run_text(ctx, f"/out {press.subject}")
        case "show":
            return await _show(ctx, press)
        case "assign":
            return await _assign(ctx, press.subject, press.detail)
        case "escalate" | "resolve":
            return _question(press.action, press.subject)
    return Outcome(OutcomeKind.REFUSED, "press.unknown", {}, 422)


async def _show(ctx: CommandContext, press: Press) -> Outcome:
    """A card that a digest only names comes as a message of its own."""
    address = ctx.door.removeprefix("team:")
    found = await ctx.desk.run(cards.bring, address, CardSubject(press.detail), int(press.subject))
    return Outcome(OutcomeKind.DONE, "card.coming") if found else Outcome(OutcomeKind.REFUSED, "card.none", {}, 404)


async def _assign(ctx: CommandContext, ref: str, member: str) -> Outcome:
    """Without a member's key it asks to whom, by a button for each who can have it."""
    if member:
        return await run_text(ctx, f"/assign {ref} {member}")
    try:
        found = await ctx.desk.read(team_choices.for_ticket, ref)
    except Refusal as refusal:
        return Outcome(OutcomeKind.REFUSED, refusal.code, dict(refusal.facts), refusal.status)
    if not found:
        return Outcome(OutcomeKind.REFUSED, "press.nobody_fits", {"ref": ref}, 409)
    choices = tuple(Choice(ctx.sign("assign", ref, str(one.id)), "press.member", {"name": one.name}) for one in found)
    return Outcome(OutcomeKind.DONE, "press.assign_to", {"ref": ref}, choices=choices)


def _question(action: str, ref: str) -> Outcome:
    return Outcome(OutcomeKind.DONE, f"press.{action}", {"ref": ref}, ask=f"/{action} {ref}")
