"""From touches to messages: which chats show which card, what may be said there now, many new cards as one message.

A group bears 20 messages a minute, edits included. Cards keep to 15 and leave the rest to answers; what has to wait
is worded when its turn comes, so that the newest state is what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from desk import cards, outbox, team_chats
from desk.card_sheet import Sheet, press_choices, sheet, spoken
from desk.work import Work
from models.incident import Incident, IncidentState
from models.member import TeamAlert
from models.outbox import OutboxItem
from models.reply import PRIORITY, Choice, Extra, Intent, Reply
from models.signed import LIFE, sign_press
from models.team import CardState, CardSubject, CardTouch, TeamCard, TeamChat
from models.ticket import LIVE, Priority, Ticket, ticket_ref

MINUTE = timedelta(seconds=60)
CARDS_A_MINUTE = 15
ALL_A_MINUTE = 18
"""With answers counted in; Telegram allows a group 20."""
NEW_A_MINUTE = 10
"""More new cards than this in a minute become one message."""
DIGEST_EVERY = timedelta(seconds=20)
DIGEST_MOST, DIGEST_BUTTONS = 30, 10
WAITING_MOST = 3
"""Cards of a chat that may wait to be sent: what is not made yet cannot grow old."""
RENEW_AFTER = LIFE - timedelta(hours=12)
"""Buttons that nobody touched get a new signature before the old one is too old."""
CHUNK = 500

Subject = tuple[CardSubject, int]


# Touches ----------------------------------------------------------------------------------------------------------


def take_in(work: Work, limit: int = CHUNK) -> int:
    """Let touches raise the version of their cards, and make cards where there are none yet; tells how many."""
    query = select(CardTouch).order_by(CardTouch.id).limit(limit)
    touches = work.session.scalars(query.with_for_update(skip_locked=True) if work.postgresql else query).all()
    if not touches:
        return 0
    changes: dict[Subject, _Change] = {}
    for touch in touches:
        _note(work, changes, touch)
    work.session.execute(delete(CardTouch).where(CardTouch.id.in_([touch.id for touch in touches])))
    for chat in team_chats.active(work):
        _apply(work, chat, changes)
    return len(touches)


@dataclass
class _Change:
    make: bool = False
    ping: int | None = None


def _note(work: Work, changes: dict[Subject, _Change], touch: CardTouch) -> None:
    """What a touch means now: a ticket of an incident shows on the incident's card."""
    alert = work.session.get(TeamAlert, touch.subject_id) if touch.subject_kind is CardSubject.ALERT else None
    subject, make = _subject(work, touch, alert)
    if subject is None:
        return
    change = changes.setdefault(subject, _Change())
    change.make = change.make or make
    if touch.ping and alert is not None and alert.acked_at is None:
        change.ping = alert.id


def _subject(work: Work, touch: CardTouch, alert: TeamAlert | None) -> tuple[Subject | None, bool]:
    """Whose card it is, and whether that is reason enough for one where there is none."""
    match touch.subject_kind:
        case CardSubject.INCIDENT:
            incident = work.session.get(Incident, touch.subject_id)
            lasts = incident is not None and incident.state is IncidentState.OPEN
            return (CardSubject.INCIDENT, touch.subject_id), lasts
        case CardSubject.TICKET:
            ticket = work.session.get(Ticket, touch.subject_id)
            return (None, False) if ticket is None else (_of_ticket(ticket), _wants_somebody(work, ticket))
    return (None, False) if alert is None else (_of_alert(work, alert), alert.acked_at is None)


def _of_ticket(ticket: Ticket) -> Subject:
    if ticket.incident_id is not None:
        return CardSubject.INCIDENT, ticket.incident_id
    return CardSubject.TICKET, ticket.id


def _of_alert(work: Work, alert: TeamAlert) -> Subject:
    ticket = work.session.get(Ticket, alert.ticket_id) if alert.ticket_id is not None else None
    if ticket is not None:
        return _of_ticket(ticket)
    if alert.charger_id is not None:
        latest = select(Incident).where(Incident.charger_id == alert.charger_id).order_by(Incident.id.desc()).limit(1)
        incident = work.session.scalar(latest)
        if incident is not None and (incident.ended_at is None or incident.ended_at >= alert.raised_at):
            return CardSubject.INCIDENT, incident.id
    return CardSubject.ALERT, alert.id


def _wants_somebody(work: Work, ticket: Ticket) -> bool:
    """It stands on the board, or is critical and nobody has it."""
    if ticket.status not in LIVE:
        return False
    if ticket.priority is Priority.CRITICAL and ticket.assignee_id is None:
        return True
    line = select(TeamAlert.id).where(TeamAlert.ticket_id == ticket.id, TeamAlert.acked_at.is_(None))
    return work.session.scalar(line.limit(1)) is not None


