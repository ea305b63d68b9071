"""What the API shows of messages, tickets, contacts, conversations and the audit trail: facts, JSON-ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from desk import audit, contact_list, conversations, message_list, messages, ticket_list, ticket_views
from desk.contact_list import ContactFilter
from desk.message_list import MessageFilter
from desk.ticket_list import TicketFilter
from desk.work import Work
from models.access import Permission
from models.audit import AuditRow
from models.conversation import Conversation
from models.message import Message
from models.ticket import Ticket


@dataclass(frozen=True)
class Rows:
    """A part of a list, and the key after which to go on. A part may be short though there is a `next`."""

    items: list[dict[str, Any]]
    next: str | int | None


def message(work: Work, message_id: int) -> dict[str, Any]:
    """One message."""
    return messages.facts(work, messages.get(work, message_id))


def message_page(work: Work, wanted: MessageFilter, *, limit: int, after: int | None) -> Rows:
    """Messages, newest first."""
    part = message_list.keys(work, wanted, limit=limit, after=after)
    found = {row.id: row for row in work.session.scalars(select(Message).where(Message.id.in_(part.keys)))}
    return Rows(messages.facts_of(work, [found[key] for key in part.keys]), part.next)


def ticket_page(work: Work, wanted: TicketFilter, *, limit: int, after: int | None) -> Rows:
    """Tickets, newest first."""
    part = ticket_list.newest(work, wanted, limit=limit, after=after)
    found = {row.id: row for row in work.session.scalars(select(Ticket).where(Ticket.id.in_(part.keys)))}
    return Rows(ticket_views.facts_of(work, [found[key] for key in part.keys]), part.next)


def contact_page(work: Work, wanted: ContactFilter, *, limit: int, after: str | None) -> Rows:
    """Contacts, newest first; in the order of their numbers where a number is asked for."""
    part = contact_list.page(work, wanted, limit=limit, after=after)
    return Rows([_contact_facts(row) for row in part.items], part.next)


def _contact_facts(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name != "kinds"}
    return told | {"tier": row["tier"].value, "created_at": row["created_at"].isoformat()}


def conversation(work: Work, conversation_id: int) -> dict[str, Any]:
    """A conversation without its messages."""
    work.require(Permission.VIEW_MESSAGES)
    return _conversation_facts(conversations.get(work, conversation_id))


def _conversation_facts(row: Conversation) -> dict[str, Any]:
    return {
        "id": row.id,
        "channel": row.channel,
        "address": row.address,
        "contact_id": row.contact_id,
        "language": row.language,
        "last_charger_id": row.last_charger_id,
        "dialogue": row.dialogue["kind"] if row.dialogue and "kind" in row.dialogue else None,
        "human_since_at": row.human_since_at.isoformat() if row.human_since_at else None,
        "last_inbound_at": row.last_inbound_at.isoformat() if row.last_inbound_at else None,
        "last_outbound_at": row.last_outbound_at.isoformat() if row.last_outbound_at else None,
        "created_at": row.created_at.isoformat(),
    }


def audit_page(work: Work, *, limit: int, after: int | None, target: str | None = None) -> list[dict[str, Any]]:
    """The audit trail, newest first."""
    return [_audit_facts(row) for row in audit.page(work, limit=limit, after=after, target=target)]


def _audit_facts(row: AuditRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at.isoformat(),
        "actor": {"kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name},
        "action": row.action,
        "target": row.target,
        "facts": dict(row.facts),
    }
