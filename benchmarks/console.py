"""What the console asks of a million messages and a million tickets, beside reading one row by its key.

Both are verbs through the same office, taken in turns. Page 10,000 is the page after half a million rows.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from benchmarks import crowd
from benchmarks.report import Finding, median, show
from bot.clock import SystemClock
from desk import api_views, contact_list, message_list, search, ticket_list
from desk.contact_list import ContactFilter
from desk.message_list import MessageFilter
from desk.office import Office
from desk.ticket_list import TicketFilter
from desk.work import House
from integrations.bus import LocalBus
from models.access import OPERATOR, Department
from models.contact import Contact, Tier
from models.message import Message, MessageState
from models.reading import Category, Urgency
from models.ticket import Priority, Ticket, TicketStatus

ROUNDS = 21
MOST = {"sqlite": 20, "postgresql": 50}
DEEP = 500_000
MOST_DEEP = 3
COMMON, COMMON_TOO, SELDOM = "charger", "not", "refund"


@dataclass
class Question:
    """Something that a page asks; `like` names the one of page 1 that it is compared with."""

    name: str
    verb: Callable[..., Any]
    args: tuple[Any, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    like: str | None = None
    times: list[float] = field(default_factory=list)


def run(databases: dict[str, str]) -> None:
    """Each engine."""
    for name, url in databases.items():
        office = Office(url, clock=SystemClock(), bus=LocalBus(), house=House())
        try:
            began = time.perf_counter()
            office.submit(OPERATOR, lambda work: crowd.fill(work.session.connection())).result()
            _analyse(office)
            seconds = time.perf_counter() - began
            findings = asyncio.run(measure(office, MOST[name], _questions(), _by_key, "a message by its key"))
            show(f"Console on {name}: a million messages, a million tickets ({seconds:.0f} s to write)", findings)
        finally:
            office.close()


def _analyse(office: Office) -> None:
    """PostgreSQL does so by itself after a while; SQLite has no need."""
    if not office.sqlite:
        for table in ("message", "ticket", "contact", "contact_identity", "ticket_event", "sla_clock"):
            office.submit(OPERATOR, lambda work, t=table: work.session.execute(text(f"ANALYZE {t}"))).result()  # type: ignore[misc]


async def measure(
    office: Office, most: float, questions: list[Question], by_key: Callable[[Any, random.Random], Any], key_name: str
) -> list[Finding]:
    """Each question beside the reading of a row by its key."""
    keys, dice = [], random.Random(3)
    for question in questions:
        await _took(
            office, question.verb, *question.args, **question.more
        )  # a console that was just started is no case
    for _ in range(ROUNDS):
        for question in dice.sample(questions, len(questions)):
            keys.append(await _took(office, by_key, dice))
            question.times.append(await _took(office, question.verb, *question.args, **question.more))
    key = median(keys)
    findings = [Finding(key_name, key, "ms")]
    first = {question.name: median(question.times) for question in questions}
    for question in questions:
        took = median(question.times)
        findings.append(Finding(question.name, took / key, "x", at_most=most, note=f"{took:.2f} ms"))
        if question.like is not None:
            findings.append(Finding(f"… beside {question.like}", took / first[question.like], "x", at_most=MOST_DEEP))
    return findings


async def _took(office: Office, verb: Callable[..., Any], *args: Any, **more: Any) -> float:
    began = time.perf_counter()
    await office.read(OPERATOR, verb, *args, **more)
    return (time.perf_counter() - began) * 1000


def _by_key(work: Any, dice: random.Random) -> Any:
    return work.session.get(Message, dice.randrange(crowd.MESSAGES) + 1)


def _questions() -> list[Question]:
    return [*_messages(), *_contacts(), *_tickets(), *_words(), *_api()]


def _messages() -> list[Question]:
    def queue(name: str, **wanted: Any) -> Question:
        return Question(f"messages: {name}", message_list.page, (MessageFilter(**wanted),))

    deep = Question("messages: page 10,000", message_list.page, (MessageFilter(),), {"after": DEEP}, "messages: all")
    state = MessageFilter(state=MessageState.ARCHIVED, category=Category.BILLING)
    return [
        queue("all"), deep, queue("needs review", needs_review=True), queue("unread", state=MessageState.UNREAD),
        queue("bucketed, billing", state=MessageState.BUCKETED, category=Category.BILLING),
        queue("archived, billing", state=state.state, category=state.category),
        Question("messages: archived, billing, far back", message_list.page, (state,), {"after": DEEP},
                 "messages: archived, billing"),
        queue("safety", urgency=Urgency.SAFETY), queue("Telegram, Tamil, rfid", channel="telegram", language="ta",
                                                       category=Category.RFID),
        queue("a filter that fits none", channel="web", language="xx"),
        queue("filters that never meet", needs_review=False, state=MessageState.NEEDS_REVIEW),
        queue("one person's", contact_id=2),
    ]  # fmt: skip


def _contacts() -> list[Question]:
    def people(name: str, *, order: Any = contact_list.Order.NEWEST, **wanted: Any) -> Question:
        return Question(f"contacts: {name}", contact_list.page, (ContactFilter(**wanted),), {"order": order})

    by_name = contact_list.Order.NAME
    return [
        people("newest"), people("by name", order=by_name),
        Question("contacts: by name, far on", contact_list.page, (ContactFilter(),),
                 {"order": by_name, "after": "name~100000~nimal"}, "contacts: by name"),
        people("platinum", tier=Tier.PLATINUM), people("platinum by name", order=by_name, tier=Tier.PLATINUM),
        people("of an organisation", organisation="Fleet 7"),
        people("number begins +9477", phone_begins="+9477"), people("number begins 077123", typed="077123"),
        people("number ends 4567", typed="4567"), people("word: perera", typed="perera"),
        people("words: nimal fer…", typed="nimal fer"), people("typed: ka", typed="ka"),
    ]  # fmt: skip


def _tickets() -> list[Question]:
    def cases(name: str, *, order: Any = ticket_list.Order.NEWEST, **wanted: Any) -> Question:
        return Question(f"tickets: {name}", ticket_list.page, (TicketFilter(**wanted),), {"order": order})

    deep, queue = f"newest~0~0~2026-01-01T00:00:00+00:00~{DEEP}", ticket_list.Order.QUEUE
    rare = TicketFilter(priority=Priority.LOW, category=Category.COMPLAINT, closed_too=True)
    return [
        cases("all", closed_too=True),
        Question("tickets: page 10,000", ticket_list.page, (TicketFilter(closed_too=True),), {"after": deep},
                 "tickets: all"),
        cases("live"), cases("the queue", order=queue), cases("open", status=TicketStatus.OPEN),
        cases("unassigned", unassigned=True), cases("a member's", assignee_id=19),
        cases("closed, critical", status=TicketStatus.CLOSED, priority=Priority.CRITICAL),
        cases("service, low", department=Department.SERVICE, priority=Priority.LOW, closed_too=True),
        cases("of a site", site_id=77, closed_too=True), cases("of a charger", charger_id="100003"),
        cases("overdue", pressing=ticket_list.Pressing.OVERDUE),
        cases("the queue of a site", order=queue, site_id=77),
        cases("overdue at a site", pressing=ticket_list.Pressing.OVERDUE, site_id=77),
        cases("a member's, critical, billing", order=queue, assignee_id=19, priority=Priority.CRITICAL,
              category=Category.BILLING),
        cases("the queue, rfid, unassigned", order=queue, category=Category.RFID, unassigned=True),
        cases("a member's, closed, critical, complaints", assignee_id=2, status=TicketStatus.CLOSED,
              priority=Priority.CRITICAL, category=Category.COMPLAINT),
        Question("tickets: low, complaints, far back", ticket_list.page, (rare,), {"after": deep},
                 "tickets: low, complaints"),
        cases("low, complaints", priority=Priority.LOW, category=Category.COMPLAINT, closed_too=True),
        Question("tickets: the queue, far on", ticket_list.page, (TicketFilter(),),
                 {"order": queue, "after": f"queue~2~1~2027-02-07T00:00:00+00:00~{DEEP}"}, "tickets: the queue"),
    ]  # fmt: skip


def _words() -> list[Question]:
    def find(name: str, entity: Any, typed: str) -> Question:
        return Question(f"search: {name}", search.keys, (entity, typed), {"limit": 50})

    page, common = message_list.page, MessageFilter(words=COMMON)
    return [
        find("rare word", Message, crowd.RARE), find("seldom word", Message, SELDOM),
        Question("search: common word, with rows", page, (common,)),
        Question("search: common word, far back", page, (common,), {"after": DEEP}, "search: common word, with rows"),
        find("two common words", Message, f"{COMMON_TOO} {COMMON}"),
        find("common and rare word", Message, f"{COMMON} {crowd.RARE}"),
        find("beginning of a word", Message, "cha"), find("a charger's number", Message, "100003"),
        Question("search: common word among billing, web", page, (
            MessageFilter(words=COMMON, category=Category.BILLING, channel="web"),)),
        find("tickets, common word", Ticket, COMMON), find("tickets, rare word", Ticket, crowd.RARE),
        find("tickets, two words", Ticket, f"{COMMON_TOO} {SELDOM}"), find("contacts", Contact, "silva"),
    ]  # fmt: skip


def _api() -> list[Question]:
    more = {"limit": 50, "after": None}
    return [
        Question("API: messages", api_views.message_page, (MessageFilter(direction=None),), more),
        Question("API: messages of a category", api_views.message_page,
                 (MessageFilter(direction=None, category=Category.RFID),), more),
        Question("API: tickets", api_views.ticket_page, (TicketFilter(closed_too=True),), more),
        Question("API: tickets, rfid", api_views.ticket_page, (TicketFilter(closed_too=True, category=Category.RFID),),
                 more),
        Question("API: contacts", api_views.contact_page, (ContactFilter(),), more),
        Question("API: contacts, +94771", api_views.contact_page, (ContactFilter(phone_begins="+94771"),), more),
    ]  # fmt: skip
