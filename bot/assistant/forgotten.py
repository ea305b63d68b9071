"""Questions that nobody answered any more: what was said becomes a ticket, so that nobody is forgotten."""

from __future__ import annotations

from bot.assistant import dialogue, fault
from bot.assistant.turn import Context, Turn
from classifiers.fold import fold
from desk import talk
from desk.knowledge import Index, Knowledge
from desk.work import Work

_NOTHING = Context(Index.of(Knowledge(), fold))


def close(work: Work, conversation_id: int) -> bool:
    """End the questions of a conversation that went quiet and open the ticket; tells whether that was needed."""
    message = talk.last_heard(work, conversation_id)
    if message is None:
        return False
    conversation, contact = talk.hold(work, message)
    state = conversation.dialogue
    turn = Turn(work, message, conversation, contact, None, _NOTHING)
    if not state or not dialogue.forgotten(turn, state):
        return False
    if dialogue.goes_on(state):
        dialogue.finish(turn, state)
    elif state.get("kind") == "which_charger":
        fault.without_charger(turn, state)
    else:
        turn.end_dialogue()
    return True
