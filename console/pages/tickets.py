"""Tickets: the list with its filters in the address, and a new one."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from console.pages.form import Form
from console.pages.page import Visit, page
from desk import case_file, chargers, contact_list, messages, team_choices, ticket_list, ticket_views, tickets
from desk.contact_list import ContactFilter
from desk.ticket_list import Order, Pressing, TicketFilter
from desk.work import Work
from models.access import OWN_TICKETS_ONLY, Department, Permission
from models.base import HIGHEST_KEY
from models.errors import BadInput, NotFound, Refusal
from models.message import Message
from models.reading import Category
from models.ticket import CATEGORY_DEPARTMENT, LIVE, ClaimClass, Priority, TicketStatus

PATH = "/console/tickets"
CHOICES = 8
ME = "me"
FIELDS = (
    "status", "unassigned", "assignee", "priority", "category", "department", "class", "charger", "site", "contact",
    "clock", "sort",
)  # fmt: skip
"""What the address may ask for, beside `after`."""
VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    ("live", {}),
    ("mine", {"assignee": ME}),
    ("unassigned", {"unassigned": "1"}),
    ("overdue", {"clock": "overdue"}),
    ("at_risk", {"clock": "at_risk"}),
    ("safety", {"priority": "critical"}),
    ("all", {"status": "all"}),
)
"""Quick views: a name and what each asks for."""
_OWN_VIEWS = ("live", "overdue", "at_risk", "all")
_REF = re.compile(r"TKT-?[0-9]{1,18}", re.IGNORECASE | re.ASCII)
E = TypeVar("E", bound=StrEnum)


# The list -------------------------------------------------------------------------------------------------------


@page(PATH, needs=Permission.VIEW_TICKETS)
async def show_list(visit: Visit) -> Response:
    """A page of the list."""
    typed = visit.query("ref", most=40)
    if _REF.fullmatch(typed):
        found = await visit.desk.read(ticket_views.get, typed)
        return visit.see_other(f"{PATH}/{found.ref}")
    asked = {name: value for name in FIELDS if (value := visit.query(name, most=60))}
    wanted, order = _wanted(visit, asked), _order(asked)
    after = visit.query("after", most=120) or None
    context = await visit.desk.read(_list, visit, wanted, order, after)
    return visit.render(
        "tickets/list.html", **context, asked=asked, order=order, after=after, views=_views(visit, asked),
        here=_address(asked), own=visit.actor.role in OWN_TICKETS_ONLY,
    )  # fmt: skip


def _list(work: Work, visit: Visit, wanted: TicketFilter, order: Order, after: str | None) -> dict[str, Any]:
    """Everything that the page shows, by one look."""
    found = ticket_list.page(work, wanted, order=order, after=after)
    whole = not visit.htmx
    assigns = visit.may(Permission.ASSIGN_TICKETS)
    contact = None
    if wanted.contact_id is not None and visit.may(Permission.VIEW_CONTACTS):
        contact = case_file.contact_named(work, wanted.contact_id)
    return {
        "rows": found.items,
        "next_cursor": found.next,
        "members": team_choices.workers(work) if whole and assigns else [],
        "sites": case_file.sites(work) if whole else [],
        "contact": contact,
    }


def _wanted(visit: Visit, asked: dict[str, str]) -> TicketFilter:
    """The filter that the address asks for. Refuses values that there are not."""
    status = asked.get("status", "live")
    assignee = asked.get("assignee")
    return TicketFilter(
        status=None if status in ("live", "all") else _one_of(TicketStatus, status, "status"),
        closed_too=status == "all",
        unassigned="unassigned" in asked,
        assignee_id=visit.actor.member_id if assignee == ME else _number(assignee, "assignee"),
        priority=_maybe(Priority, asked, "priority"),
        category=_maybe(Category, asked, "category"),
        department=_maybe(Department, asked, "department"),
        claim_class=_maybe(ClaimClass, asked, "class"),
        charger_id=asked.get("charger"),
        site_id=_number(asked.get("site"), "site"),
        contact_id=_number(asked.get("contact"), "contact"),
        pressing=_maybe(Pressing, asked, "clock"),
    )


def _order(asked: dict[str, str]) -> Order:
    """What is live comes as a queue, everything else newest first, where nothing else is asked for."""
    given = asked.get("sort")
    if given:
        return _one_of(Order, given, "sort")
    status = asked.get("status", "live")
    return Order.QUEUE if status == "live" or status in LIVE else Order.NEWEST


def _views(visit: Visit, asked: dict[str, str]) -> list[tuple[str, str, bool]]:
    """The quick views as (name, address, whether it is this one)."""
    own = visit.actor.role in OWN_TICKETS_ONLY
    now = {name: value for name, value in asked.items() if name != "sort"}
    return [(name, _address(fields), now == fields) for name, fields in VIEWS if not own or name in _OWN_VIEWS]


def _address(asked: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(asked)}" if asked else PATH


def _maybe(kind: type[E], asked: dict[str, str], name: str) -> E | None:
    return _one_of(kind, asked[name], name) if name in asked else None


def _one_of(kind: type[E], value: str, field: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise BadInput("form.not_one_of", field=field) from None


def _number(text: str | None, field: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= HIGHEST_KEY:
        raise BadInput("form.not_a_number", field=field)
    return int(text)


# A new one ------------------------------------------------------------------------------------------------------


@page(f"{PATH}/new", needs=Permission.OPEN_TICKETS)
async def new(visit: Visit) -> Response:
    """The form; `?message=`, `?contact=` and `?charger=` fill it in."""
    given = await visit.desk.read(_prefill, visit)
    return await _form(visit, given)


@page(f"{PATH}/new", needs=Permission.OPEN_TICKETS, methods=("POST",))
async def create(visit: Visit) -> Response:
    """Open it. A refusal comes back with the form as it was filled in."""
    form = await visit.form()
    try:
        found = await visit.desk.run(_open, _fields(visit, form))
    except Refusal as refusal:
        if visit.htmx:
            raise
        given = {name: form.text(name) for name in _TYPED}
        return await _form(visit, given, refusal=refusal, status=refusal.status)
    return visit.see_other(f"{PATH}/{found}", "tickets.done.opened", ref=found)


@page(f"{PATH}/new/contacts", needs=Permission.OPEN_TICKETS)
async def contacts(visit: Visit) -> Response:
    """Contacts that fit what was typed, to choose from."""
    typed = visit.query("contact_words", most=80)
    found = await visit.desk.read(contact_list.page, ContactFilter(typed=typed), limit=CHOICES) if typed else None
    return visit.render("tickets/contacts.html", block="content", found=found.items if found else None)


@page(f"{PATH}/new/charger", needs=Permission.OPEN_TICKETS)
async def charger(visit: Visit) -> Response:
    """Whether there is a charger of that id, and how it is."""
    charger_id = visit.query("charger", most=48)
    seen = None
    if charger_id:
        try:
            seen = await visit.desk.read(chargers.overview, charger_id)
        except NotFound:
            seen = {}
    return visit.render("tickets/charger.html", block="content", charger=seen, charger_id=charger_id)


@page(f"{PATH}/new/assignees", needs=Permission.ASSIGN_TICKETS)
async def assignees(visit: Visit) -> Response:
    """Who can be given a ticket of a category: whoever works for its department."""
    category = _one_of(Category, visit.query("category", most=20) or Category.FAULT.value, "category")
    members = await visit.desk.read(team_choices.for_department, CATEGORY_DEPARTMENT[category])
    return visit.render(
        "tickets/assignees.html", block="content", members=members, chosen="", department=CATEGORY_DEPARTMENT[category]
    )


_TYPED = (
    "summary",
    "description",
    "category",
    "priority",
    "contact",
    "charger",
    "connector",
    "assignee",
    "visit",
    "message",
)


async def _form(
    visit: Visit, given: dict[str, Any], *, refusal: Refusal | None = None, status: int = 200
) -> Response:  # fmt: skip
    given = dict.fromkeys(_TYPED, "") | given
    category = Category(given["category"] or Category.FAULT)
    contact_id = _number(str(given["contact"] or ""), "contact")
    department = CATEGORY_DEPARTMENT[category]
    assigns = visit.may(Permission.ASSIGN_TICKETS)
    return visit.render(
        "tickets/new.html", status, given=given, category=category, department=department,
        contact=await visit.desk.read(case_file.contact_named, contact_id) if contact_id else None,
        members=await visit.desk.read(team_choices.for_department, department) if assigns else None,
        text=visit.say(refusal.code, **refusal.facts) if refusal is not None else None,
    )  # fmt: skip


def _prefill(work: Work, visit: Visit) -> dict[str, Any]:
    """What is known already."""
    message_id = _number(visit.query("message", most=20), "message")
    if message_id is not None:
        return _of_message(messages.get(work, message_id))
    return {"contact": visit.query("contact", most=20), "charger": visit.query("charger", most=48)}


def _of_message(message: Message) -> dict[str, Any]:
    entities = message.entities or {}
    named = entities.get("charger_id") or [""]
    return {
        "message": message.id,
        "contact": message.contact_id,
        "summary": message.summary or (message.text or "")[:120],
        "description": message.text or "",
        "category": message.category or Category.FAULT,
        "charger": named[0],
        "connector": (entities.get("connector") or [""])[0],
    }


def _fields(visit: Visit, form: Form) -> dict[str, Any]:
    """The form as open_ticket takes it."""
    return {
        "category": form.choice("category", Category),
        "summary": form.text("summary", most=tickets.SUMMARY_LIMIT),
        "priority": form.maybe("priority", Priority),
        "description": form.text("description"),
        "charger_id": form.text("charger", most=48) or None,
        "connector": _number(form.text("connector", most=4), "connector"),
        "contact_id": _number(form.text("contact", most=20), "contact"),
        "message_id": _number(form.text("message", most=20), "message"),
        "assignee_id": _number(form.text("assignee", most=20), "assignee"),
        "scheduled_visit_at": moment(visit, form.text("visit", most=20)),
    }


def _open(work: Work, given: dict[str, Any]) -> str:
    """Open it where the person wrote, when it comes from a message."""
    message = messages.get(work, given["message_id"]) if given["message_id"] is not None else None
    more: dict[str, Any] = {}
    if message is not None:
        more = {
            "conversation_id": message.conversation_id,
            "started_at": message.received_at,
            "urgency": message.urgency,
        }
    return tickets.open_ticket(work, **given, **more).ref


def moment(visit: Visit, text: str) -> datetime | None:
    """A date and time as a browser's field gives it, in the member's zone."""
    if not text:
        return None
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput("tickets.bad_time") from None
    return typed if typed.tzinfo else typed.replace(tzinfo=ZoneInfo(visit.timezone))


PAGES = (show_list, new, create, contacts, charger, assignees)
