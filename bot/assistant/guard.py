"""No loops: how often we answer one person, what is never answered, and how long we stay still. Not for safety."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.assistant import words
from bot.assistant.turn import Turn
from classifiers.fold import fold
from desk import board, talk
from models.message import MessageKind
from models.reading import Category

PER_MINUTE = 8
PER_HOUR = 40
MUTE_S = 600
REPEAT_S = 120
"""Within this time the same text is answered once."""
HUMAN_HOLD_S = 12 * 3600
"""After a member's last word the assistant comes back."""


def keeps_still(turn: Turn) -> bool:
    """Whether nothing is to be answered; says so once when the limit is reached."""
    if _muted(turn):
        if turn.reading is not None and turn.reading.category is not Category.OTHER:
            turn.review()
        return True
    if _automatic(turn) or _repeated(turn):
        return True
    if not _too_fast(turn):
        return False
    turn.say("guard.muted", {"span": {"$span": MUTE_S}})
    talk.mute(turn.work, turn.contact, MUTE_S)
    turn.review()
    board.raise_alert(
        turn.work, kind="review", key=f"muted:{turn.conversation.id}:{turn.message.id}", code="assistant.board_muted",
        facts={"name": turn.who, "span": {"$span": MUTE_S}}, message_id=turn.message.id,
    )  # fmt: skip
    return True


def _muted(turn: Turn) -> bool:
    until = turn.contact.muted_until_at
    return until is not None and until > turn.work.now


def _automatic(turn: Turn) -> bool:
    return words.automatic(turn.text)


def _repeated(turn: Turn) -> bool:
    if turn.message.kind is not MessageKind.TEXT or turn.message.payload or turn.conversation.dialogue:
        return False
    text = _same(turn.text)
    return len(text) > 3 and any(_same(other) == text for other in talk.lately(turn.work, turn.message, REPEAT_S))


def _same(text: str) -> str:
    """Numbers stay as they are: another charger is another message."""
    return f"{fold(text)} {''.join(c for c in text if c.isdigit())}".strip()


def _too_fast(turn: Turn) -> bool:
    contact_id = turn.contact.id
    return (
        talk.answered(turn.work, contact_id, 60) >= PER_MINUTE or talk.answered(turn.work, contact_id, 3600) >= PER_HOUR
    )


def waits_for_human(turn: Turn) -> bool:
    """Whether the talk belongs to a human now; after a member's word and twelve quiet hours it is ours again."""
    since = turn.conversation.human_since_at
    if since is None:
        return False
    spoke_at = talk.human_spoke_at(turn.work, turn.conversation, since)
    if spoke_at is None or not _held_long(spoke_at, turn.work.now):
        return True
    talk.back_to_assistant(turn.work, turn.conversation)
    return False


def _held_long(spoke_at: datetime, now: datetime) -> bool:
    return now - spoke_at >= timedelta(seconds=HUMAN_HOLD_S)
