"""Paging: a line on the board and a message at every door of those on duty, all rows in the same transaction.

A page has reached somebody when it was acknowledged or its ticket taken; delivered and read are hints. Until then it
comes again, and after that others of the team hear of it. Clocks are chased by themselves (desk/sla_timers.py).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from desk import board, cards, oncall, outbox
from desk.card_sheet import out_button, press_choices
from desk.work import Work
from models.member import Member, MemberIdentity, MemberIdentityKind, TeamAlert
from models.reply import Intent, Reply
from models.ticket import LIVE, Ticket, TicketEvent

AGAIN_AFTER = timedelta(minutes=5)
AGAIN_MOST = 6
"""How often a page is repeated before it is handed on."""
CHASED = frozenset({"breach", "chase", "check", "warning"})
"""Kinds whose clocks repeat them."""
TOLD_WITHIN = timedelta(minutes=5)
CHUNK = 100


def page(
    work: Work, *, kind: str, key: str, code: str, facts: dict[str, Any], ticket_id: int | None = None,
    charger_id: str | None = None, message_id: int | None = None, urgent: bool = False,
) -> bool:  # fmt: skip
    """Tell the team, once for each `key`; tells whether this was the first time."""
    alert = board.raise_alert(
        work, kind=kind, key=key, code=code, facts=facts, ticket_id=ticket_id, charger_id=charger_id,
        message_id=message_id, urgent=urgent,
    )  # fmt: skip
    if alert is None:
        return False
    alert.paged_at, alert.pages = work.now, 1
    alert.page_again_at = None if kind in CHASED else work.now + AGAIN_AFTER
    _tell(work, alert, first_in_line(work), Reply(code, facts), "")
    return True


def first_in_line(work: Work) -> list[Member]:
    """Whose shift it is; where the roster is empty, or names nobody who can be reached, the desk."""
    on_duty = oncall.on_duty(work)
    return on_duty if board.doors(work, on_duty) else board.desk_members(work)


def repeat(work: Work, limit: int = CHUNK) -> int:
    """Tell again what nobody answered, and phones of what is new; tells how many lines were looked at."""
    query = (
        select(TeamAlert)
        .where(TeamAlert.page_again_at.is_not(None), TeamAlert.page_again_at <= work.now)
        .order_by(TeamAlert.page_again_at, TeamAlert.id)
        .limit(limit)
    )
    alerts = work.session.scalars(query.with_for_update(skip_locked=True) if work.postgresql else query).all()
    for alert in alerts:
        _again(work, alert)
    work.session.flush()
    return len(alerts)


def resolved(work: Work, ticket: Ticket, event: TicketEvent) -> None:
    """Phones that were paged for a ticket hear that it is solved; whoever solved it knows."""
    paged = select(TeamAlert.id).where(TeamAlert.ticket_id == ticket.id, TeamAlert.paged_at.is_not(None))
    if work.session.scalar(paged.limit(1)) is None:
        return
    facts = {"ref": ticket.ref, "by": work.actor.name, "note": event.note[:300]}
    for member, identity in board.doors(work, first_in_line(work)):
        if identity.kind is MemberIdentityKind.WHATSAPP and member.id != work.actor.member_id:
            outbox.tell(
                work, identity, Reply("page.resolved", facts), language=member.language, intent=Intent.ALERT,
                key=f"ticket:{ticket.id}:resolved:{event.id}:{identity.id}",
            )  # fmt: skip


def _again(work: Work, alert: TeamAlert) -> None:
    ticket = work.session.get(Ticket, alert.ticket_id) if alert.ticket_id is not None else None
    if _answered(alert, ticket):
        alert.page_again_at = None
    elif ticket is not None and ticket.snoozed_until_at is not None and ticket.snoozed_until_at > work.now:
        alert.page_again_at = ticket.snoozed_until_at
    elif alert.paged_at is None:
        _news(work, alert)
    elif alert.pages <= AGAIN_MOST:
        facts = {"text": {"$code": alert.code, **alert.facts}, "number": alert.pages, "most": AGAIN_MOST}
        _tell(work, alert, first_in_line(work), Reply("page.again", facts), f":again{alert.pages}")
        alert.pages += 1
        alert.page_again_at = work.now + AGAIN_AFTER
        cards.touch(work, alert_id=alert.id, ping=True)
    else:
        _hand_on(work, alert)


def _answered(alert: TeamAlert, ticket: Ticket | None) -> bool:
    if alert.acked_at is not None:
        return True
    return ticket is not None and (ticket.taken_at is not None or ticket.status not in LIVE)


def _news(work: Work, alert: TeamAlert) -> None:
    """A line that phones should know of, and nothing that must be answered."""
    alert.page_again_at = None
    if _told_already(work, alert):
        return
    alert.paged_at, alert.pages = work.now, 1
    phones = [
        (member, identity)
        for member, identity in board.doors(work, first_in_line(work))
        if identity.kind is MemberIdentityKind.WHATSAPP
    ]
    _send(work, alert, phones, Reply(alert.code, alert.facts), "")


def _told_already(work: Work, alert: TeamAlert) -> bool:
    """One message for one trouble: a page about the same ticket or charger said it."""
    other = aliased(TeamAlert)
    same = [getattr(other, name) == value for name in ("ticket_id", "charger_id") if (value := getattr(alert, name))]
    query = exists().where(other.id != alert.id, or_(*same), other.paged_at > alert.raised_at - TOLD_WITHIN)
    return bool(same) and bool(work.session.scalar(select(query)))


def _hand_on(work: Work, alert: TeamAlert) -> None:
    """Those on duty did not answer: everybody of the desk who was not asked yet."""
    alert.page_again_at = None
    asked = {member.id for member in first_in_line(work)}
    others = [member for member in board.desk_members(work) if member.id not in asked]
    facts = {"text": {"$code": alert.code, **alert.facts}}
    _tell(work, alert, others, Reply("page.handed_on", facts), ":on")
    cards.touch(work, alert_id=alert.id, ping=True)


def _tell(work: Work, alert: TeamAlert, to: list[Member], reply: Reply, round_: str) -> None:
    _send(work, alert, board.doors(work, to), reply, round_)


def _send(
    work: Work, alert: TeamAlert, doors: list[tuple[Member, MemberIdentity]], reply: Reply, round_: str
) -> None:  # fmt: skip
    """A row for each door, with buttons that count there alone."""
    buttons, more = _buttons(work, alert), out_button(work, alert)
    for member, identity in doors:
        whatsapp = identity.kind is MemberIdentityKind.WHATSAPP
        address = f"whatsapp:{identity.value}" if whatsapp else identity.value
        choices = press_choices(work, address, buttons if whatsapp else buttons + more)
        outbox.tell(
            work, identity, Reply(reply.code, reply.facts, choices), language=member.language, intent=Intent.ALERT,
            key=f"{alert.dedupe_key}:{identity.id}{round_}",
        )  # fmt: skip


def _buttons(work: Work, alert: TeamAlert) -> tuple[tuple[str, str], ...]:
    """Three at most, which is what WhatsApp shows and its templates know."""
    ticket = work.session.get(Ticket, alert.ticket_id) if alert.ticket_id is not None else None
    seen = ("ack", str(alert.id))
    if ticket is None or ticket.status not in LIVE:
        return (seen,)
    first, last = ("take", "snooze") if ticket.taken_at is None else ("snooze", "resolve")
    return (first, ticket.ref), (last, ticket.ref), seen
