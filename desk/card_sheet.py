"""What a card shows: facts of a ticket, an incident or a line of the board, in words of the chat's language later.

A group is no place for a customer's number: digits that may be one are masked in whatever people wrote.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from desk import cards, contacts
from desk.work import Work
from models.charger import Charger, Site
from models.contact import Contact
from models.incident import Incident, IncidentState
from models.member import Member, TeamAlert
from models.message import Direction, Message
from models.reply import Choice, Reply
from models.signed import sign_press
from models.sla import ClockState, SlaClock
from models.team import CardSubject, TeamCard
from models.ticket import LIVE, Priority, Ticket, TicketEvent

Facts = dict[str, Any]
WORDS_SHOWN = 240
NOTE_SHOWN = 160
BRIEF_SHOWN = 80
TICKETS_SHOWN = 5
ID_ON_BUTTON = 24
"""Bytes of a charger's id that fit into a signed press; one that is longer is typed."""
_PHONE = re.compile(r"(?<![\w-])\+?\d(?:[ ().-]?\d){7,14}(?![\w-])")
_SPAN = re.compile(r'\{"\$span": \d+\}')
_MARK = {Priority.CRITICAL: "🔴", Priority.HIGH: "🟠", Priority.NORMAL: "🟡", Priority.LOW: "⚪"}
_OVER = "✅"
_PLAIN = ("ticket", "reopened")


