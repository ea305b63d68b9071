"""The durable outbox: saying something is a row; claiming, recording what the provider did, never silently."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from desk import audit, board, cards, team_chats
from desk.literal import is_one_of
from desk.work import Work
from models.access import Permission
from models.contact import ContactIdentity
from models.conversation import Conversation, conversation_key
from models.errors import NotFound, Refusal
from models.member import MemberIdentity, MemberIdentityKind
from models.message import Direction, Message, MessageKind, MessageState
from models.outbox import (
    Accepted,
    Moved,
    NeedsTemplate,
    OutboxEvent,
    OutboxItem,
    OutboxState,
    OutcomeUnknown,
    Parcel,
    Refused,
    RetryLater,
    SendPause,
    SendResult,
)
from models.reply import PRIORITY, Intent, Reply

WHATSAPP = "whatsapp"
TEAM = "team"
"""The channel of the team's Telegram bot."""
LEASE_S = 60
MAX_TRIES = 8
WINDOW_S = 24 * 3600 - 600
"""WhatsApp's free-text window, taken as closed ten minutes early."""
EXPIRY_S = {Intent.ALERT: 6 * 3600, Intent.REPLY: 24 * 3600, Intent.RECEIPT: 3600, Intent.NOTICE: 24 * 3600}
RECONCILE_AFTER_S = 20
"""How long a status callback may take to tell us what became of a send of unknown outcome."""

_OPEN = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN)


def say(
    work: Work, conversation: Conversation, reply: Reply, *, key: str, intent: str = Intent.REPLY
) -> OutboxItem | None:
    """Say something in a conversation. `key` names the cause: the same cause says it once (None the second time)."""
    if _exists(work, key):
        return None
    message = Message(
        conversation_id=conversation.id, contact_id=conversation.contact_id, direction=Direction.OUTBOUND,
        kind=MessageKind.TEXT, channel=conversation.channel, sender=work.actor.name, text=reply.text,
        code=reply.code, facts=reply.facts, state=MessageState.REPLIED, needs_review=False, received_at=work.now,
    )  # fmt: skip
    work.session.add(message)
    work.session.flush()
    conversation.last_outbound_at = work.now
    work.wake(f"live.message.{message.id}")
    return _add(
        work, reply, key=key, intent=intent, channel=conversation.channel, account=conversation.account,
        address=conversation.address, language=conversation.language or "en",
        conversation_id=conversation.id, message_id=message.id,
    )  # fmt: skip


def tell(
    work: Work, identity: MemberIdentity, reply: Reply, *, key: str, language: str, intent: str = Intent.ALERT
) -> OutboxItem | None:
    """Say something to a member of the team, one to one. None where the channel is off or it was said."""
    if identity.kind is MemberIdentityKind.TELEGRAM:
        return post(work, identity.value, reply, key=key, language=language, intent=intent)
    if not work.house.team_account or _exists(work, key):
        return None
    return _add(
        work, reply, key=key, intent=intent, channel="whatsapp", account=work.house.team_account,
        address=f"whatsapp:{identity.value}", language=language, conversation_id=None, message_id=None,
    )  # fmt: skip


def post(
    work: Work, address: str, reply: Reply, *, key: str, language: str, intent: str = Intent.ALERT
) -> OutboxItem | None:
    """Say something in a chat of the team's bot: `chat id`, or `chat id/topic` in a group with topics.

    None where that door is off or it was said.
    """
    if not work.house.team_bot or _exists(work, key):
        return None
    return _add(
        work, reply, key=key, intent=intent, channel=TEAM, account=work.house.team_bot, address=address,
        language=language, conversation_id=None, message_id=None,
    )  # fmt: skip


def _exists(work: Work, key: str) -> bool:
    return work.session.scalar(select(OutboxItem.id).where(OutboxItem.dedupe_key == key)) is not None


