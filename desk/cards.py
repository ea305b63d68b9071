"""Cards of the team's chats, as the rest of the desk sees them: something changed, a message went out, who is meant.

A change leaves a touch and waits for nobody; bot/cards.py turns touches into messages (desk/card_posts.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from desk.work import Work
from models.access import Permission
from models.member import TeamAlert
from models.outbox import OutboxItem
from models.team import CardState, CardSubject, CardTouch, TeamCard, TeamChat
from models.ticket import LIVE, PRIORITY_RANK, Ticket

TOPIC = "cards"
DIGEST = "card.digest"
"""The code of the message that stands for many new cards at once."""
EDIT_GONE = "message_gone"
"""What a sender refuses with when the message to be changed is not there any more."""


def touch(
    work: Work, *, ticket_id: int | None = None, incident_id: int | None = None, alert_id: int | None = None,
    ping: bool = False,
) -> None:  # fmt: skip
    """What is named has changed; its cards follow. `ping`: members must hear of that alert, an edit is silent."""
    if not work.house.team_bot:
        return
    named = ((CardSubject.TICKET, ticket_id), (CardSubject.INCIDENT, incident_id), (CardSubject.ALERT, alert_id))
    for kind, key in named:
        if key is not None:
            work.session.add(CardTouch(subject_kind=kind, subject_id=key, ping=ping, at=work.now))
    work.wake(TOPIC)


def welcome(work: Work, chat: TeamChat) -> None:
    """A chat joined, or came back: it gets what is open."""
    shown = select(TeamCard).where(TeamCard.team_chat_id == chat.id, TeamCard.state == CardState.OPEN)
    for card in work.session.scalars(shown).all():
        _repost(card)
    unanswered = select(TeamAlert.id).where(TeamAlert.acked_at.is_(None)).order_by(TeamAlert.id)
    for alert_id in work.session.scalars(unanswered):
        touch(work, alert_id=alert_id)


def moved(work: Work, chat: TeamChat) -> None:
    """The chat has a new number, and its old messages cannot be changed any more: open cards are posted again."""
    for card in work.session.scalars(select(TeamCard).where(TeamCard.team_chat_id == chat.id)).all():
        if card.state is CardState.OPEN and card.outbox_id is None:
            _repost(card)
        elif card.outbox_id is not None:
            _post_anew(work, card)
        else:
            card.provider_id = None
    work.wake(TOPIC)


def posted(work: Work, item: OutboxItem) -> None:
    """A row of the team's bot was taken: where it is a card's, its message is known now."""
    for card in _of(work, item):
        card.outbox_id, card.sent = None, card.made
        if item.code != DIGEST:
            card.provider_id = item.provider_id
        work.wake(TOPIC)


def not_posted(work: Work, item: OutboxItem, why: str) -> bool:
    """A row will never go out; tells whether it was about a card.

    A message that vanished is posted anew. Where a new one is refused, the card waits for the next change.
    """
    for card in _of(work, item):
        card.outbox_id = None
        if card.provider_id is not None and why == EDIT_GONE:
            _repost(card)
        work.wake(TOPIC)
    return _is_card(item)


def by_message(work: Work, chat_address: str, provider_id: str) -> TeamCard | None:
    """The card that a message of a chat shows; the topic does not matter."""
    return work.session.scalar(
        select(TeamCard)
        .join(TeamChat, TeamChat.id == TeamCard.team_chat_id)
        .where(TeamChat.chat_id == chat_address.partition("/")[0], TeamCard.provider_id == provider_id)
        .order_by(TeamCard.id.desc())
        .limit(1)
    )


def ticket_of(work: Work, card: TeamCard) -> Ticket | None:
    """The ticket that a card's buttons and replies mean: of an incident the one that matters most."""
    match card.subject_kind:
        case CardSubject.TICKET:
            return work.session.get(Ticket, card.subject_id)
        case CardSubject.INCIDENT:
            return lead(tickets_of(work, card.subject_id))
    return None


def tickets_of(work: Work, incident_id: int) -> list[Ticket]:
    """An incident's tickets, oldest first."""
    return list(work.session.scalars(select(Ticket).where(Ticket.incident_id == incident_id).order_by(Ticket.id)))


def lead(tickets: list[Ticket]) -> Ticket | None:
    """The most serious of those that still run, the oldest of these; else the newest."""
    live = [ticket for ticket in tickets if ticket.status in LIVE]
    if live:
        return min(live, key=lambda ticket: (PRIORITY_RANK[ticket.priority], ticket.id))
    return tickets[-1] if tickets else None


def bring(work: Work, address: str, kind: CardSubject, key: int) -> bool:
    """Post a card anew in a chat, as somebody asked for who saw it in a digest; tells whether there is one."""
    work.require(Permission.VIEW_TICKETS)
    card = work.session.scalar(
        select(TeamCard)
        .join(TeamChat, TeamChat.id == TeamCard.team_chat_id)
        .where(
            TeamChat.chat_id == address.partition("/")[0], TeamCard.subject_kind == kind, TeamCard.subject_id == key
        )
        .limit(1)
    )  # fmt: skip
    if card is None:
        return False
    _repost(card)
    work.wake(TOPIC)
    return True


def forget(work: Work, ticket_ids: Sequence[int], message_ids: Sequence[int]) -> None:
    """The words of these tickets and messages are erased: what cards said of them goes too, and they are redrawn."""
    about = TeamAlert.ticket_id.in_(ticket_ids) | TeamAlert.message_id.in_(message_ids)
    alerts = list(work.session.scalars(select(TeamAlert.id).where(about)))
    incidents = list(work.session.scalars(select(Ticket.incident_id).where(Ticket.id.in_(ticket_ids)).distinct()))
    subjects = ((CardSubject.TICKET, ticket_ids), (CardSubject.INCIDENT, incidents), (CardSubject.ALERT, alerts))
    for kind, keys in subjects:
        shown = select(TeamCard.id).where(TeamCard.subject_kind == kind, TeamCard.subject_id.in_(keys))
        for card_id in work.session.scalars(shown).all():
            work.session.execute(
                update(OutboxItem)
                .where(OutboxItem.channel == "team", OutboxItem.dedupe_key.startswith(f"card:{card_id}:"))
                .values(facts={}, choices=[], rendered=None)
                .execution_options(synchronize_session=False)
            )
    for ticket_id in ticket_ids:
        touch(work, ticket_id=ticket_id)
    for alert_id in alerts:
        touch(work, alert_id=alert_id)


def _of(work: Work, item: OutboxItem) -> list[TeamCard]:
    """The cards that a row shows, locked in the order in which everybody locks them."""
    if not _is_card(item):
        return []
    query = select(TeamCard).where(TeamCard.outbox_id == item.id).order_by(TeamCard.id)
    query = query.with_for_update() if work.postgresql else query
    return list(work.session.scalars(query.execution_options(populate_existing=True)))


def _is_card(item: OutboxItem) -> bool:
    return item.channel == "team" and item.code.startswith("card.")


def _repost(card: TeamCard) -> None:
    card.provider_id, card.face, card.wanted = None, "", card.wanted + 1


def _post_anew(work: Work, card: TeamCard) -> None:
    """Its row waits: what would have changed a message that is out of reach is a message of its own."""
    card.provider_id = None
    work.session.execute(update(OutboxItem).where(OutboxItem.id == card.outbox_id).values(extra=None))
