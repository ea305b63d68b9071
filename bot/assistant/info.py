"""Questions: answered from what the house knows, with live figures where the answer wants them; else a ticket."""

from __future__ import annotations

from typing import Any

from bot.assistant import case, words
from bot.assistant.turn import Turn
from classifiers.fold import fold
from desk import chargers as charger_desk
from desk import talk
from desk.knowledge import Found
from models.reading import Category
from models.reply import Extra
from models.ticket import Priority

SITES_SHOWN = 5
SITES_LOOKED_AT = 1_000
_COMMON = frozenset(
    fold(word) for word in (
        "charger", "charging", "station", "site", "road", "street", "point", "city", "mall", "hotel", "park", "hub",
        "main", "north", "south", "east", "west", "energy", "power", "fast", "centre", "center", "near", "nearest",
    )
)  # fmt: skip


def handle(turn: Turn) -> None:
    """Answer a question, or open a ticket for it."""
    found = turn.context.knowledge.search(turn.text)
    if found is not None:
        answer(turn, found)
    elif words.asks_where(turn.text):
        _availability(turn, None)
    else:
        unanswered(turn)


def knows(turn: Turn) -> Found | None:
    """What the house knows of this text."""
    return turn.context.knowledge.search(turn.text) if turn.text else None


def answer(turn: Turn, found: Found) -> None:
    """Say what is known."""
    turn.settled()
    text = found.topic.said(turn.language)
    match found.topic.live:
        case "availability":
            _availability(turn, text)
        case "prices":
            _prices(turn, text)
        case "hours":
            _hours(turn, text)
        case _:
            turn.say("info.answer", {"answer": text})


def unanswered(turn: Turn) -> None:
    """Nobody wrote it down: a human answers."""
    turn.settled()
    standing = case.live(turn, Category.INFO)
    if standing is not None:
        case.add(turn, standing, still_broken=True)
        return
    ticket = turn.open_ticket(Category.INFO, priority=Priority.LOW)
    turn.say("info.ticket", {"ref": ticket.ref})


def nearest(turn: Turn) -> None:
    """Somebody sent where they are."""
    turn.settled()
    latitude, longitude = turn.message.latitude, turn.message.longitude
    assert latitude is not None
    assert longitude is not None
    sites = charger_desk.nearest(turn.work, latitude, longitude)
    if not sites:
        turn.say("info.no_sites")
        return
    turn.say("info.nearest", {"sites": {"$list": [_near(site) for site in sites]}})


def near_me(turn: Turn) -> None:
    """Somebody wants the nearest place to charge: where are they?"""
    turn.settled()
    turn.say("near.ask", extra={Extra.WANT: "location"})


def find(turn: Turn) -> None:
    """Somebody looks for a place to charge and has not said where."""
    _availability(turn, None)


def _near(site: dict[str, Any]) -> dict[str, Any]:
    return {"$code": "info.site_near", "km": round(site["distance_m"] / 1000, 1), "site": _line(site)}


def _availability(turn: Turn, text: str | None) -> None:
    turn.settled()
    everywhere = charger_desk.availability(turn.work, [], limit=SITES_LOOKED_AT)
    here = _named(everywhere, turn.text)
    if not everywhere:
        turn.say("info.answer", {"answer": text}) if text else turn.say("info.no_sites")
        return
    shown = here or sorted(everywhere, key=lambda site: -_free(site))
    lines = {"$list": [_line(site) for site in shown[:SITES_SHOWN]]}
    turn.say("info.sites_here" if here else "info.sites", {"sites": lines})


def _named(sites: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Sites of whose name or address a word stands in the text; spelling and script are folded."""
    padded = f" {fold(text)}"
    return [site for site in sites if any(f" {word}" in padded for word in _words(site))]


def _words(site: dict[str, Any]) -> set[str]:
    folded = fold(f"{site['site']} {site['address'] or ''}").split()
    return {word for word in folded if len(word) > 3 and word not in _COMMON}


def _free(site: dict[str, Any]) -> int:
    return sum(int(counts["free"]) for counts in site["types"].values())


def _line(site: dict[str, Any]) -> dict[str, Any]:
    kinds = [
        {"$code": f"info.free.{kind.lower()}", "free": counts["free"], "total": counts["total"]}
        for kind, counts in sorted(site["types"].items(), reverse=True)
    ]
    place = ", ".join(filter(None, (site["site"], site["address"])))
    return {"$code": "info.site", "place": place, "kinds": {"$list": kinds or [{"$code": "info.free.none"}]}}


def _prices(turn: Turn, text: str) -> None:
    tariffs = talk.tariffs(turn.work)
    if not tariffs:
        turn.say("info.answer", {"answer": text})
        return
    lines = [{"$code": "info.price", "name": name, "price": price.fact()} for name, price in tariffs]
    turn.say("info.prices", {"answer": text, "prices": {"$list": lines}})


def _hours(turn: Turn, text: str) -> None:
    sites = [s for s in charger_desk.availability(turn.work, [], limit=SITES_LOOKED_AT) if s["hours"]]
    shown = _named(sites, turn.text)[:SITES_SHOWN]
    if not shown:
        turn.say("info.answer", {"answer": text})
        return
    lines = [{"$code": "info.hours", "place": site["site"], "hours": site["hours"]} for site in shown]
    turn.say("info.prices", {"answer": text, "prices": {"$list": lines}}, what="info.hours")