def _apply(work: Work, chat: TeamChat, changes: dict[Subject, _Change]) -> None:
    dialect: Any = postgresql if work.postgresql else sqlite
    for (kind, key), change in changes.items():
        if change.make:
            row = dialect.insert(TeamCard).values(
                team_chat_id=chat.id, subject_kind=kind, subject_id=key, wanted=0, made=0, sent=0, face="",
                state=CardState.OPEN, created_at=work.now, updated_at=work.now,
            )  # fmt: skip
            work.session.execute(row.on_conflict_do_nothing())
    for kind in CardSubject:
        keys = [key for each, key in changes if each is kind]
        meant = select(TeamCard).where(
            TeamCard.team_chat_id == chat.id, TeamCard.subject_kind == kind, TeamCard.subject_id.in_(keys)
        )
        for card in work.session.scalars(_held(work, meant)).all() if keys else ():
            card.wanted += 1
            card.ping_alert_id = changes[kind, card.subject_id].ping or card.ping_alert_id


def _held(work: Work, query: Select[TeamCard]) -> Select[TeamCard]:
    """Locked, always in the order of the keys, so that two who hold cards never wait for each other in a ring."""
    query = query.order_by(TeamCard.id).execution_options(populate_existing=True)
    return query.with_for_update() if work.postgresql else query


# Messages -----------------------------------------------------------------------------------------------------------


def post(work: Work) -> float | None:
    """Make rows of what may be said now; tells in how many seconds to come again, None: nothing waits for time."""
    waits = [_post_in(work, chat) for chat in team_chats.active(work)]
    return min((wait for wait in waits if wait is not None), default=None)


def _post_in(work: Work, chat: TeamChat) -> float | None:
    if work.postgresql:  # one at a time in a chat, whichever node
        query = select(TeamChat.id).where(TeamChat.id == chat.id).with_for_update(skip_locked=True)
        if work.session.scalar(query) is None:
            return 1.0
    _wake_up(work, chat)
    due = _due(work, chat)
    if not due:
        return _next_wake(work, chat)
    desk = _Posting.at(work, chat)
    faces = [(card, face) for card in due if (face := desk.face(card)) is not None]
    fresh = [(card, face) for card, face in faces if card.made == 0]  # one of an earlier digest gets its own message
    if fresh and len(fresh) + desk.new > NEW_A_MINUTE:
        desk.digest(fresh)
        faces = [(card, face) for card, face in faces if card.made > 0 and card.outbox_id is None]
    faces.sort(key=lambda each: (each[0].ping_alert_id is None, each[0].provider_id is not None, each[0].id))
    for card, face in faces:
        desk.show(card, face)
    return desk.come_again


def _due(work: Work, chat: TeamChat) -> list[TeamCard]:
    query = select(TeamCard).where(
        TeamCard.team_chat_id == chat.id, literal_column("wanted > made"), TeamCard.outbox_id.is_(None)
    )
    return list(work.session.scalars(_held(work, query).limit(CHUNK)).all())


