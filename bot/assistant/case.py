"""The case that is already there: its number, how it stands, what is added to it."""

from __future__ import annotations

from typing import Any

from bot.assistant.turn import Turn
from desk import ticket_views, tickets
from models.errors import NotFound
from models.reading import Category
from models.ticket import Ticket, TicketStatus

_CLOSED = frozenset({TicketStatus.CLOSED})


def owned(turn: Turn, ref: str) -> Ticket | None:
    """The ticket of that number, if it is this person's; what belongs to others does not exist here."""
    try:
        ticket = tickets.get(turn.work, ref)
    except NotFound:
        return None
    return ticket if ticket.contact_id == turn.contact.id else None


def live(turn: Turn, category: Category, charger_id: str | None = None) -> Ticket | None:
    """This person's case of that charger, or of that category where no charger is named."""
    if charger_id is not None:
        return tickets.find_live(turn.work, contact_id=turn.contact.id, charger_id=charger_id)
    return tickets.find_live(turn.work, contact_id=turn.contact.id, category=category)


def any_live(turn: Turn) -> Ticket | None:
    """This person's newest case that waits for somebody."""
    return tickets.find_live(turn.work, contact_id=turn.contact.id)


def resolved(turn: Turn) -> Ticket | None:
    """This person's newest case that was solved and is not closed."""
    found = ticket_views.page(turn.work, limit=1, status=TicketStatus.RESOLVED, contact_id=turn.contact.id)
    return found[0] if found else None


def add(turn: Turn, ticket: Ticket, *, still_broken: bool | None = None) -> None:
    """The existing-case rule: what was written is added, and the person hears how the case stands."""
    news = tickets.asked_again(turn.work, ticket)
    if turn.add_to(ticket, still_broken=still_broken):
        turn.settled()
        return  # the reopening itself is told
    _tell(turn, "case.added", news)


def status(turn: Turn, ticket: Ticket) -> None:
    """Somebody asks how a case stands."""
    if ticket.status in _CLOSED:
        turn.settled()
        turn.say("case.closed", {"ref": ticket.ref, "summary": ticket.summary})
        return
    _tell(turn, "case.status", tickets.asked_again(turn.work, ticket))


def unknown(turn: Turn, ref: str) -> None:
    """No case of this person has that number."""
    turn.settled()
    turn.say("case.unknown", {"ref": ref})


def _tell(turn: Turn, code: str, news: dict[str, Any]) -> None:
    turn.settled()
    who: Any = {"$code": "case.nobody_yet"}
    if news["assignee"] is not None:
        who = {"$code": "case.with", "name": news["assignee"]}
    extra: list[Any] = []
    if news["scheduled_visit_at"] is not None:
        extra.append({"$code": "case.visit", "at": news["scheduled_visit_at"]})
    if news["escalated"]:
        extra.append({"$code": "case.escalated"})
    facts = {"ref": news["ref"], "summary": news["summary"], "status": news["status"], "who": who}
    turn.say(code, facts, what="case")
    if extra:
        turn.say("case.more", {"lines": {"$list": extra}})
