"""The bot was put out of a group of the team: a line on the board, and pages by every other way."""

from __future__ import annotations

from desk import paging, team_chats
from desk.work import Work


def lost(work: Work, address: str, why: str) -> None:
    """Close what was ours in that group and say so where people still hear us; nothing where it is closed already."""
    for chat in team_chats.close(work, address):
        paging.page(
            work, kind="team_chat", key=f"team_chat:{chat.id}:lost:{int(work.now.timestamp())}",
            code="board.team_chat_lost", facts={"title": chat.title or chat.address, "reason": why[:200]}, urgent=True,
        )  # fmt: skip
