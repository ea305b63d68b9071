"""Incidents: one trouble at one charger. Whoever writes about it joins, and all are told once when it ends."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from desk import board, cards, outbox
from desk.work import Work
from models.access import Permission
from models.charger import Charger
from models.conversation import Conversation
from models.errors import Busy, NotFound
from models.incident import Incident, IncidentPerson, IncidentState
from models.reply import Intent, Reply
from models.ticket import LIVE, Ticket, TicketEvent

HEALED = "healed"
"""`how` an incident ended when we mended the charger ourselves; anything else: it reported healthy again."""
JUDGED_SAFE = "judged_safe_by"
"""The fact of an incident that names the member who let the charger back into service."""
_TRIES = 3  # an incident may end between the look and the lock


def join(
    work: Work, charger_id: str, *, conversation_id: int | None, cause: str, error_code: str | None = None
) -> tuple[Incident, bool]:
    """The charger's open incident, opened if there was none (then True), and its person told when it ends.

    `cause`: message, charger, silence, safety. Refuses a charger that does not exist.
    """
    work.require(Permission.OPEN_TICKETS)
    if work.session.get(Charger, charger_id) is None:
        raise NotFound("charger.unknown", id=charger_id[:48])
    incident, opened = _open(work, charger_id, cause, error_code)
    if error_code is not None and incident.error_code is None:
        incident.error_code = error_code
    if conversation_id is not None:
        _add_person(work, incident, conversation_id)
    work.session.flush()
    if opened:
        cards.touch(work, incident_id=incident.id)
    work.wake(f"live.charger.{charger_id}")
    return incident, opened


def open_for(work: Work, charger_id: str) -> Incident | None:
    """The charger's open incident."""
    return work.session.scalar(
        select(Incident).where(Incident.charger_id == charger_id, Incident.state == IncidentState.OPEN)
    )


def people(work: Work, incident: Incident) -> list[IncidentPerson]:
    """Who joined, in order."""
    return list(
        work.session.scalars(
            select(IncidentPerson).where(IncidentPerson.incident_id == incident.id).order_by(IncidentPerson.id)
        )
    )


def end(work: Work, charger_id: str, *, how: str) -> int:
    """The charger is well again: everybody who joined is told, once, in the language of their conversation.

    Tells how many were told; 0 where no incident was open. Tickets stay with the team, which sees it in the history.
    """
    work.require(Permission.OPEN_TICKETS)
    found = open_for(work, charger_id)
    incident = work.lock(Incident, found.id) if found is not None else None
    if incident is None or incident.state is not IncidentState.OPEN:
        return 0
    incident.state, incident.ended_at = IncidentState.ENDED, work.now
    incident.facts = {**(incident.facts or {}), "how": how}
    told = sum(_tell(work, incident, person, how) for person in people(work, incident))
    _note_on_tickets(work, incident, how)
    board.settle(work, charger_id, "fault")
    work.session.flush()
    cards.touch(work, incident_id=incident.id)
    work.wake(f"live.charger.{charger_id}")
    return told


def judged_safe(work: Work, charger_id: str) -> None:
    """A member lets a charger back into service: from now on its own word that all is well ends the incident."""
    incident = open_for(work, charger_id)
    if incident is not None:
        incident.facts = {**(incident.facts or {}), JUDGED_SAFE: work.actor.name}


def _open(work: Work, charger_id: str, cause: str, error_code: str | None) -> tuple[Incident, bool]:
    """Insert, unless another one stands; the unique index of open incidents decides between two who try at once."""
    dialect: Any = postgresql if work.postgresql else sqlite
    row = dialect.insert(Incident).values(
        charger_id=charger_id, state=IncidentState.OPEN, cause=cause, error_code=error_code, opened_at=work.now
    )
    for _ in range(_TRIES):
        made = work.session.scalar(row.on_conflict_do_nothing().returning(Incident.id))
        if made is not None:
            return work.session.get_one(Incident, made), True
        standing = open_for(work, charger_id)
        held = work.lock(Incident, standing.id) if standing is not None else None
        if held is not None and held.state is IncidentState.OPEN:
            return held, False
    raise Busy("incident.just_ended", charger=charger_id)


def _add_person(work: Work, incident: Incident, conversation_id: int) -> None:
    dialect: Any = postgresql if work.postgresql else sqlite
    row = dialect.insert(IncidentPerson).values(
        incident_id=incident.id, conversation_id=conversation_id, joined_at=work.now
    )
    work.session.execute(row.on_conflict_do_nothing())


def _tell(work: Work, incident: Incident, person: IncidentPerson, how: str) -> bool:
    conversation = work.session.get(Conversation, person.conversation_id)
    if conversation is None or person.told_at is not None:
        return False
    charger = work.session.get_one(Charger, incident.charger_id)
    reply = Reply(
        "incident.healed" if how == HEALED else "incident.ended",
        {"charger": charger.id, "name": charger.name or charger.id},
    )
    key = f"incident:{incident.id}:ended:{conversation.id}"
    person.told_at = work.now
    return outbox.say(work, conversation, reply, key=key, intent=Intent.NOTICE) is not None


def _note_on_tickets(work: Work, incident: Incident, how: str) -> None:
    tickets = work.session.scalars(
        select(Ticket).where(Ticket.incident_id == incident.id, Ticket.status.in_(LIVE)).order_by(Ticket.id)
    )
    for ticket in tickets:
        work.session.add(
            TicketEvent.of(ticket, "incident", by=work.actor, at=work.now, was="open", now="ended", note=how[:120])
        )
        work.wake(f"live.ticket.{ticket.id}")
