"""Paging: a line on the board and a message to every phone on duty, both rows in the same transaction."""

from __future__ import annotations

from typing import Any

from desk import board, outbox
from desk.work import Work
from models.reply import Intent, Reply


def page(
    work: Work, *, kind: str, key: str, code: str, facts: dict[str, Any], ticket_id: int | None = None,
    charger_id: str | None = None, message_id: int | None = None, urgent: bool = False,
) -> bool:  # fmt: skip
    """Tell the team, once for each `key`; tells whether this was the first time."""
    alert = board.raise_alert(
        work, kind=kind, key=key, code=code, facts=facts, ticket_id=ticket_id, charger_id=charger_id,
        message_id=message_id, urgent=urgent,
    )  # fmt: skip
    if alert is None:
        return False
    for member, identity in board.phones_on_duty(work):
        outbox.tell(
            work, identity, Reply(code, facts), key=f"{key}:{identity.id}", language=member.language,
            intent=Intent.ALERT,
        )  # fmt: skip
    return True
