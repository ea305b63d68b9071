"""What is answered to a message. One verb, one transaction: reading, conversation, ticket, remedy and replies."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from bot.assistant import billing, case, choices, dialogue, fault, guard, human, info, phone, safety, smalltalk, words
from bot.assistant.turn import Context, Turn
from desk import chargers, messages, talk
from desk.work import Work
from models.charger import ChargerState
from models.errors import NotFound
from models.message import MessageKind, MessageState
from models.reading import Category, Reading, Urgency
from phrases.catalogue import spoken

__all__ = ["Context", "answer"]

_FORM = {Category.RFID: "rfid", Category.INSTALL: "install", Category.COMPLAINT: "complaint"}
SHORT = 3
"""A text of so few words that names a charger asks about it, whatever else was understood."""


def answer(work: Work, message_id: int, reading: Reading | None, context: Context) -> None:
    """Decide on an inbound message and write down all that follows. `reading` is None where it has no text.

    The same message is answered once. Refuses (NotFound) a message that does not exist.
    """
    message = messages.get(work, message_id)
    if message.state not in (MessageState.UNREAD, MessageState.ANALYSING):
        return
    if reading is not None:
        # Whether a human must look is decided below: a word that answers our own question needs no category.
        messages.set_reading(work, message_id, replace(reading, needs_review=False))
    conversation, contact = talk.hold(work, message)
    turn = Turn(work, message, conversation, contact, reading, context)
    _listen(turn)
    if reading is not None and reading.urgency is Urgency.SAFETY:
        safety.handle(turn)
        return
    if message.state is MessageState.ANALYSING:
        message.move(MessageState.BUCKETED)
    if message.kind is MessageKind.EDIT:
        return  # staff see it; what was asked before the edit was done, and is not done again
    if message.kind is MessageKind.CONTACT:
        phone.shared(turn)
        return
    if guard.waits_for_human(turn):
        _while_waiting(turn)
    elif not guard.keeps_still(turn):
        _respond(turn)


def _listen(turn: Turn) -> None:
    """Which language is answered: the one that was chosen, else the one that is heard; an unclear one keeps it."""
    if turn.contact.language:
        talk.set_language(turn.work, turn.conversation, turn.contact.language)
        return
    heard = turn.reading.language if turn.reading else "und"
    unclear = (
        heard in ("und", "")
        or turn.text.startswith("/")
        or (heard == "en" and len(turn.text.split()) < 2 and turn.text.isascii())
    )
    if turn.conversation.language is None or not unclear:
        talk.set_language(turn.work, turn.conversation, spoken(heard))


def _while_waiting(turn: Turn) -> None:
    if words.wants_bot(turn.text):
        human.released(turn)
    else:
        human.meanwhile(turn)


def _respond(turn: Turn) -> None:
    choice = choices.chosen(turn)
    if choice is not None and choices.handle(turn, choice):
        return
    if words.wants_human(turn.text):
        human.asked(turn)
    elif _language(turn) or _dialogue(turn) or _case(turn):
        return
    elif turn.reading is None:
        _without_text(turn)
    else:
        _by_reading(turn, turn.reading)


def _language(turn: Turn) -> bool:
    named = words.names_language(turn.text)
    if named is not None:
        smalltalk.choose(turn, named)
    elif words.asks_language(turn.text):
        smalltalk.languages(turn)
    else:
        return False
    return True


def _dialogue(turn: Turn) -> bool:
    """Whether the message was an answer to a question of ours."""
    state = turn.conversation.dialogue
    if not state:
        return False
    if dialogue.forgotten(turn, state):
        turn.end_dialogue()
        if dialogue.goes_on(state):
            dialogue.finish(turn, state)
        return False
    if dialogue.goes_on(state):
        dialogue.step(turn, state)
        return True
    if words.cancels(turn.text):
        turn.end_dialogue()
        turn.settled()
        turn.say("ask.cancelled")
        return True
    if state.get("kind") == "safety_which":
        return safety.which(turn, state) or safety.more(turn, state)
    if state.get("kind") == "which_charger" and not _something_else(turn):
        if turn.reading is None or words.skips(turn.text):
            fault.without_charger(turn, state)
        else:
            fault.which(turn, state, None)
        return True
    turn.end_dialogue()
    return False


def _something_else(turn: Turn) -> bool:
    """Not an answer to "which charger?" but a new matter."""
    reading = turn.reading
    if reading is None or turn.entities.charger_id or reading.needs_review:
        return False
    return reading.category not in (Category.FAULT, Category.OTHER)


def _case(turn: Turn) -> bool:
    """Whether the message was about a case that is there: its number, or that it is not solved after all."""
    if turn.entities.ticket_ref:
        ref = turn.entities.ticket_ref[0]
        ticket = case.owned(turn, ref)
        if ticket is None:
            case.unknown(turn, ref)
        elif words.still_broken(turn.text):
            case.add(turn, ticket, still_broken=True)
        else:
            case.status(turn, ticket)
        return True
    if words.still_broken(turn.text) and not turn.entities.charger_id:
        return _not_solved(turn)
    standing = case.any_live(turn) if words.asks_for_case(turn.text) else None
    if standing is not None:
        case.status(turn, standing)
        return True
    recent = fault.recent_charger(turn) if words.works_now(turn.text) else None
    if recent is not None:
        fault.works(turn, recent)
        return True
    return False


def _not_solved(turn: Turn) -> bool:
    recent = fault.recent_charger(turn)
    if recent is not None:
        fault.still(turn, recent)
        return True
    solved = case.resolved(turn)
    if solved is not None:
        case.add(turn, solved, still_broken=True)
        return True
    return False


def _without_text(turn: Turn) -> None:
    """A file, a place or something we cannot read: it joins what is under way, or a human looks."""
    if turn.message.kind is MessageKind.LOCATION and turn.message.latitude is not None:
        info.nearest(turn)
        return
    standing = case.any_live(turn)
    if standing is not None and talk.has_media(turn.work, turn.message):
        turn.add_to(standing, still_broken=False)
        turn.settled()
        turn.say("case.photo", {"ref": standing.ref})
        return
    human.review(turn)


def _by_reading(turn: Turn, reading: Reading) -> None:
    if smalltalk.simple(turn):
        return
    if turn.text.startswith("/"):
        smalltalk.other(turn)
        return
    if reading.needs_review:
        _doubtful(turn, reading)
        return
    match reading.category:
        case Category.FAULT:
            fault.handle(turn)
        case Category.BILLING:
            billing.handle(turn)
        case Category.INFO:
            info.handle(turn)
        case Category.OTHER if _in_trouble(turn):
            fault.handle(turn)
        case Category.OTHER:
            smalltalk.other(turn)
        case _:
            dialogue.begin(turn, _FORM[reading.category])


def _doubtful(turn: Turn, reading: Reading) -> None:
    """Not sure what was meant. A charger's bare number, a trouble that the charger confirms or that is likely, and a
    question in words we know need no human all the same: a remedy runs only where the charger reports a fault."""
    found = info.knows(turn) if reading.category is Category.INFO else None
    if found is not None:
        info.answer(turn, found)
    elif turn.entities.charger_id and (
        reading.category is Category.FAULT or len(turn.text.split()) <= SHORT or _in_trouble(turn)
    ):
        fault.handle(turn)
    else:
        human.review(turn)


def _in_trouble(turn: Turn) -> bool:
    """Whether a charger that the text names says of itself that something is wrong."""
    for charger_id in turn.entities.charger_id:
        with contextlib.suppress(NotFound):
            state = chargers.overview(turn.work, charger_id)["state"]
            if state in (ChargerState.FAULTED, ChargerState.OFFLINE):
                return True
    return False
