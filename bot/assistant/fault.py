"""Something does not work: the charger is asked first, mended where it can be, and a ticket is opened where not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.assistant import case
from bot.assistant.turn import Turn
from desk import chargers as charger_desk
from desk import charging, incidents, paging, runs, talk, tickets
from models.charger import ChargerState, RunKind
from models.errors import NotFound, Refusal
from models.incident import Incident
from models.reading import Category, Urgency
from models.reply import Choice
from models.ticket import Priority, Ticket

SAME_TALK_S = 2 * 3600
"""How long the charger last talked about is still meant when none is named: later the person may stand elsewhere."""
SAME_MATTER_S = 12 * 3600
"""How long "still not working" and "it works now" belong to the charger last talked about."""
_UNDER_WAY = frozenset({"run.already_running"})
_WHY = {
    "run.safety": "fault.why.protective",
    "run.too_soon": "fault.why.tried",
    "run.too_many": "fault.why.tried",
    "run.in_session": "fault.why.session",
    "run.not_connected": "fault.why.away",
}
_ADVICE = {
    ChargerState.AVAILABLE: "fault.advice.available",
    ChargerState.PREPARING: "fault.advice.preparing",
    ChargerState.CHARGING: "fault.advice.charging",
    ChargerState.SUSPENDED_EV: "fault.advice.car_pauses",
    ChargerState.SUSPENDED_EVSE: "fault.advice.charger_pauses",
    ChargerState.FINISHING: "fault.advice.finishing",
    ChargerState.RESERVED: "fault.advice.reserved",
    ChargerState.UNAVAILABLE: "fault.advice.unavailable",
}
_BUSY_FIRST = (
    ChargerState.FAULTED, ChargerState.SUSPENDED_EVSE, ChargerState.SUSPENDED_EV, ChargerState.FINISHING,
    ChargerState.PREPARING, ChargerState.AVAILABLE, ChargerState.CHARGING, ChargerState.RESERVED,
)  # fmt: skip
"""Which connector is meant when none is named: the one at which somebody would be stuck."""


def handle(turn: Turn) -> None:
    """A trouble was told."""
    unknown = [charger_id for charger_id in turn.entities.charger_id if not _known(turn, charger_id)]
    charger_id = meant(turn)
    if charger_id is not None:
        about(turn, charger_id)
    elif unknown:
        _ask_which(turn, "fault.unknown_charger", {"charger": unknown[0]})
    else:
        _ask_which(turn, "fault.which", {})


def meant(turn: Turn) -> str | None:
    """The charger that is named, else the one just talked about, else the one where this person charges now."""
    named = next((charger_id for charger_id in turn.entities.charger_id if _known(turn, charger_id)), None)
    if named is not None or turn.entities.charger_id:
        return named
    recent = recent_charger(turn, SAME_TALK_S)
    if recent is not None:
        return recent
    running = charging.sessions(turn.work, contact_id=turn.contact.id, active_only=True, limit=1)
    return str(running[0]["charger_id"]) if running else None


def recent_charger(turn: Turn, within_s: int = SAME_MATTER_S) -> str | None:
    """The charger talked about, if the person last wrote within `within_s`."""
    before = talk.previous(turn.work, turn.message)
    if before is None or turn.work.now - before.received_at > timedelta(seconds=within_s):
        return None
    charger_id = turn.conversation.last_charger_id
    return charger_id if charger_id is not None and _known(turn, charger_id) else None


def _known(turn: Turn, charger_id: str) -> bool:
    try:
        charger_desk.get(turn.work, charger_id)
    except NotFound:
        return False
    return True


def about(turn: Turn, charger_id: str) -> None:
    """The trouble is at this charger: what it says itself decides what is done."""
    turn.settled()
    seen = charger_desk.overview(turn.work, charger_id)
    talk.remember_charger(turn.work, turn.conversation, charger_id)
    standing = case.live(turn, Category.FAULT, charger_id)
    if standing is not None:
        _join(turn, seen)
        case.add(turn, standing)
        return
    connector = _connector(turn, seen)
    if seen["out_of_service_since_at"] is not None:
        _join(turn, seen)
        turn.say("fault.out_of_service", {"charger": charger_id})
    elif not seen["online"]:
        _away(turn, seen)
    elif connector is not None and connector["state"] == ChargerState.FAULTED:
        _faulted(turn, seen, connector)
    else:
        _advise(turn, seen, connector)


def _connector(turn: Turn, seen: dict[str, Any]) -> dict[str, Any] | None:
    """The connector that is named, else the one where somebody would be stuck; None where none was heard yet.

    A fault of the whole station is every connector's.
    """
    rows: list[dict[str, Any]] = seen["connectors"]
    station = seen["station"]
    if seen["online"] and station is not None and station["state"] == ChargerState.FAULTED:
        rows = [{**row, "state": station["state"], "error_code": station["error_code"]} for row in rows]
    named = [row for row in rows if row["id"] in turn.entities.connector]
    if named:
        return named[0]
    return min(rows, key=lambda row: _rank(ChargerState(row["state"])), default=None)


def _rank(state: ChargerState) -> int:
    return _BUSY_FIRST.index(state) if state in _BUSY_FIRST else len(_BUSY_FIRST)


def _join(turn: Turn, seen: dict[str, Any], error_code: str | None = None) -> tuple[Incident, bool]:
    return incidents.join(
        turn.work, seen["id"], conversation_id=turn.conversation.id, cause="message", error_code=error_code
    )


def _away(turn: Turn, seen: dict[str, Any]) -> None:
    """No socket: nothing can be done from here."""
    incident, opened = _join(turn, seen)
    if _known_already(turn, seen, opened):
        return
    ticket = trouble_ticket(turn, seen, why="run.not_connected", incident_id=incident.id)
    since: Any = {"$code": "fault.never_seen"}
    if seen["last_seen_at"] is not None:
        since = {"$at": seen["last_seen_at"]}
    turn.say("fault.offline", {"charger": seen["id"], "since": since, "ref": ticket.ref})


def _known_already(turn: Turn, seen: dict[str, Any], opened: bool) -> bool:
    """Another person's ticket is at this trouble: this one has joined and hears when it ends."""
    if opened or turn.urgent or tickets.find_live(turn.work, charger_id=seen["id"], category=Category.FAULT) is None:
        return False
    turn.say("fault.known", {"charger": seen["id"]})
    return True


