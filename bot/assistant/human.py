"""A human is wanted: asked for by the person, or needed because we did not understand."""

from __future__ import annotations

from bot.assistant.turn import Turn
from desk import board, talk, tickets
from models.message import MessageKind
from models.reading import Category
from models.reply import Choice

TOLD_EVERY_S = 1800
"""A person is told at most this often that somebody is coming."""

ASK_HUMAN = Choice("human", "choice.human")


def asked(turn: Turn) -> None:
    """The person wants a human: the assistant keeps still from now on, and a ticket holds the wish."""
    turn.end_dialogue()
    ticket = tickets.find_live(turn.work, contact_id=turn.contact.id)
    if ticket is None:
        category = turn.reading.category if turn.reading is not None else Category.OTHER
        ticket = turn.open_ticket(category)
    else:
        turn.add_to(ticket)
    talk.wait_for_human(turn.work, turn.conversation)
    turn.review()
    _line(turn, "assistant.board_human")
    turn.say("human.coming", {"ref": ticket.ref})


def meanwhile(turn: Turn) -> None:
    """Something more while a human is awaited: kept for them, not answered."""
    ticket = tickets.find_live(turn.work, contact_id=turn.contact.id)
    if ticket is not None:
        turn.add_to(ticket, still_broken=False)
    turn.review()


def released(turn: Turn) -> None:
    """The person calls the assistant back."""
    talk.back_to_assistant(turn.work, turn.conversation)
    turn.settled()
    turn.say("human.bot_back")


def review(turn: Turn) -> None:
    """We did not understand well enough: a human looks, and the person hears it, not every minute anew."""
    turn.review()
    code = "review.text" if turn.message.kind is MessageKind.TEXT and turn.text else "review.media"
    known = ("review.text", "review.media")
    if any(talk.said_since(turn.work, turn.conversation, each, TOLD_EVERY_S) for each in known):
        return
    _line(turn, "assistant.board_review")
    turn.say(code, choices=(ASK_HUMAN,) if code == "review.text" else ())


def _line(turn: Turn, code: str) -> None:
    board.raise_alert(
        turn.work, kind="review", key=f"review:{turn.message.id}", code=code,
        facts={"name": turn.who, "summary": turn.summary},
        message_id=turn.message.id,
    )  # fmt: skip
