"""Incidents as staff look at them: what is the trouble, who waits for its end, which tickets hang on it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from desk import chargers
from desk.work import Work
from models.access import Permission
from models.charger import Charger
from models.contact import Contact
from models.conversation import Conversation
from models.errors import NotFound
from models.incident import Incident, IncidentPerson, IncidentState
from models.ticket import Ticket

SHOWN = 20


def open_ones(work: Work, limit: int = SHOWN) -> list[dict[str, Any]]:
    """Incidents that last, the newest first, JSON-ready."""
    work.require(Permission.VIEW_CONTACTS)
    query = select(Incident).where(Incident.state == IncidentState.OPEN).order_by(Incident.id.desc()).limit(limit)
    return [_facts(work, incident) for incident in work.session.scalars(query)]


def get(work: Work, words: str) -> dict[str, Any]:
    """One incident with its people and tickets: by a charger's id its newest, else by its own number (`12`, `#12`)."""
    work.require(Permission.VIEW_CONTACTS)
    incident = _of_charger(work, words) or _by_number(work, words)
    if incident is None:
        raise NotFound("incident.unknown", words=words[:48])
    return {**_facts(work, incident), "people": _people(work, incident), "tickets": _tickets(work, incident)}


def _of_charger(work: Work, words: str) -> Incident | None:
    if words.startswith("#") or work.session.get(Charger, words) is None:
        return None
    chargers.get(work, words)
    query = select(Incident).where(Incident.charger_id == words).order_by(Incident.id.desc()).limit(1)
    return work.session.scalar(query)


def _by_number(work: Work, words: str) -> Incident | None:
    number = words.lstrip("#")
    known = number.isascii() and number.isdigit() and len(number) < 16
    return work.session.get(Incident, int(number)) if known else None


def _facts(work: Work, incident: Incident) -> dict[str, Any]:
    joined = select(func.count(IncidentPerson.id)).where(IncidentPerson.incident_id == incident.id)
    return {
        "id": incident.id,
        "charger_id": incident.charger_id,
        "state": incident.state.value,
        "cause": incident.cause,
        "error_code": incident.error_code,
        "opened_at": incident.opened_at.isoformat(),
        "ended_at": incident.ended_at.isoformat() if incident.ended_at else None,
        "joined": work.session.scalar(joined) or 0,
    }


def _people(work: Work, incident: Incident) -> list[dict[str, Any]]:
    rows = work.session.execute(
        select(IncidentPerson, Conversation, Contact)
        .join(Conversation, Conversation.id == IncidentPerson.conversation_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(IncidentPerson.incident_id == incident.id)
        .order_by(IncidentPerson.id)
        .limit(SHOWN)
    )
    return [
        {
            "conversation_id": conversation.id,
            "contact_id": contact.id,
            "name": contact.name,
            "channel": conversation.channel,
            "joined_at": person.joined_at.isoformat(),
            "told_at": person.told_at.isoformat() if person.told_at else None,
        }
        for person, conversation, contact in rows
    ]


def _tickets(work: Work, incident: Incident) -> list[dict[str, Any]]:
    rows = work.session.scalars(
        select(Ticket).where(Ticket.incident_id == incident.id).order_by(Ticket.id.desc()).limit(SHOWN)
    )
    return [
        {"ref": row.ref, "status": row.status.value, "priority": row.priority.value, "summary": row.summary}
        for row in rows
    ]
