"""Somebody starts a talk, perhaps from the code on a charger: a greeting, and the charger that they stand before."""

from __future__ import annotations

from bot.assistant import smalltalk
from bot.assistant.turn import Turn
from desk import chargers, talk
from models.errors import NotFound
from models.reply import Choice

_CHARGER = "c_"
"""How what a charger's code carries begins; the charger's id follows."""


def start(turn: Turn, payload: str) -> None:
    """Greet. What a link carries comes from outside: whatever is not a charger of ours is a plain greeting."""
    charger_id = payload.removeprefix(_CHARGER) if payload.startswith(_CHARGER) else ""
    try:
        seen = chargers.overview(turn.work, charger_id) if charger_id else None
    except NotFound:
        seen = None
    if seen is None:
        smalltalk.hello(turn)
        return
    turn.settled()
    talk.remember_charger(turn.work, turn.conversation, charger_id)
    turn.say(
        "arrival.hello",
        {"charger": charger_id, "place": seen["site"] or seen["name"], "state": {"$code": f"arrival.{_word(seen)}"}},
        (
            Choice(f"charger:{charger_id}", "choice.arrival_fault"),
            Choice("menu:balance", "choice.menu_balance"),
            Choice("menu:language", "choice.menu_language"),
            Choice("human", "choice.human"),
        ),
    )


def _word(seen: dict[str, object]) -> str:
    """What a driver wants to know of a charger's state."""
    if seen["state"] in ("Available", "Preparing"):
        return "free"
    return "busy" if seen["state"] in ("Charging", "Finishing", "SuspendedEV", "SuspendedEVSE", "Reserved") else "out"
