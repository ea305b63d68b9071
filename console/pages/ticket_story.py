"""A line of a ticket's history in the reader's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from console.pages.page import Visit
from models.access import ActorKind
from models.sla import ClockKind, ClockState
from models.ticket import TicketEvent

ESCALATION = ("tickets.tried", "tickets.failed", "tickets.needed")


@dataclass(frozen=True)
class Line:
    """What happened. `labelled`: the answers of an escalation, each with its question."""

    id: int
    kind: str
    tone: str
    text: str
    note: str
    labelled: tuple[tuple[str, str], ...]
    at: Any


def line(visit: Visit, event: TicketEvent) -> Line:
    """One line of it."""
    code = _CODES.get(event.kind, "tickets.event.other")
    if event.kind == "assigned" and event.now is None:
        code = "tickets.event.released"
    value = _VALUES.get(event.kind, _as_it_is)
    by = event.by_name if event.by_kind == ActorKind.MEMBER.value else visit.say("tickets.by_house", name=event.by_name)
    text = visit.say(code, by=by, was=value(event.was), now=value(event.now), kind=event.kind)
    answers = event.note.split("\n") if event.kind == "escalated" and event.note else []
    labelled = tuple(zip(ESCALATION, answers, strict=True)) if len(answers) == len(ESCALATION) else ()
    note = "" if labelled or event.kind == "opened" else event.note
    return Line(event.id, event.kind, _TONES.get(event.kind, "state-grey"), text, note, labelled, event.at)


def _as_it_is(value: str | None) -> Any:
    return value


def _state(value: str | None) -> Any:
    return {"$code": f"state.{value}"} if value else None


def _instant(value: str | None) -> Any:
    return {"$at": value} if value else None


def _clock(value: str | None) -> Any:
    if value in set(ClockKind):
        return {"$code": f"sla.clock.{value}"}
    return {"$code": f"tickets.clock.{value}"} if value in set(ClockState) else value


_VALUES: dict[str, Callable[[str | None], Any]] = {
    "opened": _state, "moved": _state, "priority": _state, "escalated": _state, "visit": _instant,
    "snoozed": _instant, "no_news": _instant, "paused": _clock, "resumed": _clock, "first_response": _clock,
}  # fmt: skip
_CODES: dict[str, str] = {
    kind: f"tickets.event.{kind}"
    for kind in (
        "opened", "moved", "note", "assigned", "priority", "escalated", "visit", "taken", "first_response", "paused",
        "resumed", "snoozed", "no_news", "customer", "charger",
    )
}  # fmt: skip
_TONES: dict[str, str] = {
    "opened": "state-orange", "moved": "state-blue", "escalated": "state-red", "priority": "state-orange",
    "customer": "state-violet", "note": "state-grey", "assigned": "state-blue", "taken": "state-blue",
    "first_response": "state-green", "no_news": "state-red",
}  # fmt: skip
