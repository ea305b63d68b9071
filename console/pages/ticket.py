"""One ticket: everything about it, and what is done to it. Every deed is a desk verb; the verb asks who may."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from console.pages.form import Form
from console.pages.page import Visit, page
from console.pages.ticket_story import line
from console.pages.tickets import PATH, moment
from desk import case_file, customers, tickets
from desk.work import Work
from models.access import Permission
from models.errors import BadInput, NotFound
from models.sla import ClockKind
from models.ticket import PRIORITY_RANK, Priority, Ticket

ONE = f"{PATH}/{{ref}}"
SNOOZES = ("1", "4", "8", "24")
"""Hours for which a ticket can be kept still."""


@page(ONE, needs=Permission.VIEW_TICKETS)
async def show(visit: Visit) -> Response:
    """The ticket; under htmx the part that is asked for."""
    seen = await visit.desk.read(case_file.look, visit.request.path_params["ref"])
    ticket: Ticket = seen["ticket"]
    if visit.request.path_params["ref"] != ticket.ref:
        return visit.see_other(f"{PATH}/{ticket.ref}")
    return visit.render(
        "tickets/one.html", **seen, nonce=secrets.token_urlsafe(12), priorities=_priorities(visit, ticket),
        higher=_higher(ticket), snoozes=SNOOZES, bubbles=[_bubble(visit, message) for message in seen["messages"]],
        story=[line(visit, event) for event in reversed(seen["history"])],
    )  # fmt: skip


def _priorities(visit: Visit, ticket: Ticket) -> list[Priority]:
    """Those that this member may give it."""
    rank, lowers = PRIORITY_RANK[ticket.priority], visit.may(Permission.ASSIGN_TICKETS)
    return [each for each in Priority if each is not ticket.priority and (lowers or PRIORITY_RANK[each] < rank)]


def _higher(ticket: Ticket) -> list[Priority]:
    """Those to which it can be escalated; a critical one stays what it is."""
    rank = PRIORITY_RANK[ticket.priority]
    return [each for each in Priority if PRIORITY_RANK[each] < rank] or [Priority.CRITICAL]


def _bubble(visit: Visit, message: dict[str, Any]) -> dict[str, Any]:
    """A message with its words; one that was not sent yet is said in the reader's language."""
    text = message["text"]
    if text is None and message["code"]:
        text = visit.say(message["code"], **(message["phrase_facts"] or {}))
    return {**message, "text": text or ""}


# Deeds ----------------------------------------------------------------------------------------------------------


@page(f"{ONE}/{{deed}}", needs=Permission.VIEW_TICKETS, methods=("POST",))
async def do(visit: Visit) -> Response:
    """Do one thing to it. A form that was opened before somebody changed the ticket is refused."""
    ref, name = visit.request.path_params["ref"], visit.request.path_params["deed"]
    form = await visit.form()
    if name in _WORDS:
        await visit.desk.run(_WORDS[name], ref, form)
    elif name in _DEEDS:
        verb, fields = _DEEDS[name]
        seen = form.integer("seen")
        await visit.desk.run(case_file.changing, ref, seen, verb, **fields(visit, form))
    else:
        raise NotFound("trouble.unknown")
    return visit.see_other(f"{PATH}/{ref}", f"tickets.done.{name}", ref=ref)


def _note(work: Work, ref: str, form: Form) -> None:
    tickets.add_note(work, ref, form.text("note"))


def _reply(work: Work, ref: str, form: Form) -> None:
    """The form's own key makes sure that pressing twice answers once."""
    key = form.text("nonce", most=40, required=True)
    customers.answer(work, ref, form.text("text"), key=f"console:{work.actor.id}:{key}")


_WORDS: dict[str, Callable[[Work, str, Form], None]] = {"note": _note, "reply": _reply}
"""What stands beside whatever others do."""


def _nothing(_visit: Visit, _form: Form) -> dict[str, Any]:
    return {}


def _with_note(_visit: Visit, form: Form) -> dict[str, Any]:
    return {"note": form.text("note")}


def _assign(_visit: Visit, form: Form) -> dict[str, Any]:
    return {"member_id": form.integer("assignee", least=1), "note": form.text("note")}


def _priority(_visit: Visit, form: Form) -> dict[str, Any]:
    return {"priority": form.choice("priority", Priority), "note": form.text("note")}


def _when(visit: Visit, form: Form) -> dict[str, Any]:
    at = moment(visit, form.text("visit", most=20, required=True))
    return {"at": at}


def _snooze(visit: Visit, form: Form) -> dict[str, Any]:
    hours = form.integer("hours", least=1, most=24)
    return {"until": visit.now() + timedelta(hours=hours)}


def _escalate(_visit: Visit, form: Form) -> dict[str, Any]:
    given = {name: form.text(name, most=1_000) for name in ("tried", "failed", "needed")}
    assignee = form.integer("assignee", least=1) if form.text("assignee", most=20) else None
    return {"priority": form.choice("priority", Priority), **given, "assignee_id": assignee}


def _clock(_visit: Visit, form: Form) -> dict[str, Any]:
    return {"why": form.text("note"), "kind": form.choice("clock", ClockKind)}


def _resume(_visit: Visit, form: Form) -> dict[str, Any]:
    return {"note": form.text("note"), "kind": form.choice("clock", ClockKind)}


def _satisfied(_visit: Visit, form: Form) -> dict[str, Any]:
    if not form.ticked("satisfied"):
        raise BadInput("tickets.close_needs_satisfied")
    return {"note": form.text("note")}


_DEEDS: dict[str, tuple[Callable[..., Ticket], Callable[[Visit, Form], dict[str, Any]]]] = {
    "take": (tickets.take, _nothing),
    "start": (tickets.start, _with_note),
    "assign": (tickets.assign, _assign),
    "release": (tickets.release, _with_note),
    "priority": (tickets.set_priority, _priority),
    "visit": (tickets.schedule_visit, _when),
    "snooze": (tickets.snooze, _snooze),
    "escalate": (tickets.escalate, _escalate),
    "pause": (tickets.pause_clock, _clock),
    "resume": (tickets.resume_clock, _resume),
    "resolve": (tickets.resolve, _with_note),
    "close": (tickets.close, _satisfied),
    "reopen": (tickets.reopen, _with_note),
}
"""What changes the ticket: the verb, and how the form tells it what."""

PAGES = (show, do)
