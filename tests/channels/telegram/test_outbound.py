"""What the drivers' bot sends: buttons, keys, files, edits, long texts; and what Telegram's errors mean for a row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channels.telegram.client import TelegramClient
from bot.channels.telegram.files import TelegramFiles
from bot.channels.telegram.outbound import TelegramSender
from bot.channels.telegram.settings import TelegramSettings
from bot.media_download import FetchError
from models.outbox import Accepted, Moved, OutcomeUnknown, Parcel, Refused, RetryLater
from models.reply import Extra
from tests.clock import START, JumpingClock
from tests.fakes.telegram import FakeBot, FakeChat, FakeTelegram
from tests.fakes.telegram_faults import gateway_error, lost_response, rate_limited, refused, unauthorized

TOKEN = "7001:AAfakefakefakefakefakefakefakefakefak"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 64


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake


@pytest.fixture
def bot(fake: FakeTelegram) -> FakeBot:
    return fake.bot(TOKEN, "ChargehandBot")


@pytest.fixture
def chat(fake: FakeTelegram, bot: FakeBot) -> FakeChat:
    amal = fake.user("Amal", phone="+94771234567")
    fake.starts(amal, bot)
    return fake.private(amal, bot)


@pytest.fixture
async def client(fake: FakeTelegram, bot: FakeBot) -> AsyncIterator[TelegramClient]:
    client = TelegramClient(TelegramSettings(TOKEN, fake.api_url), timeout_s=2)
    yield client
    await client.close()


@pytest.fixture
def sender(client: TelegramClient, tmp_path: Path) -> TelegramSender:
    return TelegramSender(client, JumpingClock(), timezone="Asia/Colombo", media_dir=tmp_path)


def parcel(chat: FakeChat, **changes: Any) -> Parcel:
    """Something to be said in a chat."""
    given: dict[str, Any] = {
        "id": 1, "lane": "lane", "channel": "telegram", "account": "7001", "address": str(chat.id), "intent": "reply",
        "code": "talk.ok", "facts": {}, "choices": [], "text": "Hello", "language": "en", "attempts": 1,
        "repeated": False, "template": False, "lease_seq": 1, "expires_at": None, "conversation_id": 1,
        "window_open": True, "created_at": START, "extra": {},
    }  # fmt: skip
    return Parcel(**{**given, **changes})


def choice(code: str, data: str) -> dict[str, Any]:
    return {"id": data, "code": code, "facts": {}}


async def test_text_is_never_markup(fake: FakeTelegram, chat: FakeChat, sender: TelegramSender) -> None:
    wild = "<b>x</b> & </i> \ud83d 🔌"
    result = await sender.send(parcel(chat, text=wild))
    assert isinstance(result, Accepted)
    assert (result.provider_id, result.status) == (str(chat.from_bots[0].id), "sent")
    assert chat.from_bots[0].text == "<b>x</b> & </i> ? 🔌"
    assert not fake.complaints


async def test_buttons_links_and_long_choices(fake: FakeTelegram, chat: FakeChat, sender: TelegramSender) -> None:
    long = "charger:" + "9" * 70
    result = await sender.send(
        parcel(
            chat, choices=[choice("choice.human", "human"), choice("choice.menu_balance", long)],
            extra={Extra.LINKS: [{"code": "choice.menu_find", "url": "https://desk.example/map"}]},
        )
    )  # fmt: skip
    message = chat.from_bots[0]
    assert list(message.buttons.values()) == ["human", "#2"]
    assert list(message.links.values()) == ["https://desk.example/map"]
    assert isinstance(result, Accepted)
    assert result.menu == {"2": long}
    assert not fake.complaints


async def test_keys_that_share(fake: FakeTelegram, chat: FakeChat, sender: TelegramSender) -> None:
    for wanted, key in (("location", "request_location"), ("phone", "request_contact")):
        await sender.send(parcel(chat, extra={Extra.WANT: wanted}, language="es"))
        assert chat.from_bots[-1].keys[0][key] is True
    await sender.send(parcel(chat, extra={Extra.ASK: True}))
    assert chat.from_bots[-1].markup == {"force_reply": True}
    assert not fake.complaints


async def test_a_long_text_goes_in_parts_and_a_failed_part_alone_again(
    fake: FakeTelegram, chat: FakeChat, sender: TelegramSender
) -> None:
    text = "🔌 charge & <go>\n" * 600
    fake.inject(gateway_error(502), 0)
    first = chat.messages[0]
    long = parcel(chat, text=text, choices=[choice("choice.human", "human")], extra={Extra.REPLY_TO: str(first.id)})
    assert isinstance(await sender.send(long), Accepted)
    sent = chat.from_bots
    assert len(sent) == 3
    assert [bool(message.buttons) for message in sent] == [False, False, True]
    assert [message.reply_to for message in sent] == [first.id, None, None]
    assert "\n".join(message.text for message in sent) == text.strip()
    assert not fake.complaints


async def test_a_part_that_was_taken_is_not_sent_again(
    fake: FakeTelegram, chat: FakeChat, sender: TelegramSender
) -> None:
    long = parcel(chat, text="word " * 1500)
    bot = chat.bots[0]
    # The first part arrives; the second is put off.
    fake.inject(rate_limited(5))
    assert isinstance(await sender.send(long), RetryLater)
    assert not chat.from_bots
    sent = sender.send(long)
    assert isinstance(await sent, Accepted)
    assert len(chat.from_bots) == 2
    assert bot.revoked is False


async def test_files_go_along(fake: FakeTelegram, chat: FakeChat, sender: TelegramSender, tmp_path: Path) -> None:
    await sender.send(parcel(chat, extra={Extra.DOCUMENT: {"name": "log.txt", "text": "a\nb"}}))
    assert (chat.from_bots[-1].file, chat.from_bots[-1].file_name) == (b"a\nb", "log.txt")
    assert chat.from_bots[-1].text == "Hello"
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "c.jpg").write_bytes(JPEG)
    photo = {"path": "ab/c.jpg", "content_type": "image/jpeg"}
    await sender.send(parcel(chat, extra={Extra.MEDIA: photo}))
    assert (chat.from_bots[-1].kind, chat.from_bots[-1].file) == ("photo", JPEG)
    await sender.send(parcel(chat, text="x " * 600, extra={Extra.MEDIA: photo}))
    assert [message.kind for message in chat.from_bots[-2:]] == ["text", "photo"]
    outside = await sender.send(parcel(chat, extra={Extra.MEDIA: {"path": "../x", "content_type": "image/jpeg"}}))
    assert isinstance(outside, Refused)
    assert not fake.complaints


async def test_an_edit_in_place(fake: FakeTelegram, chat: FakeChat, sender: TelegramSender) -> None:
    first = await sender.send(parcel(chat))
    assert isinstance(first, Accepted)
    changed = parcel(chat, text="Bye", extra={Extra.EDIT: first.provider_id})
    for _ in range(2):  # the second changes nothing, and that is well
        result = await sender.send(changed)
        assert isinstance(result, Accepted)
        assert result.provider_id == first.provider_id
    assert [message.text for message in chat.from_bots] == ["Bye"]
    chat.from_bots[0].deleted = True
    result = await sender.send(changed)
    assert isinstance(result, Accepted)
    assert result.provider_id != first.provider_id
    fake.inject(lost_response())
    assert isinstance(await sender.send(parcel(chat, text="More", extra={Extra.EDIT: result.provider_id})), RetryLater)


async def test_what_errors_mean(fake: FakeTelegram, chat: FakeChat, sender: TelegramSender) -> None:
    fake.inject(rate_limited(17))
    later = await sender.send(parcel(chat))
    assert isinstance(later, RetryLater)
    assert 17 <= later.after_s <= 18.1
    assert later.pause_account
    for fault, dead in (
        (refused(403, "Forbidden: bot was blocked by the user"), True),
        (refused(400, "Bad Request: chat not found"), True),
        (refused(400, "Bad Request: something new"), False),
    ):
        fake.inject(fault)
        result = await sender.send(parcel(chat))
        assert isinstance(result, Refused)
        assert result.address_dead is dead
    fake.inject(refused(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001))
    assert await sender.send(parcel(chat)) == Moved("-1001")
    fake.inject(unauthorized("sendMessage"))
    revoked = await sender.send(parcel(chat))
    assert isinstance(revoked, RetryLater)
    assert revoked.pause_account
    for fault in (lost_response(), gateway_error(502), gateway_error(504, html=True)):
        fake.inject(fault)
        assert isinstance(await sender.send(parcel(chat)), OutcomeUnknown)
    await fake.go_away()
    away = await sender.send(parcel(chat))
    assert isinstance(away, RetryLater)
    assert not away.pause_account


async def test_what_is_of_no_use_is_not_sent(chat: FakeChat, sender: TelegramSender) -> None:
    for changes in ({"expires_at": START - timedelta(seconds=1)}, {"text": " "}, {"text": None, "code": "no.such"}):
        assert isinstance(await sender.send(parcel(chat, **changes)), Refused)
    assert not chat.from_bots


async def test_files_within_limits_and_without_the_token(
    fake: FakeTelegram, chat: FakeChat, client: TelegramClient
) -> None:
    files = TelegramFiles(client)
    good = fake.keep_file(JPEG, "photo")["file_id"]
    assert (await files.fetch(f"telegram:{good}")).content_type == "image/jpeg"
    large = fake.keep_file(JPEG, "photo")["file_id"]
    fake.files[large] = (fake.files[large][0], JPEG, 21 * 1024 * 1024)
    bad = fake.keep_file(b"MZ" + b"0" * 100, "document")["file_id"]
    for address in (f"telegram:{large}", f"telegram:{bad}", "telegram:nothing", "https://evil.example/x"):
        with pytest.raises(FetchError) as refusal:
            await files.fetch(address)
        assert refusal.value.for_good
    fake.inject(gateway_error(502, "getFile"))
    with pytest.raises(FetchError) as later:
        await files.fetch(f"telegram:{good}")
    assert not later.value.for_good
    assert "AAfake" not in str(later.value)


async def test_no_file_of_our_own_is_read_whatever_telegram_calls_its_path(
    fake: FakeTelegram, client: TelegramClient, tmp_path: Path
) -> None:
    ours = tmp_path / "ours.jpg"
    ours.write_bytes(JPEG)
    key = fake.keep_file(JPEG, "photo")["file_id"]
    for path in (str(ours), ""):
        fake.files[key] = (path, JPEG, len(JPEG))
        with pytest.raises(FetchError):
            await TelegramFiles(client).fetch(f"telegram:{key}")


def test_the_token_is_not_shown(client: TelegramClient) -> None:
    assert "AAfake" not in repr(TelegramSettings(TOKEN, webhook=("https://x.example", "s3cr3t")))
    assert "s3cr3t" not in repr(TelegramSettings(TOKEN, webhook=("https://x.example", "s3cr3t")))
