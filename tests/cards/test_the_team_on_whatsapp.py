"""Stories: what phones of the team hear of tickets, and what they press; files that go out by a link."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from sqlalchemy import select

from desk import chargers, outbox, tickets
from desk.work import Work
from models.access import ASSISTANT, OPERATOR
from models.conversation import Conversation
from models.reading import Category
from models.reply import Extra, Reply
from models.ticket import Priority
from tests.world import PUBLIC_URL, World, world

TARA, RUWAN, ANA = "+94770000001", "+94770000002", "+94771234567"


async def _ticket(here: World, summary: str = "Red light") -> None:
    await here.app.office.run(
        ASSISTANT, tickets.open_ticket, category=Category.FAULT, summary=summary, priority=Priority.CRITICAL
    )


async def test_a_serious_ticket_is_taken_by_a_press(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(name="Tara", number=TARA)
        ruwan = await here.member(name="Ruwan", number=RUWAN)
        await _ticket(here)
        heard = await tara.hears("New ticket TKT-000001", "critical", passing_s=90)
        assert list(heard.buttons) == ["Take", "Snooze 1 h", "Seen"]
        await tara.presses("Take")
        await tara.hears("TKT-000001 is yours")

        copied = await ruwan.hears("New ticket TKT-000001", passing_s=90)
        await ruwan.presses("Take")
        await ruwan.hears("TKT-000001", "Tara")
        await ruwan.says("Take", MessageType="button", ButtonText="Take", ButtonPayload=heard.buttons["Take"])
        await ruwan.hears("This button does not belong here")
        assert copied.buttons["Take"] != heard.buttons["Take"]

        await tara.says("/resolve TKT-000001 Changed the fuse")
        await tara.hears("TKT-000001 is resolved")
        await ruwan.hears("TKT-000001 is resolved by Tara: Changed the fuse")


async def test_outside_the_window_the_template_has_words_and_buttons(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "approved.json"
    path.write_text("{}")
    async with world(database_url, tmp_path, TWILIO_TEMPLATES=str(path)) as here:
        sid = here.twilio.approve("Ticket {{1}}, {{2}} priority: {{3}} Please answer.")
        here.twilio.template_buttons[sid] = {"Mine": "{{4}}", "Later": "{{5}}", "I saw it": "{{6}}"}
        template = {"sid": sid, "variables": ["ref", "priority", "summary"], "buttons": True}
        path.write_text(json.dumps({"alert": {"en": template}}))

        tara = await here.member(name="Tara", number=TARA, wrote_before=False)
        await _ticket(here, "Red\nlight")
        heard = await tara.hears("Ticket TKT-000001, critical priority: Red light Please answer.", passing_s=90)
        assert list(heard.buttons) == ["Mine", "Later", "I saw it"]
        await tara.presses("Mine")
        await tara.hears("TKT-000001 is yours")


async def test_a_dangerous_command_is_confirmed_by_a_press(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(name="Tara", number=TARA)
        charger = await here.charger("100001")
        await tara.says("/reboot 100001")
        asked = await tara.hears("100001", "YES")
        yes, no = asked.buttons
        await tara.presses(no)
        await tara.hears("Nothing was done")
        assert "Reset" not in [action for action, _ in charger.orders]

        await tara.says("/reboot 100001")
        await tara.hears("100001", "YES")
        await tara.presses(yes)
        await tara.hears("100001")
        await tara.hears("100001", passing_s=900)
        assert "Reset" in [action for action, _ in charger.orders]


async def test_a_log_shows_its_end_and_a_link_to_the_whole(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        tara = await here.member(name="Tara", number=TARA)
        await here.charger("100001")
        await here.until(lambda work: chargers.frames(work, "100001", limit=1, after=None))
        await tara.says("/log 100001 50")
        heard = await tara.hears("100001", f"{PUBLIC_URL}/files/")
        token = heard.body.rpartition("/files/")[2].strip()
        async with httpx.AsyncClient(base_url=here.http, trust_env=False) as browser:
            answer = await browser.get(f"/files/{token}")
            assert answer.status_code == 200
            assert "BootNotification" in answer.text
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "private, no-store"
            for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "A", "x", "%2e%2e%2fetc%2fpasswd"):
                assert (await browser.get(f"/files/{wrong}")).status_code == 404
            assert (await browser.get("/files/")).status_code == 404
            assert (await browser.post(f"/files/{token}")).status_code == 405
            here.clock.leap(16 * 60)
            assert (await browser.get(f"/files/{token}")).status_code == 404


async def test_a_picture_reaches_a_customer_with_its_words(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as here:
        ana = here.driver(ANA)
        await ana.says("hello")
        await ana.hears()
        _keep(Path(here.app.house.media_dir), "where.jpg", b"\xff\xd8\xff a picture")
        _keep(Path(here.app.house.media_dir), "bill.pdf", b"%PDF-1.7 a bill")

        await here.app.office.run(OPERATOR, _send, "Here it is", "where.jpg", "image/jpeg")
        heard = await ana.hears("Here it is")
        [(url, kind, content)] = heard.media
        assert url.startswith(f"{PUBLIC_URL}/files/")
        assert (kind, content) == ("image/jpeg", b"\xff\xd8\xff a picture")

        await here.app.office.run(OPERATOR, _send, "Your bill", "bill.pdf", "application/pdf")
        assert (await ana.hears("Your bill")).media == []
        [(_, kind, content)] = (await ana.hears()).media
        assert (kind, content) == ("application/pdf", b"%PDF-1.7 a bill")


def _keep(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def _send(work: Work, text: str, path: str, content_type: str) -> None:
    conversation = work.session.scalars(select(Conversation)).one()
    media = {"path": path, "content_type": content_type, "name": path}
    reply = Reply("reply.by_member", {"text": text}, text=text, extra={Extra.MEDIA: media})
    outbox.say(work, conversation, reply, key=f"media:{path}")
