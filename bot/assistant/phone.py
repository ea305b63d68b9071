"""A phone number shared on Telegram: with consent it tells whose account this is; the person may take it back."""

from __future__ import annotations

from bot.assistant.turn import Turn
from desk import phone_links
from models.reply import Choice, Extra

CHANNELS = frozenset({"telegram"})
"""Where a person can share a number that the channel vouches for."""


def can_share(turn: Turn) -> bool:
    """Whether this channel has a key for it."""
    return turn.conversation.channel in CHANNELS


def ask(turn: Turn) -> None:
    """Say what sharing does, and offer the key: pressing it is the consent."""
    turn.settled()
    turn.say("phone.ask", extra={Extra.WANT: "phone"})


def shared(turn: Turn) -> None:
    """A contact card. Only one's own links: Telegram says whose it is."""
    turn.settled()
    whose, _, number = (turn.message.payload or "").partition(":")
    if whose != "own" or not can_share(turn):
        turn.say("phone.other")
        return
    owner = phone_links.link(turn.work, turn.conversation, number, turn.message.id)
    turn.contact = owner
    turn.say("phone.linked", {"phone": number}, (Choice("menu:balance", "choice.menu_balance"),))


def forget(turn: Turn) -> None:
    """The person takes it back."""
    turn.settled()
    number = phone_links.undo(turn.work, turn.conversation)
    if number is None:
        turn.say("phone.none")
    else:
        turn.say("phone.forgotten", {"phone": number})
