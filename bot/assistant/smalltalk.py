"""Greetings, thanks and whatever is no case of ours: short, friendly, no ticket."""

from __future__ import annotations

from bot.assistant import words
from bot.assistant.turn import Turn
from desk import talk
from models.reply import Choice
from phrases.catalogue import LANGUAGES

_MENU = (
    Choice("menu:fault", "choice.menu_fault"),
    Choice("menu:find", "choice.menu_find"),
    Choice("menu:balance", "choice.menu_balance"),
    Choice("menu:language", "choice.menu_language"),
    Choice("human", "choice.human"),
)


def simple(turn: Turn) -> bool:
    """Answer a text of nothing but a greeting, thanks or an "ok"; tells whether it was one."""
    if words.thanks(turn.text):
        turn.settled()
        turn.say("talk.welcome")
    elif words.greets(turn.text):
        hello(turn)
    elif words.agrees(turn.text):
        turn.settled()
        turn.say("talk.ok")
    else:
        return False
    return True


def hello(turn: Turn) -> None:
    """A greeting, and what we can do."""
    turn.settled()
    if turn.contact.name:
        turn.say("talk.hello_name", {"name": turn.contact.name}, _MENU)
    else:
        turn.say("talk.hello", choices=_MENU)


def help_(turn: Turn) -> None:
    """What we can do, and how one asks for it."""
    turn.settled()
    turn.say("talk.help", choices=_MENU)


def other(turn: Turn) -> None:
    """Nothing that we look after."""
    turn.settled()
    turn.say("talk.other", choices=_MENU)


def languages(turn: Turn) -> None:
    """Offer the languages."""
    turn.settled()
    turn.say("language.ask", choices=tuple(Choice(f"language:{each}", f"language.name.{each}") for each in LANGUAGES))


def choose(turn: Turn, language: str) -> None:
    """Answer in this language from now on, on every channel."""
    turn.settled()
    talk.choose_language(turn.work, turn.conversation, turn.contact, language)
    turn.say("language.set", {"name": {"$code": f"language.name.{language}"}})
