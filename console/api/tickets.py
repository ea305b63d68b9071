"""Tickets: listed, opened, changed, noted."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from console.api import cursors, inputs
from console.api.asking import REFUSALS, Asked
from console.api.shapes import Page, TicketShape
from desk import api_views, members, ticket_views, tickets
from desk.ticket_list import TicketFilter
from desk.work import Work
from models.errors import BadInput, Refusal
from models.ticket import Ticket, TicketStatus

router = APIRouter(responses=REFUSALS, tags=["tickets"])

_KIND = "ticket"


@router.get("/tickets")
async def list_tickets(asked: Asked, which: inputs.Tickets) -> Page[TicketShape]:
    """Tickets, newest first; an installer's are those assigned to it."""
    after = cursors.decode_number(_KIND, which.after)
    wanted = TicketFilter(closed_too=True, **which.model_dump(exclude={"limit", "after"}))
    part = await asked.desk.read(api_views.ticket_page, wanted, limit=which.limit, after=after)
    return Page[TicketShape].model_validate(cursors.page(_KIND, part.items, part.next))


@router.post("/tickets", status_code=201)
async def open_ticket(asked: Asked, body: inputs.TicketInput) -> TicketShape:
    """Open a ticket; its clocks start now."""
    return TicketShape.model_validate(await asked.desk.run(_open, body))


@router.get("/tickets/{ref}")
async def get_ticket(asked: Asked, ref: inputs.RefInPath) -> TicketShape:
    """One ticket."""
    return TicketShape.model_validate(await asked.desk.read(_get, ref))


@router.patch("/tickets/{ref}")
async def change_ticket(asked: Asked, ref: inputs.RefInPath, body: inputs.TicketChange) -> TicketShape:
    """Change status, priority or assignee, all or nothing. The note goes with the change of status, if there is one."""
    return TicketShape.model_validate(await asked.desk.run(_change, ref, body))


@router.post("/tickets/{ref}/notes", status_code=201)
async def add_note(asked: Asked, ref: inputs.RefInPath, body: inputs.NoteInput) -> TicketShape:
    """Add a note to the history."""
    return TicketShape.model_validate(await asked.desk.run(_note, ref, body.text))


def _get(work: Work, ref: str) -> dict[str, Any]:
    return ticket_views.facts(work, ticket_views.get(work, ref))


def _open(work: Work, body: inputs.TicketInput) -> dict[str, Any]:
    given = body.model_dump(exclude={"assignee"})
    assignee = members.get(work, body.assignee).id if body.assignee is not None else None
    return ticket_views.facts(work, tickets.open_ticket(work, **given, assignee_id=assignee))


def _note(work: Work, ref: str, text: str) -> dict[str, Any]:
    tickets.add_note(work, ref, text)
    return _get(work, ref)


def _change(work: Work, ref: str, body: inputs.TicketChange) -> dict[str, Any]:
    """One transaction: a step that is refused undoes those before it."""
    given = body.model_fields_set
    if not given or (body.status is None and body.priority is None and body.note is None and "assignee" not in given):
        raise BadInput("error.nothing_to_change")
    ticket, note = ticket_views.get(work, ref), body.note or ""
    if "assignee" in given:
        _hand(work, ref, body.assignee, note if body.status is None else "")
    if body.priority is not None:
        own_note = body.status is None and "assignee" not in given
        tickets.set_priority(work, ref, body.priority, note if own_note else "")
    if body.status is not None and body.status is not ticket.status:
        _move(work, ticket, body.status, note)
    elif note and body.priority is None and "assignee" not in given:
        tickets.add_note(work, ref, note)
    return _get(work, ref)


def _hand(work: Work, ref: str, assignee: int | str | None, note: str) -> None:
    if assignee is None:
        tickets.release(work, ref, note)
    else:
        tickets.assign(work, ref, members.get(work, assignee).id, note)


def _move(work: Work, ticket: Ticket, to: TicketStatus, note: str) -> None:
    match to:
        case TicketStatus.OPEN:
            tickets.release(work, ticket.ref, note)
        case TicketStatus.IN_PROGRESS if ticket.status is TicketStatus.RESOLVED:
            tickets.reopen(work, ticket.ref, note)
        case TicketStatus.IN_PROGRESS:
            tickets.start(work, ticket.ref, note)
        case TicketStatus.RESOLVED:
            tickets.resolve(work, ticket.ref, note)
        case TicketStatus.CLOSED:
            tickets.close(work, ticket.ref, note)
        case TicketStatus.ASSIGNED:
            raise Refusal("error.no_such_move", status=to.value)