def _faulted(turn: Turn, seen: dict[str, Any], connector: dict[str, Any]) -> None:
    incident, opened = _join(turn, seen, connector["error_code"])
    if _known_already(turn, seen, opened):
        return
    facts = {"charger": seen["id"], "connector": connector["id"], "error": connector["error_code"]}
    try:
        runs.start(
            turn.work, RunKind.CLEAR_FAULT, seen["id"], connector=connector["id"],
            conversation_id=turn.conversation.id, message_id=turn.message.id, incident_id=incident.id,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.code in _UNDER_WAY:
            turn.say("fault.already_checking", facts)
            return
        _not_healed(turn, seen, refusal, facts, incident)
        return
    turn.say("fault.checking", facts)
    if turn.urgent:
        _stranded(turn, seen, incident.id)


def _not_healed(
    turn: Turn, seen: dict[str, Any], refusal: Refusal, facts: dict[str, Any], incident: Incident
) -> None:  # fmt: skip
    """The guards allow no remedy: a human has to."""
    protective = refusal.code == "run.safety"
    ticket = trouble_ticket(
        turn, seen, why=refusal.code, incident_id=incident.id, priority=Priority.HIGH if protective else None
    )
    why = {"$code": _WHY.get(refusal.code, "fault.why.human")}
    turn.say("fault.not_healed", {**facts, "why": why, "ref": ticket.ref})


def _advise(turn: Turn, seen: dict[str, Any], connector: dict[str, Any] | None) -> None:
    """The charger reports no fault: what to try, and two buttons for how it went."""
    if turn.urgent:
        _stranded(turn, seen, None)
        return
    state = ChargerState(connector["state"]) if connector is not None else ChargerState.UNAVAILABLE
    facts = {"charger": seen["id"], "connector": connector["id"] if connector is not None else 1}
    turn.say(_ADVICE.get(state, "fault.advice.unavailable"), facts, choices=outcome_choices(seen["id"]))


def outcome_choices(charger_id: str) -> tuple[Choice, ...]:
    """How it went."""
    return (Choice(f"fault:works:{charger_id}", "choice.works"), Choice(f"fault:still:{charger_id}", "choice.still"))


def _stranded(turn: Turn, seen: dict[str, Any], incident_id: int | None) -> None:
    """Somebody cannot leave: a ticket and the team at once, whatever else is tried."""
    ticket = trouble_ticket(turn, seen, why=None, incident_id=incident_id)
    paging.page(
        turn.work, kind="fault", key=f"urgent:{ticket.id}", code="fault.page",
        facts={
            "ref": ticket.ref, "charger": seen["id"], "name": turn.who,
            "text": turn.text[:300] or turn.summary,
        },
        ticket_id=ticket.id, charger_id=seen["id"], message_id=turn.message.id, urgent=True,
    )  # fmt: skip
    turn.say("fault.urgent", {"charger": seen["id"], "ref": ticket.ref})


def trouble_ticket(
    turn: Turn, seen: dict[str, Any], *, why: str | None, incident_id: int | None, priority: Priority | None = None
) -> Ticket:
    """A ticket with what the charger said of itself and what the person said."""
    evidence = {"charger": seen, "said": turn.text, "no_remedy": why}
    return turn.open_ticket(
        Category.FAULT, charger_id=seen["id"], incident_id=incident_id, evidence=evidence, priority=priority,
        summary=_summary(turn, seen), connector=turn.entities.connector[0] if turn.entities.connector else None,
    )  # fmt: skip


def _summary(turn: Turn, seen: dict[str, Any]) -> str:
    return turn.summary if seen["id"] in turn.summary else f"{seen['id']}: {turn.summary}"[:300]


# How it went ----------------------------------------------------------------------------------------------------


def works(turn: Turn, charger_id: str) -> None:
    """It works now."""
    turn.settled()
    standing = tickets.find_live(turn.work, contact_id=turn.contact.id, charger_id=charger_id)
    if standing is not None:
        turn.add_to(standing, still_broken=False)
    turn.say("fault.glad", {"charger": charger_id})


def still(turn: Turn, charger_id: str) -> None:
    """It does not: a fault that the charger reports by now is mended if it can be, else a human gets it."""
    if not _known(turn, charger_id):
        handle(turn)
        return
    turn.settled()
    seen = charger_desk.overview(turn.work, charger_id)
    standing = case.live(turn, Category.FAULT, charger_id)
    if standing is not None:
        case.add(turn, standing, still_broken=True)
        return
    connector = _connector(turn, seen)
    if seen["online"] and connector is not None and connector["state"] == ChargerState.FAULTED:
        _faulted(turn, seen, connector)
        return
    incident, _ = _join(turn, seen)
    before = " / ".join(talk.lately(turn.work, turn.message, SAME_MATTER_S)[:5][::-1])
    ticket = turn.open_ticket(
        Category.FAULT, charger_id=charger_id, incident_id=incident.id, summary=f"{charger_id}: {before}"[:300],
        description=before, evidence={"charger": seen, "said": before, "advice_failed": True},
    )  # fmt: skip
    turn.say("fault.ticket", {"charger": charger_id, "ref": ticket.ref})


# Which charger? -------------------------------------------------------------------------------------------------


def ask(turn: Turn) -> None:
    """Somebody wants to report a trouble and has said nothing of it yet."""
    _ask_which(turn, "fault.which", {})


def _ask_which(turn: Turn, code: str, facts: dict[str, Any]) -> None:
    turn.settled()
    state = turn.conversation.dialogue or {}
    asked = state.get("asked", 0) if state.get("kind") == "which_charger" else 0
    first = state.get("first") or {"text": turn.text, "summary": turn.summary, "urgent": turn.urgent}
    if asked >= 2:
        without_charger(turn, {**state, "first": first})
        return
    turn.start_dialogue(
        {"kind": "which_charger", "step": "charger", "asked": asked + 1, "first": first,
         "asked_at": turn.work.now.isoformat()}
    )  # fmt: skip
    turn.say(code, facts, choices=_candidates(turn))


def _candidates(turn: Turn) -> tuple[Choice, ...]:
    """The person's usual charger, then those that report a fault now; a button for none of them."""
    ids = [turn.contact.primary_charger_id] if turn.contact.primary_charger_id else []
    ids += [row["id"] for row in charger_desk.page(turn.work, limit=5, after=None, state=ChargerState.FAULTED)]
    buttons = [Choice(f"charger:{each}", "choice.charger", {"charger": each}) for each in dict.fromkeys(ids)]
    return (*buttons[:5], Choice("charger:", "choice.other_charger"))


def which(turn: Turn, state: dict[str, Any], charger_id: str | None) -> None:
    """The answer to "which charger?". Asked twice at most."""
    if charger_id is None:
        charger_id = next((each for each in turn.entities.charger_id if _known(turn, each)), None)
    if charger_id is not None and _known(turn, charger_id):
        turn.end_dialogue()
        about(turn, charger_id)
    elif turn.entities.charger_id:
        _ask_which(turn, "fault.unknown_charger", {"charger": turn.entities.charger_id[0]})
    else:
        _ask_which(turn, "fault.which_again", {})


def without_charger(turn: Turn, state: dict[str, Any]) -> None:
    """Nobody knows which charger it is: a human finds out."""
    turn.end_dialogue()
    turn.settled()
    standing = case.live(turn, Category.FAULT)
    if standing is not None:
        case.add(turn, standing, still_broken=True)
        return
    first = state.get("first") or {}
    ticket = turn.open_ticket(
        Category.FAULT, summary=first.get("summary") or turn.summary,
        description="\n".join(dict.fromkeys(filter(None, (first.get("text"), turn.text)))),
        urgency=Urgency.URGENT if first.get("urgent") else Urgency.NORMAL,
    )  # fmt: skip
    turn.say("fault.ticket_no_charger", {"ref": ticket.ref})
