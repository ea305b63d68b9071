"""What the API shows of messages, conversations and the audit trail: facts, JSON-ready."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk import audit, conversations, messages
from desk.work import Work
from models.access import Permission
from models.audit import AuditRow
from models.conversation import Conversation
from models.message import Direction, Message
from models.outbox import OutboxItem


def message(work: Work, message_id: int) -> dict[str, Any]:
    """One message."""
    return message_facts(work, messages.get(work, message_id))


def message_page(work: Work, /, *, limit: int, after: int | None, **filters: Any) -> list[dict[str, Any]]:
    """Messages, newest first; `filters` as messages.page takes them."""
    return [message_facts(work, row) for row in messages.page(work, limit=limit, after=after, **filters)]


def message_facts(work: Work, row: Message) -> dict[str, Any]:
    """A message in the contract's shape; the `language` of an outgoing one is the one it is said in."""
    facts = messages.facts(work, row)
    if row.direction is Direction.OUTBOUND:
        facts["language"] = work.session.scalar(select(OutboxItem.language).where(OutboxItem.message_id == row.id))
    return facts


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
