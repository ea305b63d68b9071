"""Find anything by what somebody types: chargers, tickets, contacts, messages; of each a few, as far as allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from desk import charger_list, contact_list, message_list, search, ticket_views
from desk.charger_list import Order, Wanted
from desk.contact_list import ContactFilter
from desk.message_list import MessageFilter
from desk.work import Work
from models.access import OWN_TICKETS_ONLY, Permission
from models.ticket import Ticket

EACH = 5
SHORTEST = 2


@dataclass(frozen=True)
class Found:
    """`kind` is charger, ticket, contact or message; `key` what its page is called by; `tone` a state or a status."""

    kind: str
    key: str
    title: str
    detail: str = ""
    tone: str = ""


def everything(work: Work, typed: str, *, each: int = EACH) -> list[Found]:
    """What fits, kind by kind. Less than two letters find nothing: everything would fit."""
    if len(typed.strip()) < SHORTEST:
        return []
    kinds: tuple[tuple[Permission, Callable[[Work, str, int], list[Found]]], ...] = (
        (Permission.VIEW_CHARGERS, chargers),
        (Permission.VIEW_TICKETS, tickets),
        (Permission.VIEW_CONTACTS, _contacts),
        (Permission.VIEW_MESSAGES, _messages),
    )
    return [found for needs, look in kinds if work.actor.may(needs) for found in look(work, typed, each)]


def chargers(work: Work, typed: str, most: int) -> list[Found]:
    """Chargers with these words in id, name or site."""
    cards, _ = charger_list.page(work, Wanted(search=typed, order=Order.ID), limit=most)
    return [
        Found("charger", card["id"], f"{card['id']} {card['name']}".strip(), card["site"] or "", card["state"])
        for card in cards
    ]


def tickets(work: Work, typed: str, most: int) -> list[Found]:
    """The ticket of that number first, then those with these words."""
    work.require(Permission.VIEW_TICKETS)
    own: list[ColumnElement[bool]] = []
    if work.actor.role in OWN_TICKETS_ONLY:
        own = [Ticket.assignee_id == work.actor.member_id]
    number = ticket_views.number_of(typed)
    ids = [number] if number else []
    ids += [key for key in search.keys(work, Ticket, typed, limit=most, rest=own).keys if key not in ids]
    rows = {row.id: row for row in work.session.scalars(select(Ticket).where(Ticket.id.in_(ids), *own))}
    return [_ticket(rows[key]) for key in ids if key in rows][:most]


def _ticket(row: Ticket) -> Found:
    return Found("ticket", row.ref, f"{row.ref} {row.summary}"[:120], row.charger_id or "", row.status.value)


def _contacts(work: Work, typed: str, most: int) -> list[Found]:
    items = contact_list.page(work, ContactFilter(typed=typed), limit=most).items
    return [Found("contact", str(item["id"]), _called(item), item["phone"] or item["email"] or "") for item in items]


def _called(item: dict[str, Any]) -> str:
    return str(item["name"] or item["username"] or item["phone"] or item["id"])


def _messages(work: Work, typed: str, most: int) -> list[Found]:
    wanted = MessageFilter(direction=None, words=typed)
    return [
        Found("message", str(item["id"]), item["text"] or "…", item["name"] or item["sender"], item["state"].value)
        for item in message_list.page(work, wanted, limit=most).items
    ]