def _add(
    work: Work, reply: Reply, *, key: str, intent: str, channel: str, account: str, address: str, language: str,
    conversation_id: int | None, message_id: int | None,
) -> OutboxItem:  # fmt: skip
    item = OutboxItem(
        dedupe_key=key, lane=conversation_key(channel, account, address), channel=channel, account=account,
        address=address, conversation_id=conversation_id, message_id=message_id, intent=intent,
        priority=PRIORITY[intent], code=reply.code, facts=reply.facts,
        choices=[asdict(choice) for choice in reply.choices], text=reply.text, language=language,
        extra=reply.extra or None,
        state=OutboxState.PENDING, due_at=work.now, created_at=work.now,
        expires_at=work.now + timedelta(seconds=EXPIRY_S[intent]),
    )  # fmt: skip
    work.session.add(item)
    work.session.flush()
    work.wake("outbox")
    return item


# Claiming -------------------------------------------------------------------------------------------------------


def claim(work: Work, limit: int, owner: str) -> list[Parcel]:
    """Lease what may go now: the head of each lane, most important first; accounts that must be quiet wait."""
    heads = select(OutboxItem.id).where(*_ready(work.now)).order_by(OutboxItem.priority, OutboxItem.id).limit(limit)
    if work.postgresql:
        heads = heads.with_for_update(skip_locked=True)
    ids = work.session.scalars(
        update(OutboxItem)
        .where(OutboxItem.id.in_(heads.scalar_subquery()))
        .values(
            state=OutboxState.SENDING, attempts=OutboxItem.attempts + 1, lease_owner=owner,
            lease_until_at=work.now + timedelta(seconds=LEASE_S), lease_seq=OutboxItem.lease_seq + 1,
        )
        .returning(OutboxItem.id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    if not ids:
        return []
    items = work.session.scalars(
        select(OutboxItem)
        .where(OutboxItem.id.in_(ids))
        .order_by(OutboxItem.priority, OutboxItem.id)
        .execution_options(populate_existing=True)
    ).all()
    return [_parcel(work, item) for item in items]


def _ready(now: datetime) -> list[ColumnElement[bool]]:
    other = aliased(OutboxItem)
    # Whatever is in flight in the lane blocks it; of what waits, an alert may overtake notices, nothing else.
    ahead = and_(other.id < OutboxItem.id, or_(other.priority < 2, other.priority <= OutboxItem.priority))
    blocked = exists().where(
        other.lane == OutboxItem.lane,
        is_one_of(other.state, OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN),
        other.id != OutboxItem.id,
        or_(other.state == OutboxState.SENDING, ahead),
    )
    paused = exists().where(
        SendPause.channel == OutboxItem.channel, SendPause.account == OutboxItem.account, SendPause.until_at > now
    )
    return [is_one_of(OutboxItem.state, OutboxState.PENDING), OutboxItem.due_at <= now, ~blocked, ~paused]


def _parcel(work: Work, item: OutboxItem) -> Parcel:
    return Parcel(
        id=item.id, lane=item.lane, channel=item.channel, account=item.account, address=item.address,
        intent=item.intent, code=item.code, facts=item.facts, choices=item.choices, text=item.text,
        language=item.language, attempts=item.attempts, repeated=item.repeated, template=item.template,
        lease_seq=item.lease_seq, expires_at=item.expires_at, conversation_id=item.conversation_id,
        window_open=_window_open(work, item), created_at=item.created_at, extra=item.extra or {},
    )  # fmt: skip


def _window_open(work: Work, item: OutboxItem) -> bool:
    if item.channel != WHATSAPP:
        return True
    if item.conversation_id is not None:
        conversation = work.session.get(Conversation, item.conversation_id)
        return conversation is not None and window_open(work, conversation)
    number = item.address.removeprefix("whatsapp:")
    last = work.session.scalar(select(MemberIdentity.last_inbound_at).where(MemberIdentity.value == number))
    return _lately(work, last)


def window_open(work: Work, conversation: Conversation) -> bool:
    """Whether free text may be sent there now: on WhatsApp only for a day after the person's last word."""
    return conversation.channel != WHATSAPP or _lately(work, conversation.last_inbound_at)


def _lately(work: Work, at: datetime | None) -> bool:
    return at is not None and (work.now - at).total_seconds() < WINDOW_S


# Recording ------------------------------------------------------------------------------------------------------


def record(work: Work, item_id: int, lease_seq: int, result: SendResult) -> None:
    """What the provider did with a claimed row. A lease that ran out meanwhile changes nothing."""
    item = work.lock(OutboxItem, item_id)
    if item is None or item.lease_seq != lease_seq:
        return
    if item.state is OutboxState.SENT and item.rendered is None:
        _answered_late(work, item, result)
    if item.state is not OutboxState.SENDING:
        return
    item.lease_owner = item.lease_until_at = None
    match result:
        case Accepted():
            _accepted(work, item, result)
        case RetryLater():
            _retry(work, item, result)
        case OutcomeUnknown():
            _unknown(work, item, result.reason, result.rendered)
        case NeedsTemplate():
            item.template, item.state, item.due_at = True, OutboxState.PENDING, work.now
            item.error_code = result.reason
        case Refused():
            _dead(work, item, result.code, result.reason, address_dead=result.address_dead)
        case Moved():
            _moved(work, item, result.address)
    work.wake("outbox")
    if item.message_id is not None:
        work.wake(f"live.message.{item.message_id}")


def postpone(work: Work, item_id: int, lease_seq: int, after_s: float) -> None:
    """Give a claimed row back unsent, because its chat must not be hurried. Not a try."""
    item = work.lock(OutboxItem, item_id)
    if item is not None and item.state is OutboxState.SENDING and item.lease_seq == lease_seq:
        item.state, item.lease_owner, item.lease_until_at = OutboxState.PENDING, None, None
        item.attempts -= 1
        item.due_at = work.now + timedelta(seconds=after_s)


def _accepted(work: Work, item: OutboxItem, result: Accepted) -> None:
    item.state = OutboxState.SENT
    item.sent_at = work.now
    item.provider_id = result.provider_id
    item.error_code = None
    if result.rank > item.rank:
        item.rank, item.status = result.rank, result.status
    cards.posted(work, item)
    _worded(work, item, result)
    _apply_events(work, item)


def _worded(work: Work, item: OutboxItem, result: Accepted) -> None:
    """Keep what was said and the numbered choices that went with it; a send found again has no words of its own."""
    if result.rendered:
        item.rendered = result.rendered
    if item.message_id is not None and item.rendered:
        message = work.session.get(Message, item.message_id)
        if message is not None and message.text is None:
            message.text = item.rendered
    if item.conversation_id is not None:
        conversation = work.session.get(Conversation, item.conversation_id)
        if conversation is not None:
            conversation.menu = dict(result.menu) if result.menu else None
            work.wake(f"chat.{conversation.id}")


def _answered_late(work: Work, item: OutboxItem, result: SendResult) -> None:
    """A callback was faster than the answer: the row is sent already, and now we know with which words."""
    match result:
        case Accepted() if result.provider_id == item.provider_id:
            _worded(work, item, result)
        case OutcomeUnknown():
            _worded(work, item, Accepted(item.provider_id or "", result.rendered))


def _retry(work: Work, item: OutboxItem, result: RetryLater) -> None:
    item.error_code = result.reason[:80]
    if result.pause_account:
        item.attempts -= 1  # the account's trouble, not this message's
        pause(work, item.channel, item.account, result.after_s, result.reason)
    if item.attempts >= MAX_TRIES:
        _dead(work, item, "tries", result.reason)
        return
    item.state = OutboxState.PENDING
    item.due_at = work.now + timedelta(seconds=result.after_s)


def _moved(work: Work, item: OutboxItem, address: str) -> None:
    """A chat got another address: everything that waits for it goes there, this row first. Not a try."""
    before, topic = item.address, item.address.partition("/")[2]
    item.state, item.due_at = OutboxState.PENDING, work.now
    item.attempts -= 1
    new = f"{address}/{topic}" if topic else address
    if item.channel == TEAM:
        team_chats.moved(work, before, address)
    work.session.flush()
    work.session.execute(
        update(OutboxItem)
        .where(
            OutboxItem.lane == item.lane, OutboxItem.address == before,
            is_one_of(OutboxItem.state, OutboxState.PENDING, OutboxState.UNKNOWN),
        )
        .values(address=new, lane=conversation_key(item.channel, item.account, new))
        .execution_options(synchronize_session="fetch")
    )  # fmt: skip
    audit.record(work, "chat.moved", f"chat:{item.channel}:{before}", to=new)


def _unknown(work: Work, item: OutboxItem, reason: str, rendered: str | None) -> None:
    item.state = OutboxState.UNKNOWN
    item.rendered = rendered if rendered is not None else item.rendered
    item.error_code = reason[:80]
    item.due_at = work.now + timedelta(seconds=RECONCILE_AFTER_S)
    _apply_events(work, item)


def _dead(work: Work, item: OutboxItem, code: str, reason: str, *, address_dead: bool = False) -> None:
    item.state = OutboxState.DEAD
    item.error_code = code[:80]
    if address_dead:
        _bury_address(work, item)
    if cards.not_posted(work, item, code):
        if not address_dead and code != cards.EDIT_GONE:
            _refused_card(work, item, reason)
        return
    board.raise_alert(
        work, kind="dead_letter", key=f"outbox:{item.id}:dead", code="board.not_delivered",
        facts={"outbox_id": item.id, "channel": item.channel, "reason": reason[:200], "code": code},
        message_id=item.message_id, urgent=item.intent == Intent.ALERT,
    )  # fmt: skip


def _refused_card(work: Work, item: OutboxItem, reason: str) -> None:
    """The next change posts it again; one line a day says that a chat takes none."""
    board.raise_alert(
        work, kind="dead_letter", key=f"chat:{item.address}:refused:{work.now.date()}", code="board.card_refused",
        facts={"chat": item.address, "reason": reason[:200]},
    )  # fmt: skip


def _bury_address(work: Work, item: OutboxItem) -> None:
    if item.channel == TEAM:
        for chat in team_chats.close(work, item.address):
            board.raise_alert(
                work, kind="dead_letter", key=f"team_chat:{chat.id}:lost:{work.now.isoformat()}",
                code="board.chat_lost", facts={"title": chat.title or chat.address},
            )  # fmt: skip
        return
    value = item.address.removeprefix("whatsapp:")
    work.session.execute(update(ContactIdentity).where(ContactIdentity.value == value).values(dead_at=work.now))


def pause(work: Work, channel: str, account: str, seconds: float, reason: str) -> None:
    """Keep an account quiet for a while; a longer pause that is already there stays."""
    until = work.now + timedelta(seconds=seconds)
    row = work.session.scalar(select(SendPause).where(SendPause.channel == channel, SendPause.account == account))
    if row is None:
        work.session.add(SendPause(channel=channel, account=account, until_at=until, reason=reason[:120]))
    elif row.until_at < until:
        row.until_at, row.reason = until, reason[:120]


# Status callbacks -----------------------------------------------------------------------------------------------

RANK: dict[str, int] = {
    "accepted": 0, "scheduled": 0, "queued": 0, "sending": 1, "sent": 2,
    "failed": 3, "undelivered": 3, "canceled": 3, "delivered": 4, "read": 5,
}  # fmt: skip
"""A provider's words in order; a status only rises, so any order of callbacks ends the same."""


def status_changed(
    work: Work, *, provider_id: str, status: str, error_code: str = "", outbox_id: int | None = None,
    raw: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """A callback from a provider: kept as it came; advances the row it belongs to, if that is known yet."""
    if status not in RANK:
        return
    seen = work.session.scalar(
        select(OutboxEvent.id).where(
            OutboxEvent.provider_id == provider_id, OutboxEvent.status == status, OutboxEvent.error_code == error_code
        )
    )
    if seen is None:
        work.session.add(
            OutboxEvent(
                outbox_id=outbox_id, provider_id=provider_id, status=status, error_code=error_code, raw=raw,
                received_at=work.now,
            )
        )  # fmt: skip
        work.session.flush()
    item = _by_callback(work, provider_id, outbox_id)
    if item is not None:
        _apply_events(work, item)
        work.wake("outbox")
        if item.message_id is not None:
            work.wake(f"live.message.{item.message_id}")


def _by_callback(work: Work, provider_id: str, outbox_id: int | None) -> OutboxItem | None:
    if outbox_id is not None:
        item = work.lock(OutboxItem, outbox_id)
        if item is not None and (item.provider_id in (None, provider_id)):
            return item
    found = work.session.scalar(select(OutboxItem.id).where(OutboxItem.provider_id == provider_id))
    return work.lock(OutboxItem, found) if found is not None else None


def _apply_events(work: Work, item: OutboxItem) -> None:
    """Raise the row to the best status seen; a callback with our id also tells what an unknown send became."""
    events = work.session.scalars(
        select(OutboxEvent).where(
            or_(OutboxEvent.outbox_id == item.id, OutboxEvent.provider_id == (item.provider_id or ""))
        )
    ).all()
    # A send that found the window closed is over; what is still told of it says nothing of the template's.
    over = {e.provider_id for e in events if e.error_code == _WINDOW_CLOSED and item.template} - {item.provider_id}
    events = [e for e in events if e.provider_id not in over and item.provider_id in (None, e.provider_id)]
    if not events:
        return
    best = max(events, key=lambda event: RANK[event.status])
    repeating = item.state is OutboxState.PENDING and item.repeated
    if item.state in (OutboxState.UNKNOWN, OutboxState.SENDING) or repeating:
        item.provider_id = best.provider_id
        item.state, item.sent_at = OutboxState.SENT, work.now
        item.lease_owner = item.lease_until_at = None
    elif item.state is OutboxState.DEAD and item.provider_id and RANK[best.status] >= RANK["delivered"]:
        item.state, item.error_code = OutboxState.SENT, None  # reported as failed, and then it arrived
    elif item.provider_id is None and item.state is OutboxState.SENT:
        item.provider_id = best.provider_id
    if RANK[best.status] > item.rank:
        item.rank, item.status = RANK[best.status], best.status
        if best.status in ("failed", "undelivered"):
            _failed_later(work, item, best.error_code)


_WINDOW_CLOSED = "63016"
_ADDRESS_DEAD = frozenset({"63024", "63014", "63003", "21211", "21610"})


def _failed_later(work: Work, item: OutboxItem, error_code: str) -> None:
    """The provider took it and then could not deliver it."""
    if error_code == _WINDOW_CLOSED and not item.template:
        item.template, item.state, item.rank, item.status = True, OutboxState.PENDING, -1, None
        item.provider_id, item.due_at = None, work.now
        return
    _dead(work, item, error_code or "undelivered", "undelivered", address_dead=error_code in _ADDRESS_DEAD)


# What time does -------------------------------------------------------------------------------------------------


def sweep(work: Work) -> int:
    """Expire what is of no use any more; a lease that ran out after the send began is an unknown outcome."""
    late = work.session.scalars(
        select(OutboxItem).where(*_open_and(OutboxState.SENDING), OutboxItem.lease_until_at < work.now).limit(200)
    ).all()
    for item in late:
        _unknown(work, item, "lease ran out", None)
    old = work.session.scalars(
        select(OutboxItem)
        .where(is_one_of(OutboxItem.state, OutboxState.PENDING), OutboxItem.expires_at < work.now)
        .limit(200)
    ).all()
    for item in old:
        item.state = OutboxState.EXPIRED
        if cards.not_posted(work, item, "expired"):
            continue
        board.raise_alert(
            work, kind="dead_letter", key=f"outbox:{item.id}:expired", code="board.expired",
            facts={"outbox_id": item.id, "channel": item.channel}, message_id=item.message_id,
        )  # fmt: skip
    if late or old:
        work.wake("outbox")
    return len(late) + len(old)


def interrupted(work: Work, owner_prefix: str) -> int:
    """At a start: what an earlier life of this node was sending may or may not have gone out."""
    items = work.session.scalars(
        select(OutboxItem).where(*_open_and(OutboxState.SENDING), OutboxItem.lease_owner.startswith(owner_prefix))
    ).all()
    for item in items:
        _unknown(work, item, "interrupted", None)
    return len(items)


def unknown_due(work: Work, limit: int = 20) -> list[Parcel]:
    """Sends of unknown outcome whose callback had its time: to be looked up, repeated or shown to staff."""
    items = work.session.scalars(
        select(OutboxItem)
        .where(*_open_and(OutboxState.UNKNOWN), OutboxItem.due_at <= work.now)
        .order_by(OutboxItem.id)
        .limit(limit)
    ).all()
    return [_parcel(work, item) for item in items]


def extra_of(work: Work, item_id: int) -> dict[str, Any] | None:
    """What goes with a row beside its words."""
    return work.session.scalar(select(OutboxItem.extra).where(OutboxItem.id == item_id))


def rendered_text(work: Work, item_id: int) -> str | None:
    """What a row's last send said."""
    return work.session.scalar(select(OutboxItem.rendered).where(OutboxItem.id == item_id))


def found(work: Work, item_id: int, provider_id: str, rendered: str = "") -> None:
    """The provider has it: the unknown send had arrived. `rendered`: its words, where the row lost them."""
    item = work.lock(OutboxItem, item_id)
    if item is not None and item.state is OutboxState.UNKNOWN:
        menu = {str(number): choice["id"] for number, choice in enumerate(item.choices, start=1)}
        _accepted(work, item, Accepted(provider_id, item.rendered or rendered, menu=menu))
        work.wake("outbox")


def not_found(work: Work, item_id: int) -> None:
    """The provider does not have it. Sent once more with a mark; a second unknown outcome goes to staff."""
    item = work.lock(OutboxItem, item_id)
    if item is None or item.state is not OutboxState.UNKNOWN:
        return
    if item.repeated:
        _dead(work, item, "unknown", "sent twice, no answer either time")
    else:
        item.repeated, item.state, item.due_at = True, OutboxState.PENDING, work.now
    work.wake("outbox")


def ask_later(work: Work, item_id: int, seconds: float) -> None:
    """The provider cannot be asked now."""
    item = work.lock(OutboxItem, item_id)
    if item is not None and item.state is OutboxState.UNKNOWN:
        item.due_at = work.now + timedelta(seconds=seconds)


def requeue(work: Work, item_id: int) -> OutboxItem:
    """Staff send a dead letter once more; its key stays, so that the cause is still said once. Refuses others."""
    work.require(Permission.REPLY)
    item = work.lock(OutboxItem, item_id)
    if item is None:
        raise NotFound("outbox.unknown", id=item_id)
    if item.state not in (OutboxState.DEAD, OutboxState.EXPIRED):
        raise Refusal("outbox.not_dead", id=item_id, state={"$code": f"outbox.state.{item.state.value}"})
    item.state, item.due_at, item.attempts, item.repeated = OutboxState.PENDING, work.now, 0, True
    item.expires_at = work.now + timedelta(seconds=EXPIRY_S[item.intent])
    audit.record(work, "outbox.requeued", f"outbox:{item.id}", address=item.address, error_code=item.error_code)
    work.wake("outbox")
    if item.message_id is not None:
        work.wake(f"live.message.{item.message_id}")
    return item


def _open_and(state: OutboxState) -> list[ColumnElement[bool]]:
    """Open rows in one state; both terms, so that the index of open rows serves."""
    return [is_one_of(OutboxItem.state, *_OPEN), is_one_of(OutboxItem.state, state)]


def depth(work: Work) -> tuple[int, float]:
    """How many rows wait or are in flight, and the age of the oldest in seconds."""
    waiting, oldest = work.session.execute(
        select(func.count(), func.min(OutboxItem.created_at)).where(is_one_of(OutboxItem.state, *_OPEN))
    ).one()
    return int(waiting), (work.now - oldest).total_seconds() if oldest else 0.0
