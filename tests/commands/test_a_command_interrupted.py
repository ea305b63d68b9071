"""The staff door on WhatsApp: a command that an earlier life of the row may have run is not run again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from bot.staff import StaffDoor
from bot.wiring.orders import OrderClerk
from desk import inbox, members, tickets
from desk.inbox import Claimed
from desk.office import Office
from desk.work import Work
from integrations.bus import LocalBus
from models.access import ASSISTANT, OPERATOR, Department, Role
from models.inbox import InboxRow
from models.message import Heard
from models.outbox import OutboxItem
from models.reading import Category
from models.ticket import TicketEvent

TARA = "+94770000001"
ACCOUNT = "whatsapp:+94110000000"


def _furnish(work: Work) -> str:
    members.add(
        work, email="tara@team.example", name="Tara", role=Role.OPS_AGENT, departments=tuple(Department), whatsapp=TARA
    )
    return tickets.open_ticket(work, category=Category.FAULT, summary="a fault").ref


def _figures(work: Work) -> tuple[int, list[str]]:
    notes = work.session.scalar(select(func.count()).select_from(TicketEvent).where(TicketEvent.kind == "note")) or 0
    return notes, list(work.session.scalars(select(OutboxItem.code).order_by(OutboxItem.id)))


async def _write(office: Office, bus: LocalBus, text: str, *, crashed: bool) -> None:
    """A message from Tara; where `crashed`, an earlier claim of it ended with its process."""
    await office.put(InboxRow("whatsapp", ACCOUNT, text, f"whatsapp:{ACCOUNT}:whatsapp:{TARA}", {}))
    [item] = await office.run(ASSISTANT, inbox.claim, 1, "dead")
    if crashed:
        await office.run(ASSISTANT, inbox.release_owned, "")
        [item] = await office.run(ASSISTANT, inbox.claim, 1, "alive")
    await StaffDoor(office, OrderClerk(office, bus, office.clock)).handle(item, _heard(item, text), await _tara(office))


def _heard(item: Claimed, text: str) -> Heard:
    return Heard("whatsapp", ACCOUNT, f"whatsapp:{TARA}", item.external_id, "phone", TARA, text=text)


async def _tara(office: Office) -> Any:
    return await office.read(ASSISTANT, members.by_whatsapp, TARA)


@pytest.mark.parametrize("crashed", [False, True])
async def test_a_note_is_written_at_most_once_and_a_crash_is_told(office: Office, bus: LocalBus, crashed: bool) -> None:
    ref = await office.run(OPERATOR, _furnish)
    await _write(office, bus, f"/note {ref} cable changed", crashed=crashed)
    notes, said = await office.read(OPERATOR, _figures)
    assert notes == (0 if crashed else 1)
    assert (said[-1] == "staff.interrupted") is crashed
