"""Commands from an enrolled WhatsApp number: in by the inbox, out by the outbox."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.staff import StaffDoor
from desk import inbox, members
from models.access import ASSISTANT, OPERATOR
from models.charger import ProcedureRun
from models.inbox import InboxRow
from models.member import MemberIdentityKind
from models.message import Heard
from models.outbox import OutboxItem
from models.ticket import Ticket
from phrases.say import say
from tests.clock import JumpingClock
from tests.staff import Staff

NUMBER = "+94770000009"
OURS = "whatsapp:+94110000000"


class Phone:
    """A dispatcher's phone."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff
        self.office = staff.office
        self.door = StaffDoor(staff.office, staff.wire)
        self.sent = 0

    async def put(self, text: str) -> Heard:
        """Write; nobody has looked at it yet."""
        self.sent += 1
        address = f"whatsapp:{NUMBER}"
        await self.office.put(InboxRow("whatsapp", OURS, f"SM{self.sent}", f"whatsapp:{OURS}:{address}", {"t": text}))
        return Heard("whatsapp", OURS, address, f"SM{self.sent}", "phone", NUMBER, text=text)

    async def handled(self, heard: Heard) -> str:
        """It is looked at; gives the answer's words."""
        [item] = await self.office.run(ASSISTANT, inbox.claim, 1, "w")
        member = await self.office.read(ASSISTANT, members.by_whatsapp, NUMBER)
        assert member is not None
        await self.door.handle(item, heard, member)
        rows = await self.office.read(
            ASSISTANT, lambda work: list(work.session.scalars(select(OutboxItem).order_by(OutboxItem.id)))
        )
        assert rows[-1].dedupe_key == f"staff:{item.id}"
        assert rows[-1].address == f"whatsapp:{NUMBER}"
        return say(rows[-1].code, rows[-1].facts, rows[-1].language)

    async def says(self, text: str) -> str:
        """Write and read the answer."""
        return await self.handled(await self.put(text))


@pytest.fixture
async def phone(staff: Staff) -> Phone:
    """An enrolled number."""
    await staff.office.run(
        OPERATOR,
        lambda work: members.enrol(
            work, members.get(work, "dispatcher@example.org"), MemberIdentityKind.WHATSAPP, NUMBER
        ),
    )
    return Phone(staff)


async def test_a_reboot_is_asked_confirmed_and_started_by_chat(phone: Phone) -> None:
    question = await phone.says("/reboot@OpsBot  100001")
    assert question.startswith("Restart Charger 100001 (100001)?")
    assert "2 minutes" in question
    yes = question[question.index("YES") :]
    assert "Restarting 100001" in await phone.says(yes.lower())
    assert await phone.says(yes) == "Nothing waits for your confirmation."
    [run] = await phone.office.read(ASSISTANT, lambda work: list(work.session.scalars(select(ProcedureRun))))
    assert run.args["door"] == f"whatsapp:{NUMBER}"
    assert run.actor_name == "Dispatcher"


async def test_a_no_drops_the_question(phone: Phone) -> None:
    await phone.says("/clear 100001")
    assert await phone.says("No") == "Dropped. Nothing was done."


async def test_what_lay_in_the_inbox_too_long_is_asked_again(phone: Phone, clock: JumpingClock) -> None:
    heard = await phone.put(f"/note {phone.staff.other_ticket} customer called")
    clock.set(clock.now() + timedelta(minutes=11))
    question = await phone.handled(heard)
    assert "waited too long" in question
    assert "Noted on" in await phone.says(question[question.index("YES") :])


async def test_whatever_else_is_written_opens_no_ticket(phone: Phone) -> None:
    before = await phone.office.read(ASSISTANT, lambda work: len(list(work.session.scalars(select(Ticket.id)))))
    assert "/help" in await phone.says("100001 is on fire")
    after = await phone.office.read(ASSISTANT, lambda work: len(list(work.session.scalars(select(Ticket.id)))))
    assert before == after