@dataclass(frozen=True)
class Sheet:
    """A card's face: its code and lines, what can be pressed, whether it is over, until when it keeps still, and all
    of it in one line.
    """

    code: str
    lines: list[Facts | str]
    buttons: tuple[tuple[str, str], ...]
    over: bool
    quiet_until: datetime | None
    brief: Facts

    @property
    def face(self) -> str:
        """A digest of what people see; time that runs off alone changes nothing."""
        seen = json.dumps([self.lines, self.buttons], sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(_SPAN.sub("", seen).encode()).hexdigest()

    def reply(self, work: Work, chat: str) -> Reply:
        """To be posted in a chat: its buttons count only there."""
        as_of = {"$code": "card.line.as_of", "at": _at(work.now)}
        facts = {"lines": {"$list": [*self.lines, as_of]}}
        return Reply(self.code, facts, choices=press_choices(work, chat, self.buttons))


def press_choices(work: Work, chat: str, buttons: tuple[tuple[str, str], ...]) -> tuple[Choice, ...]:
    """Signed buttons for (action, subject) in a chat."""
    secret = work.house.secret
    return tuple(
        Choice(sign_press(secret, action, subject, work.now, chat), f"card.button.{action}")
        for action, subject in buttons
    )


def sheet(work: Work, card: TeamCard) -> Sheet | None:
    """The face of a card as things stand; None where its subject is gone."""
    match card.subject_kind:
        case CardSubject.TICKET:
            ticket = work.session.get(Ticket, card.subject_id)
            return of_ticket(work, ticket) if ticket is not None else None
        case CardSubject.INCIDENT:
            incident = work.session.get(Incident, card.subject_id)
            return _of_incident(work, incident) if incident is not None else None
        case CardSubject.ALERT:
            alert = work.session.get(TeamAlert, card.subject_id)
            return _of_alert(work, alert) if alert is not None else None


def of_ticket(work: Work, ticket: Ticket) -> Sheet:
    """A ticket on a card of its own."""
    title = _ticket_title(ticket)
    lines: list[Facts | str] = [title]
    if ticket.charger_id is not None:
        lines.append(_charger(work, ticket.charger_id, ticket.connector))
    over, quiet = ticket.status not in LIVE, _quiet(work, [ticket])
    brief: Facts = {"$code": "card.brief", "title": title, "summary": short(ticket.summary, BRIEF_SHOWN)}
    if quiet is not None:
        lines += [ticket.summary, _owner(work, ticket), {"$code": "card.line.quiet", "until": _at(quiet)}]
    else:
        lines += [ticket.summary, *_body(work, ticket), *_board(_newest_line(work, [ticket.id]))]
    return Sheet("card.ticket", lines, buttons_of(ticket), over, quiet, brief)


def buttons_of(ticket: Ticket) -> tuple[tuple[str, str], ...]:
    """What can be done with a ticket by a press: nothing with one that is over, no Take where somebody has it."""
    if ticket.status not in LIVE:
        return ()
    actions = ("take",) * (ticket.taken_at is None) + ("assign", "snooze", "escalate", "resolve")
    return tuple((action, ticket.ref) for action in actions)


def out_button(work: Work, alert: TeamAlert | None) -> tuple[tuple[str, str], ...]:
    """Take the charger out of service: where a danger was told of and the machine left it on."""
    if alert is None or alert.kind != "safety" or alert.charger_id is None:
        return ()
    told = alert.facts.get("out")
    left_on = isinstance(told, dict) and told.get("$code") == "safety.not_taken_out"
    charger = work.session.get(Charger, alert.charger_id) if left_on else None
    if charger is None or charger.out_of_service_since_at is not None or len(charger.id.encode()) > ID_ON_BUTTON:
        return ()
    return (("out", charger.id),)


def _of_incident(work: Work, incident: Incident) -> Sheet:
    """An incident with the ticket that matters most in full, the others by a line each."""
    tickets = cards.tickets_of(work, incident.id)
    lead = cards.lead(tickets)
    is_open = incident.state is IncidentState.OPEN
    live = [ticket for ticket in tickets if ticket.status in LIVE]
    title: Facts = {
        "$code": "card.title.incident", "mark": _mark(lead) if live or is_open else _OVER, "id": incident.id,
        "charger": incident.charger_id, "state": {"$code": f"card.incident.{incident.state.value}"},
        "since": {"$at": incident.opened_at.isoformat()},
    }  # fmt: skip
    lines: list[Facts | str] = [title, _charger(work, incident.charger_id, None)]
    if incident.error_code:
        lines.append({"$code": "card.line.error", "error": incident.error_code})
    if lead is not None:
        lines += [_ticket_title(lead), lead.summary, *_body(work, lead)]
    others = [ticket for ticket in tickets if ticket is not lead][-TICKETS_SHOWN:]
    lines += [_ticket_title(ticket) for ticket in others]
    alert = _newest_line(work, [ticket.id for ticket in tickets], incident.charger_id if is_open else None)
    buttons = buttons_of(lead) if lead is not None else ()
    if not buttons and alert is not None:
        buttons = (("ack", str(alert.id)),)
    buttons = out_button(work, alert) + buttons
    return Sheet(
        "card.incident", lines + _board(alert), buttons, not is_open and not live, _quiet(work, live),
        {"$code": "card.brief", "title": title, "summary": short(lead.summary, BRIEF_SHOWN) if lead else "–"},
    )  # fmt: skip


def _of_alert(work: Work, alert: TeamAlert) -> Sheet:
    """A line of the board by itself."""
    over = alert.acked_at is not None
    title: Facts = {
        "$code": "card.title.alert", "mark": _OVER if over else ("🔴" if alert.urgent else "🔔"), "id": alert.id,
        "at": {"$at": alert.raised_at.isoformat()},
    }  # fmt: skip
    lines: list[Facts | str] = [title, spoken(alert)]
    if alert.charger_id is not None:
        lines.insert(1, _charger(work, alert.charger_id, None))
    if alert.message_id is not None and (words := _words_of(work, work.session.get(Message, alert.message_id))):
        lines += [words, {"$code": "card.line.message", "id": alert.message_id}]
    if over:
        lines.append({"$code": "card.line.acked", "by": alert.acked_by or "–", "at": _at(alert.acked_at)})
    buttons = () if over else (("ack", str(alert.id)),)
    brief = {"$code": "card.brief", "title": title, "summary": spoken(alert)}
    return Sheet("card.alert", lines, buttons, over, None, brief)


def spoken(alert: TeamAlert) -> Facts:
    """A line of the board as a fact, without numbers of people."""
    return {"$code": alert.code, **_masked(alert.facts)}


def masked(text: str) -> str:
    """A text whose phone numbers keep their last three digits."""
    return _PHONE.sub(lambda found: f"…{re.sub(r'[^0-9]', '', found[0])[-3:]}", text)


def short(text: str, most: int) -> str:
    """At most so many characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


# Lines ----------------------------------------------------------------------------------------------------------


def _ticket_title(ticket: Ticket) -> Facts:
    return {
        "$code": "card.title.ticket", "mark": _mark(ticket), "ref": ticket.ref,
        "priority": {"$code": f"ticket.priority.{ticket.priority.value}"},
        "status": {"$code": f"ticket.status.{ticket.status.value.lower()}"},
    }  # fmt: skip


def _mark(ticket: Ticket | None) -> str:
    if ticket is None:
        return "🟠"
    return _MARK[ticket.priority] if ticket.status in LIVE else _OVER


def _charger(work: Work, charger_id: str, connector: int | None) -> Facts:
    charger = work.session.get(Charger, charger_id)
    site = work.session.get(Site, charger.site_id) if charger is not None and charger.site_id is not None else None
    where = " · ".join(part for part in (charger.name if charger else "", site.name if site else "") if part)
    if connector is not None:
        return {"$code": "card.line.connector", "charger": charger_id, "connector": connector, "where": where or "–"}
    return {"$code": "card.line.charger", "charger": charger_id, "where": where or "–"}


def _body(work: Work, ticket: Ticket) -> list[Facts | str]:
    """Words, clocks, owner, quiet, visit and the last thing that happened."""
    lines: list[Facts | str] = []
    if words := _words_of(work, _first_words(work, ticket)):
        lines.append(words)
    if ticket.status in LIVE:
        lines += [_clock(work, clock) for clock in _running(work, ticket)]
    lines.append(_owner(work, ticket))
    if ticket.status in LIVE and ticket.snoozed_until_at is not None and ticket.snoozed_until_at > work.now:
        lines.append({"$code": "card.line.quiet", "until": _at(ticket.snoozed_until_at)})
    if ticket.status in LIVE and ticket.scheduled_visit_at is not None:
        lines.append({"$code": "card.line.visit", "at": _at(ticket.scheduled_visit_at)})
    if last := _last_event(work, ticket):
        lines.append(last)
    return lines


def _first_words(work: Work, ticket: Ticket) -> Message | None:
    return work.session.scalar(
        select(Message)
        .where(Message.ticket_id == ticket.id, Message.direction == Direction.INBOUND)
        .order_by(Message.id)
        .limit(1)
    )


def _words_of(work: Work, message: Message | None) -> Facts | None:
    if message is None or not message.text:
        return None
    contact = work.session.get(Contact, message.contact_id)
    phone = contacts.phone_of(work, message.contact_id)
    name = masked(contact.name) if contact is not None and contact.name else "–"
    text = masked(short(message.text, WORDS_SHOWN))
    if phone is None:
        return {"$code": "card.line.said", "text": text, "name": name}
    return {"$code": "card.line.said_by_phone", "text": text, "name": name, "phone": masked(phone)}


def _running(work: Work, ticket: Ticket) -> list[SlaClock]:
    return list(
        work.session.scalars(
            select(SlaClock)
            .where(SlaClock.ticket_id == ticket.id, SlaClock.state.in_((ClockState.RUNNING, ClockState.PAUSED)))
            .order_by(SlaClock.id)
        )
    )


def _clock(work: Work, clock: SlaClock) -> Facts:
    name = {"$code": f"sla.clock.{clock.kind.value}"}
    if clock.due_at is None:
        return {"$code": "card.line.paused", "clock": name}
    left_s = int((clock.due_at - work.now).total_seconds())
    # Whole minutes: a card that changes with every second would be edited for nothing.
    span = {"$span": max(60, abs(left_s) // 60 * 60)}
    code = "card.line.due" if left_s > 0 else "card.line.overdue"
    return {"$code": code, "clock": name, "due": _at(clock.due_at), "span": span}


def _owner(work: Work, ticket: Ticket) -> Facts:
    member = work.session.get(Member, ticket.assignee_id) if ticket.assignee_id is not None else None
    if member is None:
        return {"$code": "card.line.nobody"}
    if ticket.taken_at is None:
        return {"$code": "card.line.assigned", "name": member.name}
    return {"$code": "card.line.owner", "name": member.name, "at": _at(ticket.taken_at)}


def _last_event(work: Work, ticket: Ticket) -> Facts | None:
    event = work.session.scalar(
        select(TicketEvent).where(TicketEvent.ticket_id == ticket.id).order_by(TicketEvent.id.desc()).limit(1)
    )
    if event is None:
        return None
    kind = event.kind if event.kind in EVENTS else "other"
    facts = {"at": _at(event.at), "by": masked(event.by_name) or "–", "what": {"$code": f"card.event.{kind}"}}
    if note := masked(short(event.note, NOTE_SHOWN)) if kind != "opened" else "":
        return {"$code": "card.line.event_note", "note": note, **facts}
    return {"$code": "card.line.event", **facts}


EVENTS = frozenset(
    {"opened", "moved", "note", "assigned", "taken", "priority", "escalated", "visit", "evidence", "customer",
     "first_response", "paused", "resumed", "incident", "snoozed"}
)  # fmt: skip
"""Kinds of history that have a word of their own on a card."""


def _newest_line(work: Work, ticket_ids: list[int], charger_id: str | None = None) -> TeamAlert | None:
    """The newest line of the board that nobody acknowledged; not those that only say what the card shows."""
    about = or_(TeamAlert.ticket_id.in_(ticket_ids), *([TeamAlert.charger_id == charger_id] if charger_id else []))
    return work.session.scalar(
        select(TeamAlert)
        .where(about, TeamAlert.acked_at.is_(None), TeamAlert.kind.not_in(_PLAIN))
        .order_by(TeamAlert.id.desc())
        .limit(1)
    )


def _board(alert: TeamAlert | None) -> list[Facts | str]:
    return [] if alert is None else [{"$code": "card.line.board", "text": spoken(alert)}]


def _quiet(work: Work, tickets: list[Ticket]) -> datetime | None:
    """A card keeps still while everything on it does."""
    times = [ticket.snoozed_until_at for ticket in tickets]
    later = [moment for moment in times if moment is not None and moment > work.now]
    return min(later) if later and len(later) == len(times) else None


def _at(moment: datetime | None) -> Facts | None:
    return {"$at": moment.isoformat()} if moment is not None else None


def _masked(facts: Any) -> Any:
    match facts:
        case str():
            return masked(facts)
        case {"$at": _} | {"$date": _}:
            return facts
        case dict():
            return {name: _masked(value) for name, value in facts.items()}
        case list():
            return [_masked(value) for value in facts]
        case _:
            return facts
