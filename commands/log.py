"""/log: the last frames of a charger, as a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from commands.command import Attachment, CommandContext, Outcome, OutcomeKind, command
from commands.words import ChargerId
from desk import chargers
from models.access import Permission
from models.errors import BadInput

USUAL, MOST = 200, 2_000
LARGEST = 200_000
"""Bytes of the file; the newest frames are in it, whatever else is left out."""
ACTIONS_SHOWN = 3


@dataclass(frozen=True)
class Log:
    """Of which charger, and how many frames."""

    charger: ChargerId
    frames: int = USUAL


@command(needs=Permission.COMMAND_CHARGERS)
async def log(ctx: CommandContext, args: Log) -> Outcome:
    """Get the last frames of a charger as a text file (200 of them, or as many as you say)."""
    if not 1 <= args.frames <= MOST:
        raise BadInput("command.bad_frames", most=MOST)
    found = await ctx.desk.read(chargers.frames, args.charger, limit=args.frames, after=None)
    if not found:
        return Outcome(OutcomeKind.DONE, "command.no_frames", {"id": args.charger})
    lines = _newest(found)
    kept = found[: len(lines)]
    facts = {
        "id": args.charger,
        "count": len(kept),
        "first": {"$at": kept[-1]["at"]},
        "last": {"$at": kept[0]["at"]},
        "actions": _actions(kept),
        "errors": sum(str(frame["frame"]).lstrip().startswith("[4") for frame in kept),
    }
    name = f"{args.charger}-frames.txt".replace(":", "_")
    file = Attachment(name, "text/plain; charset=utf-8", "".join(reversed(lines)))
    return Outcome(OutcomeKind.DONE, "command.log", facts, attachment=file)


def _newest(frames: list[dict[str, Any]]) -> list[str]:
    """Lines, the newest first, as many as fit."""
    lines: list[str] = []
    size = 0
    for frame in frames:
        arrow = "<-" if frame["direction"] == "in" else "->"
        line = f"{frame['at']} {arrow} {frame['action'] or '-'} {frame['frame']}\n"
        size += len(line.encode())
        if size > LARGEST and lines:
            break
        lines.append(line if size <= LARGEST else line.encode()[:LARGEST].decode(errors="ignore"))
    return lines


def _actions(frames: list[dict[str, Any]]) -> str:
    counted = Counter(frame["action"] for frame in frames if frame["action"])
    return ", ".join(f"{action} {count}" for action, count in counted.most_common(ACTIONS_SHOWN)) or "–"
