"""Messages: their reading, their state, and what humans say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from desk import audit, tally
from desk.work import Work
from models.access import Permission
from models.errors import BadInput, NotFound, Refusal
from models.message import Correction, Direction, Media, Message, MessageState
from models.outbox import OutboxItem
from models.reading import Category, Reading, Urgency
from models.tally import Counted

REVIEW = "review"
"""Announced when a message begins to want a human."""


def get(work: Work, message_id: int) -> Message:
    """A message by its key."""
    work.require(Permission.VIEW_MESSAGES)
    message = work.session.get(Message, message_id)
    if message is None:
        raise NotFound("message.unknown", id=message_id)
    return message


def set_reading(work: Work, message_id: int, reading: Reading) -> Message:
    """Keep what the classifier said."""
    message = get(work, message_id)
    wire = reading.as_json()
    _count(work, message, reading.category)
    message.category = reading.category
    message.second_category = reading.second_category
    message.confidence = wire["confidence"]
    message.urgency = reading.urgency
    message.language = reading.language[:16]
    message.summary = reading.summary[:300]
    message.entities = dict(wire["entities"])
    message.scores = dict(wire["scores"])
    message.model = reading.model[:80]
    message.needs_review = reading.needs_review
    message.move(MessageState.NEEDS_REVIEW if reading.needs_review else MessageState.BUCKETED)
    work.wake(f"live.message.{message.id}")
    return message


def _count(work: Work, message: Message, category: Category) -> None:
    """What people wrote is counted by category and day."""
    if message.direction is Direction.INBOUND:
        was = message.category.value if message.category is not None else None
        tally.shift(work, Counted.MESSAGES, was, category.value, at=message.received_at)


def wants_review(work: Work, message: Message) -> None:
    """Put it into the queue of messages that want a human."""
    message.needs_review = True
    message.move(MessageState.NEEDS_REVIEW)
    work.wake(f"live.message.{message.id}")
    work.wake(REVIEW)


def replied(work: Work, message: Message) -> None:
    """An answer is on its way. One that wants a human stays in that queue until a human acts."""
    if not message.needs_review:
        message.move(MessageState.REPLIED)
        work.wake(f"live.message.{message.id}")


def archive(work: Work, message_id: int) -> Message:
    """Done with it."""
    work.require(Permission.CORRECT_MESSAGES)
    message = get(work, message_id)
    message.needs_review = False
    message.move(MessageState.ARCHIVED)
    work.wake(f"live.message.{message.id}")
    return message


def correct(
    work: Work, message_id: int, category: Category, why: str = "", *, urgency: Urgency | None = None,
    language: str | None = None,
) -> Message:  # fmt: skip
    """A human's word on how a message is to be understood: changes it and becomes a labelled row.

    Without `urgency` or `language` those stay as they are, untold. A danger is always a fault.
    """
    work.require(Permission.CORRECT_MESSAGES)
    message = get(work, message_id)
    if message.direction is not Direction.INBOUND:
        raise Refusal("message.not_theirs", id=message_id)
    if urgency is Urgency.SAFETY and category is not Category.FAULT:
        raise BadInput("message.danger_is_a_fault")
    correction = Correction(
        message_id=message.id, was=message.category, now=category, urgency_was=message.urgency, urgency=urgency,
        language=language, by=work.actor.name[:120], by_id=f"{work.actor.kind}:{work.actor.id}"[:80], why=why,
        at=work.now,
    )  # fmt: skip
    _supersede(work, correction)
    audit.record(work, "message.corrected", f"message:{message.id}", **_changes(correction))
    _count(work, message, category)
    message.category = category
    message.urgency = urgency or message.urgency
    message.language = language or message.language
    message.needs_review = False
    message.move(MessageState.BUCKETED)
    work.wake(f"live.message.{message.id}")
    return message


def _supersede(work: Work, correction: Correction) -> None:
    """Two words in one instant are one: the later takes the place of the earlier."""
    same = select(Correction).where(Correction.message_id == correction.message_id, Correction.at == correction.at)
    earlier = work.session.scalar(same)
    if earlier is not None:
        correction.was, correction.urgency_was = earlier.was, earlier.urgency_was
        work.session.delete(earlier)
        work.session.flush()
    work.session.add(correction)


def _changes(correction: Correction) -> dict[str, Any]:
    """What stands in the audit trail: the category always, urgency and language where somebody spoke of them."""
    changes: dict[str, Any] = {"was": correction.was.value if correction.was else None, "now": correction.now.value}
    if correction.urgency is not None:
        changes |= {
            "urgency_was": correction.urgency_was.value if correction.urgency_was else None,
            "urgency": correction.urgency.value,
        }
    return changes | ({"language": correction.language} if correction.language else {})


def facts(work: Work, message: Message) -> dict[str, Any]:
    """A message in the contract's shape. `text` of an unsent phrase is None; `code` and `phrase_facts` have it."""
    return facts_of(work, [message])[0]


def facts_of(work: Work, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """These messages in the contract's shape, in their order; by two statements, however many they are."""
    ids = [message.id for message in messages]
    files: dict[int | None, list[Media]] = {}
    for item in work.session.scalars(select(Media).where(Media.message_id.in_(ids)).order_by(Media.id)):
        files.setdefault(item.message_id, []).append(item)
    said = [message.id for message in messages if message.direction is Direction.OUTBOUND]
    found = work.session.scalars(select(OutboxItem).where(OutboxItem.message_id.in_(said))) if said else ()
    sent = {item.message_id: item for item in found}
    return [_facts(message, files.get(message.id, []), sent.get(message.id)) for message in messages]


def _facts(message: Message, files: Sequence[Media], sent: OutboxItem | None) -> dict[str, Any]:
    """The `language` of an outgoing message is the one it is said in."""
    return {
        "id": message.id,
        "direction": message.direction.value,
        "channel": message.channel,
        "kind": message.kind.value,
        "from": message.sender,
        "conversation_id": message.conversation_id,
        "contact_id": message.contact_id,
        "text": message.text,
        "code": message.code,
        "phrase_facts": message.facts,
        "media": [
            {"id": item.id, "content_type": item.content_type, "size": item.size, "state": item.state.value}
            for item in files
        ],
        "category": message.category.value if message.category else None,
        "second_category": message.second_category.value if message.second_category else None,
        "confidence": message.confidence,
        "needs_review": message.needs_review,
        "urgency": message.urgency.value if message.urgency else None,
        "language": message.language if message.direction is Direction.INBOUND else sent.language if sent else None,
        "summary": message.summary,
        "entities": message.entities,
        "state": message.state.value,
        "ticket_id": message.ticket_id,
        "received_at": message.received_at.isoformat(),
        "delivery": _delivery(sent) if sent is not None else None,
    }


def _delivery(item: OutboxItem) -> dict[str, Any]:
    return {
        "state": item.state.value,
        "status": item.status,
        "repeated": item.repeated,
        "error_code": item.error_code,
        "sent_at": item.sent_at.isoformat() if item.sent_at else None,
    }
