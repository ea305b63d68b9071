"""Drivers on Telegram: a fault healed, the way to a charger, an account by a number, languages, blocks, edits."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from desk.work import Work
from models.access import OPERATOR, Role
from models.audit import AuditRow
from models.charger import Site
from models.contact import ContactIdentity, IdentityKind
from models.message import Media, MediaState, Message, MessageKind
from models.outbox import OutboxItem, OutboxState
from models.ticket import Ticket
from tests.world import World, world

ANA = "+94771234567"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 200


async def test_a_fault_named_on_telegram_is_healed(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        await here.charger("100003", scenario="transient_fault")
        amal = here.telegram_driver()
        amal.starts()
        hello = await amal.hears("Hello Amal!")
        assert "Charger problem" in hello.buttons
        amal.says("charger 100003 is not starting, red light")
        await amal.hears("100003", "InternalError")
        await amal.hears("100003", "ready again", passing_s=200)
        assert (amal.user.id, "typing") in here.bot().actions
        menus = here.bot().menus
        assert {command["command"] for command in menus["all_private_chats"]} >= {"help", "human", "language"}
        assert {name.rpartition(":")[2] for name in menus} == {"all_private_chats", "si", "ta", "es"}


async def test_the_code_on_a_charger_tells_which_one_it_is(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        await here.charger("100003", scenario="transient_fault")
        amal, nila = here.telegram_driver(), here.telegram_driver("Nila", language="ta")
        amal.starts("c_100003")
        hello = await amal.hears("100003", "Liberty Plaza", "cannot charge")
        assert hello.buttons["It does not work"] == "charger:100003"
        amal.says("it does not start")
        await amal.hears("100003", "InternalError")
        await amal.hears("100003", "ready again", passing_s=200)
        nila.starts("c_100003")
        told = await nila.hears("100003")
        press = nila.presses(next(iter(told.buttons)))
        await nila.hears("100003")
        await here.quiet()
        assert press.answer == {"text": "", "show_alert": False}
        for payload in ("c_999999", "c_", "x" * 64, "c_100003_or_1", "-"):
            nila.starts(payload)
            await nila.hears("வணக்கம் Nila")


async def test_the_nearest_charger_by_a_shared_location(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        await _two_sites(here)
        amal = here.telegram_driver()
        amal.says("/near")
        asked = await amal.hears("location")
        assert asked.keys == [{"text": "Send my location", "request_location": True}]
        amal.shares(6.90, 79.86)
        told = await amal.hears("Liberty Plaza", "1 of 1 free", "Lake Road", "0 of 1 free")
        assert told.text.index("Liberty Plaza") < told.text.index("Lake Road")


async def _two_sites(here: World) -> None:
    await here.charger("100001", site="Liberty Plaza")
    await here.charger("100004", scenario="hard_fault", site="Lake Road")
    places = {"Liberty Plaza": (6.9113, 79.8516), "Lake Road": (7.2926, 80.6376)}

    def place(work: Work) -> None:
        for site in work.session.scalars(select(Site)):
            site.latitude, site.longitude = places[site.name]

    await here.app.office.run(OPERATOR, place)


async def test_a_shared_number_shows_its_account_until_it_is_taken_back(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        await here.customer(ANA, name="Ana Perera", rupees=4850)
        ana, other = here.telegram_driver("Ana", phone=ANA), here.telegram_driver("Bandu", phone="+94719998887")
        ana.says("what is my balance?")
        asked = await ana.hears("share your phone number", "/forget")
        assert asked.keys == [{"text": "Share my phone number", "request_contact": True}]
        other.says("what is my balance?")
        await other.hears("share your phone number")
        other.shares_contact(of=ana.user)
        await other.hears("not your own contact card")
        other.says("please show me my balance")
        assert "4,850" not in (await other.hears("share your phone number")).text
        ana.shares_contact()
        linked = await ana.hears("linked with", ANA)
        ana.presses("My balance", linked)
        await ana.hears("4,850.00")
        ana.says("/forget")
        await ana.hears("no longer linked")
        ana.says("how much is in my wallet?")
        assert "4,850" not in (await ana.hears("share your phone number")).text
        [audit] = await here.rows(select(AuditRow).where(AuditRow.action == "phone.linked"))
        assert audit.facts["message"]
        assert await here.rows(select(AuditRow).where(AuditRow.action == "phone.unlinked"))


async def test_the_language_that_was_chosen_stays(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        amal = here.telegram_driver(language="si-LK")
        amal.starts()
        await amal.hears("ආයුබෝවන් Amal")
        amal.says("/language")
        asked = await amal.hears()
        assert set(asked.buttons) == {"English", "සිංහල", "தமிழ்", "Español"}
        amal.presses("Español")
        await amal.hears("Español")
        await here.restart()
        amal.says("good morning")
        await amal.hears("¡Hola")
        amal.says("/help")
        await amal.hears("cargador")


async def test_a_human_by_command(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        amal = here.telegram_driver()
        amal.says("/human")
        await amal.hears("TKT-000001")


async def test_a_photo_a_voice_and_a_video_are_kept(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        amal = here.telegram_driver()
        amal.sends("photo", JPEG, caption="refund me the 2500 rupees please")
        amal.sends("voice", b"OggS" + b"0" * 100)
        amal.sends("video", b"\x00\x00\x00\x18ftypmp42" + b"0" * 100)
        amal.sends("document", b"MZ" + b"0" * 100, file_name="virus.exe")
        amal.sends("sticker", b"RIFF")
        await amal.hears("TKT-000001")
        for _ in range(3):
            await amal.hears("put it into your ticket TKT-000001")
        await amal.hears("can't read it myself")

        def fetched(work: Work) -> list[Media]:
            media = list(work.session.scalars(select(Media).order_by(Media.id)))
            return media if len(media) == 4 and all(each.state is not MediaState.WAITING for each in media) else []

        media = await here.until(fetched)
        assert [each.content_type for each in media[:3]] == ["image/jpeg", "audio/ogg", "video/mp4"]
        assert [each.state for each in media] == [MediaState.STORED] * 3 + [MediaState.FAILED]
        assert (tmp_path / "media" / media[0].path).read_bytes() == JPEG
        assert here.bot().token not in str([each.error for each in media])


async def test_an_edit_changes_nothing_that_was_done(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        charger = await here.charger("100003", scenario="transient_fault")
        amal = here.telegram_driver()
        written = amal.says("hello there")
        await amal.hears("Hello")
        here.telegram.edits(written, "charger 100003 is not starting, red light")  # type: ignore[union-attr]
        await here.quiet()
        edits = await here.rows(select(Message).where(Message.kind == MessageKind.EDIT))
        assert [edit.text for edit in edits] == ["charger 100003 is not starting, red light"]
        assert not edits[0].needs_review
        assert "Reset" not in [action for action, _ in charger.orders]
        here.telegram.edits(written, "smoke is coming out of charger 100003")  # type: ignore[union-attr]
        await amal.hears("away")
        await amal.hears("switched off")


async def test_somebody_who_blocked_us_is_not_written_to(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        amal.says("hello there")
        await amal.hears("Hello")
        here.telegram.blocks(amal.user, here.bot())
        await here.quiet()
        identity = select(ContactIdentity).where(ContactIdentity.kind == IdentityKind.TELEGRAM_USER)
        [row] = await here.rows(identity)
        assert row.dead_at is not None
        here.telegram.unblocks(amal.user, here.bot())
        amal.chat.blocked = True  # they write, and are gone before we answer
        here.telegram.again(here.bot(), _update(here, amal, "thanks a lot"))
        await here.quiet()
        [row] = await here.rows(identity)
        assert row.dead_at is not None
        [item] = await here.rows(select(OutboxItem).where(OutboxItem.state == OutboxState.DEAD))
        assert item.error_code == "403"
        assert [line["code"] for line in await here.board()] == ["board.not_delivered"]
        amal.chat.blocked = False
        amal.says("good morning")
        await amal.hears("Hello")
        [row] = await here.rows(identity)
        assert row.dead_at is None


def _update(here: World, person: object, text: str) -> dict[str, object]:
    """A message that was on its way before its sender went."""
    bot = here.bot()
    bot.next_update += 1
    chat = person.chat  # type: ignore[attr-defined]
    message = {
        "message_id": 900, "date": int(here.clock.now().timestamp()), "chat": chat.json(),
        "from": person.user.json(), "text": text,  # type: ignore[attr-defined]
    }  # fmt: skip
    return {"update_id": bot.next_update - 1, "message": message}


async def test_groups_channels_and_machines_are_not_answered(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        assert here.telegram is not None
        amal = here.telegram_driver()
        group = here.telegram.group("EV owners", amal.user, here.bot())
        here.telegram.says(amal.user, "/help@ChargehandBot", group)
        here.telegram.says(amal.user, "/human", group, anonymous=True)
        await here.quiet()
        assert not group.from_bots
        assert await here.app.office.read(OPERATOR, _count, Message) == 0


def _count(work: Work, table: type) -> int:
    return work.session.scalar(select(func.count()).select_from(table)) or 0


async def test_long_texts_and_wild_ones_arrive(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path, telegram=True) as here:
        await here.member(Role.OPS_AGENT, name="Tara")
        amal = here.telegram_driver("A <b>mal</b> & co")
        amal.starts()
        await amal.hears("A <b>mal</b> & co")
        amal.says("/human")
        await amal.hears("TKT-000001")
        [ticket] = await here.rows(select(Ticket))
        api = await here.api("Tara")
        async with api:
            words = "<i>Dear & driver</i> 🔌 " * 400
            text = f"/reply {ticket.ref} {words}"
            answer = await api.post("/commands", json={"text": text[:4000]})
        if answer.status_code == 200 and answer.json()["code"] != "command.unknown":
            first = await amal.hears("<i>Dear & driver</i>")
            assert first.html.startswith("&lt;i&gt;")