def _wake_up(work: Work, chat: TeamChat) -> None:
    """Quiet times that are over, and buttons that grow old."""
    work.session.execute(
        update(TeamCard)
        .where(
            TeamCard.team_chat_id == chat.id, TeamCard.state == CardState.OPEN,
            or_(TeamCard.snoozed_until_at <= work.now, TeamCard.updated_at <= work.now - RENEW_AFTER),
            literal_column("wanted = made"),
        )
        .values(wanted=TeamCard.wanted + 1)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _next_wake(work: Work, chat: TeamChat) -> float | None:
    moment = work.session.scalar(
        select(func.min(TeamCard.snoozed_until_at)).where(
            TeamCard.team_chat_id == chat.id, TeamCard.state == CardState.OPEN
        )
    )
    return max(1.0, (moment - work.now).total_seconds()) if moment is not None else None


@dataclass
class _Posting:
    """One round in one chat: what was said in the last minute, and what may be said yet."""

    work: Work
    chat: TeamChat
    room: int
    new: int
    waiting: int
    frees_at: datetime | None
    digest_at: datetime | None
    come_again: float | None = None

    @classmethod
    def at(cls, work: Work, chat: TeamChat) -> _Posting:
        """Count. The whole group shares one limit, whatever its topics."""
        said = [
            (code, extra, at)
            for address, code, extra, at in work.session.execute(
                select(OutboxItem.address, OutboxItem.code, OutboxItem.extra, OutboxItem.created_at)
                .where(literal_column("channel = 'team'"), OutboxItem.created_at > work.now - MINUTE)
                .order_by(OutboxItem.created_at)
            )
            if address.partition("/")[0] == chat.chat_id
        ]
        of_cards = [(code, extra) for code, extra, _ in said if code.startswith("card.")]
        new = [code for code, extra in of_cards if code in _CARDS and not (extra or {}).get(Extra.EDIT)]
        digests = [at for code, _, at in said if code == cards.DIGEST]
        waiting = work.session.scalar(
            select(func.count()).where(TeamCard.team_chat_id == chat.id, TeamCard.outbox_id.is_not(None))
        )
        return cls(
            work, chat, room=min(CARDS_A_MINUTE - len(of_cards), ALL_A_MINUTE - len(said)), new=len(new),
            waiting=waiting or 0, frees_at=said[0][2] + MINUTE if said else None,
            digest_at=digests[-1] + DIGEST_EVERY if digests else None,
        )  # fmt: skip

    def face(self, card: TeamCard) -> Sheet | None:
        """What a card would show; None where there is nothing to send for it."""
        work = self.work
        seen = sheet(work, card)
        woken = card.snoozed_until_at is not None and card.snoozed_until_at <= work.now
        if woken and self._full(2):  # the message that says so and the card itself: next time
            return None
        if seen is not None:
            card.state = CardState.CLOSED if seen.over else CardState.OPEN
            card.snoozed_until_at = seen.quiet_until
        unknown = card.provider_id is None and card.face == ""  # in no message yet, not even a digest
        if seen is None or (unknown and seen.over) or (card.provider_id is None and seen.quiet_until is not None):
            card.made = card.sent = card.wanted
            card.ping_alert_id = None
            return None
        if woken and not seen.over and card.ping_alert_id is None and card.provider_id is not None:
            self._ping(card, Reply("card.awake", {"title": seen.brief}))
        young = card.updated_at > work.now - RENEW_AFTER
        if seen.face == card.face and card.ping_alert_id is None and card.provider_id is not None and young:
            card.made = card.sent = card.wanted
            return None
        return seen

    def show(self, card: TeamCard, seen: Sheet) -> None:
        """Post or change one card; an urgent line below a card that stands already is a message of its own."""
        pinged = card.ping_alert_id is not None and card.provider_id is not None and seen.quiet_until is None
        if self._full(2 if pinged else 1):
            return
        changes = seen.face != card.face or card.provider_id is None or not pinged
        if changes:
            self._make(card, seen)
        else:
            card.made = card.sent = card.wanted
        if pinged:
            self._page(card, seen)
        card.ping_alert_id = None

    def digest(self, fresh: list[tuple[TeamCard, Sheet]]) -> None:
        """One message for many new cards, with buttons that bring the most pressing ones; not one after another."""
        if self.digest_at is not None and self.digest_at > self.work.now:
            self.come_again = (self.digest_at - self.work.now).total_seconds()
            return
        if self._full(1):
            return
        fresh.sort(key=lambda each: (each[0].ping_alert_id is None, each[0].id))
        listed = fresh[:DIGEST_MOST]
        choices = tuple(
            Choice(
                sign_press(
                    self.work.house.secret, "show", str(card.subject_id), self.work.now, self.chat.address,
                    detail=card.subject_kind.value,
                ),
                "card.button.show", {"title": _name(card)},
            )
            for card, _ in listed[:DIGEST_BUTTONS]
        )  # fmt: skip
        lines = {"$list": [seen.brief for _, seen in listed]}
        reply = Reply(cards.DIGEST, {"count": len(listed), "lines": lines}, choices=choices)
        first = listed[0][0]
        item = self._row(reply, f"card:{first.id}:{first.wanted}:digest")
        for card, seen in listed:
            card.outbox_id, card.made, card.face, card.updated_at = item, card.wanted, seen.face, self.work.now
            card.ping_alert_id = None

    def _make(self, card: TeamCard, seen: Sheet) -> None:
        reply = seen.reply(self.work, self.chat.address)
        if card.provider_id is not None:
            reply = Reply(reply.code, reply.facts, reply.choices, extra={Extra.EDIT: card.provider_id})
        item = self._row(reply, f"card:{card.id}:{card.wanted}")
        card.outbox_id, card.made, card.face, card.updated_at = item, card.wanted, seen.face, self.work.now
        self.waiting += 1

    def _page(self, card: TeamCard, seen: Sheet) -> None:
        alert = self.work.session.get(TeamAlert, card.ping_alert_id)
        if alert is None:
            return
        take = tuple(button for button in seen.buttons if button[0] == "take")
        buttons = press_choices(self.work, self.chat.address, (*take, ("ack", str(alert.id))))
        self._ping(card, Reply("card.page", {"text": spoken(alert)}, choices=buttons))

    def _ping(self, card: TeamCard, reply: Reply) -> None:
        reply = Reply(reply.code, reply.facts, reply.choices, extra={Extra.REPLY_TO: card.provider_id})
        self._row(reply, f"card:{card.id}:{card.wanted}:ping")

    def _row(self, reply: Reply, key: str) -> int | None:
        """An edit is news of a message that everybody has: answers go first."""
        self.room -= 1
        item = outbox.post(self.work, self.chat.address, reply, key=key, language=self.chat.language)
        if item is None:
            return None
        if Extra.EDIT in reply.extra:
            item.priority = PRIORITY[Intent.NOTICE]
        return item.id

    def _full(self, wanted: int) -> bool:
        if self.room >= wanted and self.waiting < WAITING_MOST:
            return False
        if self.room < wanted and self.frees_at is not None:
            self.come_again = max(1.0, (self.frees_at - self.work.now).total_seconds() + 0.1)
        return True


_CARDS = ("card.ticket", "card.incident", "card.alert")


def _name(card: TeamCard) -> dict[str, Any]:
    ticket = card.subject_kind is CardSubject.TICKET
    name = ticket_ref(card.subject_id) if ticket else card.subject_id
    return {"$code": f"card.name.{card.subject_kind.value}", "id": name}
