"""Danger: always first, never muted. People away from it, remedies stopped, the charger off, the team paged."""

from __future__ import annotations

from typing import Any

from bot.assistant.turn import Turn
from desk import chargers as charger_desk
from desk import charging, incidents, paging, runs, talk, tickets
from models.charger import RunKind
from models.errors import NotFound, Refusal
from models.incident import Incident
from models.reading import Category, Urgency
from models.reply import Choice
from models.ticket import Priority, Ticket, TicketStatus

PAGE_AGAIN_S = 600
"""A further message about the same danger pages again after this time."""


def handle(turn: Turn) -> None:
    """Somebody tells of a danger."""
    turn.end_dialogue()
    named = _named(turn)
    threatened = named or _likely(turn)
    if threatened is not None:
        runs.stop_for_safety(turn.work, threatened)
    out, incident = _secure(turn, named) if named else ({"$code": "safety.not_named"}, None)
    ticket, known = _case(turn, named, incident)
    _page(turn, ticket, named, out)
    turn.settled()
    if known and talk.said_since(turn.work, turn.conversation, "safety.keep_away", PAGE_AGAIN_S):
        turn.say("safety.known", {"ref": ticket.ref})
    else:
        turn.say("safety.keep_away", {"ref": ticket.ref})
    if named is None and ticket.charger_id is None:
        _ask_which(turn, ticket)


def which(turn: Turn, state: dict[str, Any]) -> bool:
    """The answer to "which charger?" after a danger was told; False where it holds no charger that we know."""
    charger_id = _named(turn, only_now=True)
    if charger_id is None:
        return False
    turn.end_dialogue()
    runs.stop_for_safety(turn.work, charger_id)
    out, incident = _secure(turn, charger_id)
    ticket = tickets.get(turn.work, state["ticket"])
    turn.add_to(ticket, still_broken=True)
    talk.name_charger(turn.work, ticket, charger_id, incident.id)
    _page(turn, ticket, charger_id, out, key=f"safety:{ticket.id}:charger:{charger_id}")
    turn.settled()
    turn.say("safety.named", {"charger": charger_id, "ref": ticket.ref})
    return True


def more(turn: Turn, state: dict[str, Any]) -> bool:
    """Something more about a danger at a charger that is not named: kept for the team."""
    ticket = tickets.get(turn.work, state["ticket"])
    if ticket.status is TicketStatus.CLOSED:
        turn.end_dialogue()
        return False
    turn.end_dialogue()
    turn.add_to(ticket, still_broken=True)
    turn.settled()
    turn.say("safety.noted", {"ref": ticket.ref})
    return True


def _named(turn: Turn, *, only_now: bool = False) -> str | None:
    """The charger that the person named in this message or the one before; nothing is guessed here."""
    ids = list(turn.entities.charger_id)
    if turn.message.payload and turn.message.payload.startswith("charger:"):
        ids.append(turn.message.payload.partition(":")[2])
    if not only_now:
        before = talk.previous(turn.work, turn.message)
        ids += (before.entities or {}).get("charger_id", []) if before is not None else []
    return next((charger_id for charger_id in ids if _exists(turn, charger_id)), None)


def _exists(turn: Turn, charger_id: str) -> bool:
    try:
        charger_desk.get(turn.work, charger_id)
    except NotFound:
        return False
    return True


def _likely(turn: Turn) -> str | None:
    """A charger that may be meant: good enough to stop a remedy there, not to switch anything off."""
    open_sessions = charging.sessions(turn.work, contact_id=turn.contact.id, active_only=True, limit=1)
    if open_sessions:
        return str(open_sessions[0]["charger_id"])
    return turn.conversation.last_charger_id


def _secure(turn: Turn, charger_id: str) -> tuple[dict[str, Any], Incident]:
    """Join the incident and take the charger out of service where the guards allow; tells what the page must say."""
    talk.remember_charger(turn.work, turn.conversation, charger_id)
    incident, _ = incidents.join(
        turn.work, charger_id, conversation_id=turn.conversation.id, cause="safety", error_code=None
    )
    try:
        runs.start(
            turn.work, RunKind.TAKE_OUT_OF_SERVICE, charger_id, args={"why": turn.summary[:200]},
            conversation_id=turn.conversation.id, message_id=turn.message.id, incident_id=incident.id,
        )  # fmt: skip
    except Refusal as refusal:
        return {"$code": "safety.not_taken_out", "why": {"$code": refusal.code, **refusal.facts}}, incident
    return {"$code": "safety.being_taken_out"}, incident


def _case(turn: Turn, charger_id: str | None, incident: Incident | None) -> tuple[Ticket, bool]:
    """The critical ticket of this danger, and whether it was there already."""
    standing = tickets.find_live(turn.work, contact_id=turn.contact.id, charger_id=charger_id, category=Category.FAULT)
    if standing is not None and (charger_id is not None or standing.priority is Priority.CRITICAL):
        turn.add_to(standing, still_broken=True)
        if standing.priority is not Priority.CRITICAL:
            tickets.set_priority(turn.work, standing.ref, Priority.CRITICAL)
        return standing, True
    ticket = turn.open_ticket(
        Category.FAULT, urgency=Urgency.SAFETY, priority=Priority.CRITICAL, charger_id=charger_id,
        incident_id=incident.id if incident else None, evidence=_evidence(turn, charger_id),
    )  # fmt: skip
    return ticket, False


def _evidence(turn: Turn, charger_id: str | None) -> dict[str, Any]:
    said = {"said": turn.text, "message_id": turn.message.id}
    return {**said, "charger": charger_desk.overview(turn.work, charger_id)} if charger_id else said


def _page(turn: Turn, ticket: Ticket, charger_id: str | None, out: dict[str, Any], *, key: str | None = None) -> None:
    slot = int(turn.work.now.timestamp()) // PAGE_AGAIN_S
    paging.page(
        turn.work, kind="safety", key=key or f"safety:{ticket.id}:{slot}", code="safety.page",
        facts={
            "ref": ticket.ref, "charger": charger_id or {"$code": "safety.no_charger"},
            "name": turn.who, "text": turn.text[:300] or turn.summary, "out": out,
        },
        ticket_id=ticket.id, charger_id=charger_id, message_id=turn.message.id, urgent=True,
    )  # fmt: skip


def _ask_which(turn: Turn, ticket: Ticket) -> None:
    likely = _likely(turn)
    choices = (Choice(f"charger:{likely}", "choice.charger", {"charger": likely}),) if likely else ()
    turn.start_dialogue(
        {"kind": "safety_which", "step": "charger", "ticket": ticket.ref, "asked_at": turn.work.now.isoformat()}
    )
    turn.say("safety.which", choices=choices)
