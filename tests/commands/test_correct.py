"""/correct on both engines: what staff say in chat is a label like any other."""

from __future__ import annotations

from sqlalchemy import select

from commands.run import run_text
from models.access import OPERATOR, Role
from models.message import Correction, Message
from models.reading import Category, Urgency
from phrases.say import say
from tests.staff import Staff


async def kept(staff: Staff) -> list[Correction]:
    return await staff.office.read(
        OPERATOR, lambda work: list(work.session.scalars(select(Correction).order_by(Correction.id)))
    )


async def test_a_message_is_corrected_from_chat(staff: Staff) -> None:
    told = await run_text(staff.context(Role.OPS_AGENT), f"/correct {staff.message_id} fault urgent stuck since noon")
    assert told.code == "command.corrected"
    assert "Fault" in say(told.code, told.facts, "en")
    [row] = await kept(staff)
    assert (row.now, row.urgency, row.why, row.by) == (Category.FAULT, Urgency.URGENT, "stuck since noon", "Ops Agent")
    assert row.by_id == f"member:{staff.actors[Role.OPS_AGENT].member_id}"
    message = await staff.office.read(OPERATOR, lambda work: work.session.get_one(Message, staff.message_id))
    assert (message.category, message.urgency) == (Category.FAULT, Urgency.URGENT)
    again = await run_text(staff.context(Role.OPS_AGENT), f"/correct {staff.message_id} fault")
    assert again.code == "command.confirmed_reading"
    assert [one.action for one in await staff.audit()].count("message.corrected") == 2


async def test_what_cannot_be_corrected_is_refused(staff: Staff) -> None:
    for line, code in (
        ("/correct 999999 fault", "message.unknown"),
        (f"/correct {staff.message_id} info safety it burns", "message.danger_is_a_fault"),
    ):
        told = await run_text(staff.context(Role.ADMIN), line)
        assert (told.kind.value, told.code) == ("refused", code)
        assert say(told.code, told.facts, "ta")
    assert await kept(staff) == []
