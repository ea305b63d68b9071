"""A member answers a person in their own words."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from desk import audit, conversations, outbox, tickets
from desk.work import Work
from models.access import Permission, Role
from models.errors import BadInput, Refusal
from models.message import Direction, Message, MessageState
from models.outbox import OutboxItem
from models.reply import Intent, Reply
from models.ticket import LIVE, Ticket

LONGEST = 4_000


def reply(work: Work, conversation_id: int, text: str, *, key: str, intent: str = Intent.REPLY) -> Message:
    """Say `text` in a conversation. `key` names the cause: the same key is said once and gives the same message.
    `intent` decides which template stands in for it where a channel wants one.

    What the person wrote and nobody had answered counts as replied; the first-response clock of each live ticket
    of the conversation stops. Refuses an empty or too long text and a conversation that does not exist.
    """
    work.require(Permission.REPLY)
    said = text.strip()
    if not said:
        raise BadInput("reply.empty")
    if len(said) > LONGEST:
        raise BadInput("reply.too_long", most=LONGEST)
    conversation = conversations.get(work, conversation_id)
    item = outbox.say(work, conversation, Reply("reply.by_member", {"text": said}, text=said), key=key, intent=intent)
    if item is None:
        return _said_before(work, conversation_id, key)
    assert item.message_id is not None
    _answered(work, conversation_id)
    _stop_clocks(work, conversation_id)
    audit.record(work, "conversation.replied", f"conversation:{conversation_id}", message_id=item.message_id)
    return work.session.get_one(Message, item.message_id)


def _said_before(work: Work, conversation_id: int, key: str) -> Message:
    found = work.session.scalar(
        select(Message).join(OutboxItem, OutboxItem.message_id == Message.id).where(OutboxItem.dedupe_key == key)
    )
    if found is None or found.conversation_id != conversation_id:
        raise Refusal("reply.key_taken")
    return found


def _stop_clocks(work: Work, conversation_id: int) -> None:
    """Somebody of the team answered; that counts for every live ticket, also for those that this one may not see."""
    team = work.acting_as(replace(work.actor, role=Role.DISPATCHER)) if work.actor.role is not None else work
    live = select(Ticket).where(Ticket.conversation_id == conversation_id, Ticket.status.in_(LIVE))
    for ticket in work.session.scalars(live.order_by(Ticket.id)).all():
        tickets.first_response(team, ticket)


def _answered(work: Work, conversation_id: int) -> None:
    waiting = work.session.scalars(
        select(Message).where(
            Message.conversation_id == conversation_id,
            Message.direction == Direction.INBOUND,
            Message.state.in_((MessageState.BUCKETED, MessageState.NEEDS_REVIEW)),
        )
    ).all()
    for message in waiting:
        message.needs_review = False
        message.move(MessageState.REPLIED)
        work.wake(f"live.message.{message.id}")
