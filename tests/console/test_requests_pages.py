"""Customer requests by HTTP on both engines: the queue, one request, what is done to it, files, and who may."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from desk import conversations, messages, second_opinions, tickets
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Role
from models.message import Correction, Heard, Media, MediaState, Message, MessageState
from models.outbox import OutboxItem
from models.reading import Category, Entities, Reading, Urgency
from models.second_opinion import Opinion
from models.ticket import Ticket, TicketEvent
from tests.console.front import Front

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
ONCE = re.compile(r'name="once" value="([0-9a-f]+)"')
SEES = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT)


def hear(work: Work, /, number: int, text: str, category: Category, **reading: Any) -> int:
    """Somebody with a number of their own writes, and it is read."""
    heard = Heard(
        channel="whatsapp", account="whatsapp:+94110000000", address=f"whatsapp:+9477000{number:04d}",
        external_id=f"SM{number + 100}", identity_kind="phone", identity=f"+9477000{number:04d}", text=text,
        sender_name=f"Person {number}",
    )  # fmt: skip
    message = conversations.hear(work, number + 100, heard)
    given: dict[str, Any] = {"urgency": Urgency.NORMAL, "needs_review": False, "entities": Entities(), **reading}
    read = Reading(
        category=category, confidence=0.873, summary=f"Summary {number}", language="en", scores={category: 0.873},
        model="m@1", **given,
    )  # fmt: skip
    message.move(MessageState.ANALYSING)
    messages.set_reading(work, message.id, read)
    return message.id


async def one_of(console: Front, number: int = 1, text: str = "the plug is stuck", **reading: Any) -> int:
    return await console.office.run(OPERATOR, hear, number, text, Category.FAULT, **reading)


async def row(console: Front, message_id: int) -> Message:
    return await console.office.read(OPERATOR, lambda work: work.session.get_one(Message, message_id))


async def test_the_queue_shows_who_wrote_what_and_narrows_down(console: Front) -> None:
    stuck = await one_of(console, 1, "the plug is stuck", urgency=Urgency.URGENT)
    await console.office.run(OPERATOR, hear, 2, "where is my refund", Category.BILLING)
    desk = await console.signed_in(Role.DISPATCHER)
    page = await desk.read("/console/requests")
    for part in ("Person 1", "the plug is stuck", "Person 2", "where is my refund", "87 %", "Urgent", "Fault"):
        assert part in page
    assert f'href="/console/requests/{stuck}"' in page
    for query, there, gone in (
        ("q=refun", "where is my refund", "plug is stuck"), ("category=fault", "plug is stuck", "where is my refund"),
        ("urgency=urgent", "plug is stuck", "where is my refund"), ("state=archived", "Nothing here", "Person 1"),
        ("q=nowhere+to+be+found", "No message fits", "Person 1"), ("channel=web", "No message fits", "Person 1"),
    ):  # fmt: skip
        page = await desk.read(f"/console/requests?{query}")
        assert there in page, query
        assert gone not in page, query
    rows = await desk.get("/console/requests?q=stuck", **{"hx-request": "true", "hx-target": "rows"})
    assert rows.text.lstrip().startswith("<section")
    assert "plug is stuck" in rows.text
    for nonsense in (
        "state=x&category=y&urgency=z&channel=q&language=%00",
        "after=x",
        "after=9999999999999999999",
        "q=%22*",
    ):
        await desk.read(f"/console/requests?{nonsense}")


async def test_an_installer_begins_with_installations_and_may_look_at_all(console: Front) -> None:
    await one_of(console)
    await console.office.run(OPERATOR, hear, 2, "a wallbox please", Category.INSTALL)
    installer = await console.signed_in(Role.INSTALLER)
    first = await installer.read("/console/requests")
    assert "a wallbox please" in first
    assert "plug is stuck" not in first
    assert "plug is stuck" in await installer.read("/console/requests?category=")


async def test_one_request_with_its_talk_its_reading_and_its_writer(console: Front) -> None:
    message_id = await one_of(console)
    desk = await console.signed_in(Role.OPS_AGENT)
    page = await desk.read(f"/console/requests/{message_id}")
    for part in (
        "Person 1",
        "the plug is stuck",
        "Summary 1",
        "Fault",
        "87 %",
        "+94770000001",
        "/tickets/new?message=",
    ):
        assert part in page, part
    assert (await desk.get("/console/requests/999999")).status_code == 404
    assert (await desk.get("/console/requests/0")).status_code == 404
    installer = await console.signed_in(Role.INSTALLER)
    theirs = await installer.read(f"/console/requests/{message_id}")
    assert "+94770000001" not in theirs.replace("whatsapp:+94770000001", "")
    assert "/console/contacts/" not in theirs


async def test_what_another_brain_suggests_stands_beside_our_own_reading(console: Front) -> None:
    message_id = await one_of(console, needs_review=True)
    desk = await console.signed_in(Role.OPS_AGENT)
    assert "Second opinion" not in await desk.read(f"/console/requests/{message_id}")
    await console.office.run(ASSISTANT, second_opinions.claim, 5, "gpt-x")
    assert "Second opinion" not in await desk.read(f"/console/requests/{message_id}")
    said = Opinion(Category.RFID, Category.BILLING, "<b>The card</b> was & is refused.")
    await console.office.run(ASSISTANT, second_opinions.given, message_id, said, latency_ms=7)
    answer = await desk.get(f"/console/requests/{message_id}")
    assert "&lt;b&gt;The card&lt;/b&gt; was &amp; is refused." in answer.text
    page = await desk.read(f"/console/requests/{message_id}")
    for part in ("Second opinion", "Charging card", "Billing", "A suggestion by gpt-x. A person decides.", "87 %"):
        assert part in page, part
    assert (await row(console, message_id)).category is Category.FAULT


async def test_a_correction_changes_the_message_and_is_kept(console: Front) -> None:
    message_id = await one_of(console)
    desk = await console.signed_in(Role.MANAGER)
    answer = await desk.post(f"/console/requests/{message_id}/category", category="rfid", why="it was the card")
    assert answer.status_code == 303
    assert (await row(console, message_id)).category is Category.RFID
    kept = await console.office.read(OPERATOR, lambda work: work.session.scalars(select(Correction)).one())
    assert (kept.was, kept.now, kept.why) == (Category.FAULT, Category.RFID, "it was the card")
    page = await desk.read(answer.headers["location"])
    assert "it was the card" in page
    assert "Corrected" in page
    assert (await desk.post(f"/console/requests/{message_id}/category", category="coffee")).status_code == 422


async def test_a_form_that_is_sent_twice_is_said_once(console: Front) -> None:
    message_id = await one_of(console)
    desk = await console.signed_in(Role.OPS_AGENT)
    once = ONCE.search(await desk.read(f"/console/requests/{message_id}"))
    assert once is not None
    for _ in range(2):
        answer = await desk.post(f"/console/requests/{message_id}/reply", text="  We are coming.  ", once=once[1])
        assert answer.status_code == 303
    spoken = select(OutboxItem.text).where(OutboxItem.code == "reply.by_member")
    said = await console.office.read(OPERATOR, lambda work: work.session.scalars(spoken).all())
    assert list(said) == ["We are coming."]
    assert (await row(console, message_id)).state is MessageState.REPLIED
    assert "We are coming." in await desk.read(f"/console/requests/{message_id}")
    assert (await desk.post(f"/console/requests/{message_id}/reply", text=" ", once="ab")).status_code == 422
    assert (await desk.post(f"/console/requests/{message_id}/reply", text="x" * 4_001, once="ab")).status_code == 422


async def test_a_request_goes_to_a_ticket_and_into_the_archive(console: Front) -> None:
    message_id = await one_of(console)
    contact_id = (await row(console, message_id)).contact_id
    opened = await console.office.run(
        OPERATOR, tickets.open_ticket, category=Category.FAULT, summary="Stuck", contact_id=contact_id
    )
    own = opened.ref
    desk = await console.signed_in(Role.DISPATCHER)
    assert own in await desk.read(f"/console/requests/{message_id}")
    assert (await desk.post(f"/console/requests/{message_id}/attach", ref="TKT-999999")).status_code == 404
    for _ in range(2):
        assert (await desk.post(f"/console/requests/{message_id}/attach", ref=own)).status_code == 303
    notes = await console.office.read(
        OPERATOR, lambda work: work.session.scalar(select(func.count()).where(TicketEvent.kind == "customer"))
    )
    assert notes == 1
    ticket_id = (await row(console, message_id)).ticket_id
    assert ticket_id is not None
    assert (await console.office.read(OPERATOR, lambda work: work.session.get_one(Ticket, ticket_id))).ref == own
    other = console.staff.other_ticket
    assert (await desk.post(f"/console/requests/{message_id}/attach", ref=other)).status_code == 303
    assert (await desk.post(f"/console/requests/{message_id}/archive")).status_code == 303
    assert (await row(console, message_id)).state is MessageState.ARCHIVED


async def test_an_earlier_stretch_of_a_long_talk(console: Front) -> None:
    message_id = await one_of(console, 1, "word 0")

    def heard_again(work: Work) -> int:
        first = work.session.get_one(Message, message_id)
        for number in range(1, 80):
            work.session.add(
                Message(
                    conversation_id=first.conversation_id, contact_id=first.contact_id, direction=first.direction,
                    channel="whatsapp", sender=first.sender, text=f"word {number}.", state=MessageState.REPLIED,
                    received_at=work.now,
                )
            )  # fmt: skip
        work.session.flush()
        return work.session.scalars(select(func.max(Message.id))).one()

    last = await console.office.run(OPERATOR, heard_again)
    desk = await console.signed_in(Role.ADMIN)
    page = await desk.read(f"/console/requests/{last}")
    assert "word 79." in page
    assert "word 20." not in page
    seen, older = page, re.search(r"talk\?before=(\d+)", page)
    for _ in range(5):
        if older is None:
            break
        part = await desk.get(f"/console/requests/{last}/talk?before={older[1]}", **{"hx-request": "true"})
        assert part.status_code == 200
        seen, older = seen + part.text, re.search(r"talk\?before=(\d+)", part.text)
    assert all(f"word {number}." in seen for number in range(1, 80))
    assert "The talk went on" in await desk.read(f"/console/requests/{message_id}")


# Files ----------------------------------------------------------------------------------------------------------


async def stored(console: Front, message_id: int, name: str, data: bytes, content_type: str) -> int:
    def keep(work: Work) -> int:
        folder = Path(work.house.media_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        item = Media(
            message_id=message_id, channel="whatsapp", url="x", content_type=content_type, path=name, size=len(data),
            state=MediaState.STORED, due_at=work.now,
        )  # fmt: skip
        work.session.add(item)
        work.session.flush()
        return item.id

    return await console.office.run(OPERATOR, keep)


async def test_a_file_is_shown_in_a_box_from_which_nothing_gets_out(console: Front) -> None:
    message_id = await one_of(console)
    photo = await stored(console, message_id, "a.png", PNG, "image/png")
    paper = await stored(console, message_id, "a.pdf", b"%PDF-1.7", "application/pdf")
    desk = await console.signed_in(Role.OPS_AGENT)
    assert f'src="/console/media/{photo}"' in await desk.read(f"/console/requests/{message_id}")
    answer = await desk.get(f"/console/media/{photo}")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("inline")
    assert (await desk.get(f"/console/media/{paper}")).headers["content-disposition"].startswith("attachment")
    part = await desk.get(f"/console/media/{photo}", range="bytes=0-3")
    assert (part.status_code, part.content) == (206, PNG[:4])


async def test_no_file_outside_the_folder_and_none_for_strangers(console: Front) -> None:
    message_id = await one_of(console)
    photo = await stored(console, message_id, "a.png", PNG, "image/png")
    secret = await stored(console, message_id, "../secret.key", b"secret", "image/png")
    desk = await console.signed_in(Role.OPS_AGENT)
    for missing in (secret, 999_999):
        assert (await desk.get(f"/console/media/{missing}")).status_code == 404
    os.unlink(f"{console.office.house.media_dir}/a.png")
    assert (await desk.get(f"/console/media/{photo}")).status_code == 404
    cpo = await console.signed_in(Role.CPO)
    assert (await cpo.get(f"/console/media/{photo}")).status_code == 403
    assert (await console.window().get(f"/console/media/{photo}")).status_code in (302, 303)


# Who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_do_what(console: Front, role: Role) -> None:
    message_id = await one_of(console)
    member = await console.signed_in(role)
    sees = role is not Role.CPO
    assert (await member.get("/console/requests")).status_code == (200 if sees else 403)
    assert (await member.get(f"/console/requests/{message_id}")).status_code == (200 if sees else 403)
    answer = await member.post(f"/console/requests/{message_id}/category", category="info", why="")
    assert answer.status_code == (303 if sees else 403)
    answer = await member.post(f"/console/requests/{message_id}/reply", text="Hello", once="abc")
    assert answer.status_code == (303 if sees else 403)
    answer = await member.post(f"/console/requests/{message_id}/attach", ref=console.staff.other_ticket)
    assert answer.status_code == (303 if role in SEES else 403)
    answer = await member.post(f"/console/requests/{message_id}/archive")
    assert answer.status_code == (303 if sees else 403)
