"""Buttons: what a pressed one, or the number typed for one, means. Ids come from outside and prove nothing."""

from __future__ import annotations

from bot.assistant import arrival, billing, case, dialogue, fault, human, info, phone, smalltalk
from bot.assistant.turn import Turn
from phrases.catalogue import LANGUAGES


def chosen(turn: Turn) -> str | None:
    """The id of the choice made: a pressed button's, or that of the number typed for it."""
    if turn.message.payload:
        return turn.message.payload
    typed = turn.text.rstrip(".)").strip()
    menu = turn.conversation.menu
    if isinstance(menu, dict) and typed.isascii() and typed.isdigit():
        found = menu.get(str(int(typed[:4])))
        return found if isinstance(found, str) else None
    return None


def handle(turn: Turn, choice: str) -> bool:
    """Do what a choice asks for; False where it means nothing here, so that the text is read as a text."""
    verb, _, rest = choice.partition(":")
    state = turn.conversation.dialogue or {}
    match verb:
        case "human":
            human.asked(turn)
        case "cancel" | "skip" | "ask":
            return _answer(turn, verb, rest)
        case "charger" if state.get("kind") == "which_charger":
            _which(turn, rest)
        case "charger":
            turn.end_dialogue()
            fault.which(turn, {}, rest or None)
        case "fault":
            return _outcome(turn, rest)
        case "ticket" if rest == "billing":
            billing.ask_ticket(turn)
        case "case":
            return _case(turn, rest)
        case "language" if rest in LANGUAGES:
            smalltalk.choose(turn, rest)
        case "menu":
            return _menu(turn, rest)
        case _:
            return _command(turn, verb, rest)
    return True


def _command(turn: Turn, verb: str, rest: str) -> bool:
    """What a channel's own menu of commands begins."""
    match verb:
        case "start":
            arrival.start(turn, rest)
        case "help":
            smalltalk.help_(turn)
        case "language":
            smalltalk.languages(turn)
        case "near":
            info.near_me(turn)
        case "phone" if phone.can_share(turn):
            phone.ask(turn)
        case "forget" if phone.can_share(turn):
            phone.forget(turn)
        case _:
            return False
    return True


def _answer(turn: Turn, verb: str, rest: str) -> bool:
    state = turn.conversation.dialogue
    if not dialogue.goes_on(state):
        if verb == "cancel":
            turn.end_dialogue()
            turn.settled()
            turn.say("ask.cancelled")
            return True
        return False
    assert state is not None
    if verb == "ask":
        step, _, value = rest.partition(":")
        if step != state.get("step"):
            return False
        dialogue.step(turn, state, value)
    else:
        dialogue.step(turn, state, verb)
    return True


def _which(turn: Turn, charger_id: str) -> None:
    state = turn.conversation.dialogue or {}
    if charger_id:
        fault.which(turn, state, charger_id)
    else:
        fault.without_charger(turn, state)


def _outcome(turn: Turn, rest: str) -> bool:
    how, _, charger_id = rest.partition(":")
    if how == "works":
        fault.works(turn, charger_id)
    elif how == "still":
        fault.still(turn, charger_id)
    else:
        return False
    return True


def _case(turn: Turn, ref: str) -> bool:
    ticket = case.owned(turn, ref)
    if ticket is None:
        case.unknown(turn, ref[:20])
    else:
        case.status(turn, ticket)
    return True


def _menu(turn: Turn, rest: str) -> bool:
    match rest:
        case "fault":
            fault.ask(turn)
        case "find":
            info.find(turn)
        case "balance":
            billing.handle(turn)
        case "language":
            smalltalk.languages(turn)
        case _:
            return False
    return True
