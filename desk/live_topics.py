"""Which of the topics that are announced a member may hear of. A topic is `live.<kind>.<key>`."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from desk import chargers
from desk.work import Work
from models.access import OWN_CHARGERS_ONLY, OWN_TICKETS_ONLY, Actor, Permission
from models.charger import Charger
from models.ticket import Ticket

NEEDS: dict[str, Permission] = {
    "message": Permission.VIEW_MESSAGES,
    "ticket": Permission.VIEW_TICKETS,
    "alert": Permission.VIEW_TICKETS,
    "charger": Permission.VIEW_CHARGERS,
    "run": Permission.COMMAND_CHARGERS,
    "contact": Permission.VIEW_CONTACTS,
    "model": Permission.CORRECT_MESSAGES,
}
"""What a kind asks for. A kind that is not here is told to nobody."""


def allowed(actor: Actor, topics: Iterable[str]) -> list[str]:
    """Those of which the actor's role may hear at all, each once."""
    return [topic for topic in dict.fromkeys(topics) if (needs := NEEDS.get(_kind(topic))) and actor.may(needs)]


def wants_a_look(actor: Actor) -> bool:
    """Whether the role sees only its own tickets or chargers, so that each topic must be looked up."""
    return actor.role in OWN_CHARGERS_ONLY or actor.role in OWN_TICKETS_ONLY


def own(work: Work, topics: Iterable[str]) -> list[str]:
    """Those that are about what the actor may see. Only reads."""
    topics = list(topics)
    charger_ids = {_key(topic) for topic in topics if _kind(topic) == "charger"}
    ticket_ids = {int(_key(topic)) for topic in topics if _kind(topic) == "ticket" and _key(topic).isdigit()}
    seen = {f"live.charger.{key}" for key in _chargers(work, charger_ids)}
    seen |= {f"live.ticket.{key}" for key in _tickets(work, ticket_ids)}
    guarded = {"charger", "ticket", "alert"}
    return [topic for topic in topics if topic in seen or _kind(topic) not in guarded]


def _chargers(work: Work, ids: set[str]) -> list[str]:
    if not ids:
        return []
    return list(work.session.scalars(chargers.visible_only(work, select(Charger.id).where(Charger.id.in_(ids)))))


def _tickets(work: Work, ids: set[int]) -> list[int]:
    if not ids:
        return []
    query = select(Ticket.id).where(Ticket.id.in_(ids))
    if work.actor.role in OWN_TICKETS_ONLY:
        query = query.where(Ticket.assignee_id == work.actor.member_id)
    return list(work.session.scalars(query))


def _kind(topic: str) -> str:
    return topic.split(".", 2)[1] if topic.startswith("live.") else ""


def _key(topic: str) -> str:
    return topic.split(".", 2)[-1]
