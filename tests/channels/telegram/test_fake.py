"""The fake Telegram is driven by both libraries, unmodified, and refuses in Telegram's words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import telegram
from aiogram import Bot as TeamBot
from aiogram import exceptions as team_errors
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    ReplyParameters,
)
from telegram import error
from telegram.request import HTTPXRequest

from tests.fakes.telegram import FakeBot, FakeTelegram
from tests.fakes.telegram_faults import (
    broken_response,
    dropped_request,
    gateway_error,
    lost_response,
    rate_limited,
)

TOKEN = "7001:AAfakefakefakefakefakefakefakefakefak"
TEAM_TOKEN = "7002:AAfakefakefakefakefakefakefakefakefak"


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    """A Telegram with a bot for each library."""
    async with FakeTelegram() as fake:
        fake.bot(TOKEN, "DriversBot")
        fake.bot(TEAM_TOKEN, "TeamBot")
        yield fake


@pytest.fixture
def drivers(fake: FakeTelegram) -> FakeBot:
    return fake.bots[TOKEN]


@pytest.fixture
def team(fake: FakeTelegram) -> FakeBot:
    return fake.bots[TEAM_TOKEN]


@pytest.fixture
async def ptb(fake: FakeTelegram) -> AsyncIterator[telegram.Bot]:
    """python-telegram-bot's client."""
    bot = telegram.Bot(
        TOKEN, base_url=f"{fake.api_url}/bot", base_file_url=f"{fake.api_url}/file/bot",
        request=HTTPXRequest(read_timeout=2.0, httpx_kwargs={"trust_env": False}),
        get_updates_request=HTTPXRequest(read_timeout=2.0, httpx_kwargs={"trust_env": False}),
    )  # fmt: skip
    async with bot:
        yield bot


@pytest.fixture
async def aio(fake: FakeTelegram) -> AsyncIterator[TeamBot]:
    """aiogram's client."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(fake.api_url))
    bot = TeamBot(TEAM_TOKEN, session=session)
    yield bot
    await session.close()


async def test_a_talk_with_python_telegram_bot(fake: FakeTelegram, drivers: FakeBot, ptb: telegram.Bot) -> None:
    amal = fake.user("Amal", language="si", phone="+94771234567")
    chat = fake.private(amal, drivers)
    with pytest.raises(error.Forbidden, match="initiate conversation"):
        await ptb.send_message(amal.id, "hello")
    fake.starts(amal, drivers, "c_100003")
    fake.sends(amal, "photo", b"\xff\xd8\xff" + b"0" * 100, chat, caption="look")
    fake.shares(amal, 6.9, 79.8, chat)
    fake.shares_contact(amal, chat)
    first, photo, place, card = await ptb.get_updates(timeout=5, allowed_updates=["message", "callback_query"])
    assert first.message
    assert first.message.text == "/start c_100003"
    assert first.message.entities[0].type == "bot_command"
    assert photo.message
    assert photo.message.caption == "look"
    assert place.message
    assert place.message.location
    assert card.message
    assert card.message.contact
    assert card.message.contact.user_id == amal.id
    assert len(await ptb.get_updates(offset=photo.update_id, timeout=0)) == 3

    file = await ptb.get_file(photo.message.photo[-1].file_id)
    assert bytes(await file.download_as_bytearray()).startswith(b"\xff\xd8\xff")
    keys = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Go", callback_data="go:1")]])
    sent = await ptb.send_message(
        amal.id, "<b>Hello</b> &lt;you&gt;", parse_mode="HTML", reply_markup=keys,
        reply_parameters=telegram.ReplyParameters(first.message.message_id),
    )  # fmt: skip
    assert chat.from_bots[-1].text == "Hello <you>"
    press = fake.presses(amal, chat.from_bots[-1], "Go")
    [pressed] = await ptb.get_updates(offset=card.update_id + 1, timeout=5)
    assert pressed.callback_query
    assert pressed.callback_query.data == "go:1"
    await pressed.callback_query.answer("Right", show_alert=True)
    assert press.text == "Right"
    assert press.alert
    await ptb.edit_message_text("Bye", amal.id, sent.message_id)
    assert [chat.from_bots[-1].text, *chat.from_bots[-1].edits] == ["Bye", "Hello <you>"]
    with pytest.raises(error.BadRequest, match="not modified"):
        await ptb.edit_message_text("Bye", amal.id, sent.message_id)
    await ptb.send_document(amal.id, b"one\ntwo", filename="log.txt", caption="here")
    assert (chat.from_bots[-1].file, chat.from_bots[-1].file_name) == (b"one\ntwo", "log.txt")
    assert await ptb.set_my_commands([("help", "Help")], language_code="si")
    assert drivers.menus["default:si"][0]["command"] == "help"
    await ptb.send_chat_action(amal.id, "typing")
    assert not fake.complaints


async def test_a_group_with_aiogram(fake: FakeTelegram, team: FakeBot, aio: TeamBot) -> None:
    tara, nimal, guest = fake.user("Tara"), fake.user("Nimal"), fake.user("Guest")
    group = fake.group("Ops", nimal, team, admins=(tara,), forum=True)
    topic = fake.topic(group, "Liberty Plaza")
    fake.says(nimal, "only among us", group)
    fake.says(nimal, "/status 100001", group, topic=topic)
    fake.says(tara, "/status@TeamBot", group, anonymous=True)
    heard, hidden = await aio.get_updates(timeout=5)
    assert heard.message
    assert heard.message.message_thread_id == topic
    assert hidden.message
    assert hidden.message.sender_chat
    assert hidden.message.from_user
    assert hidden.message.from_user.id == 1087968824
    button = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Take", callback_data="c1.x")]])
    sent = await aio.send_message(
        group.id, "<b>TKT-1</b>", parse_mode="HTML", message_thread_id=topic, reply_markup=button,
        reply_parameters=ReplyParameters(message_id=heard.message.message_id),
    )  # fmt: skip
    fake.says(nimal, "on my way", group, reply_to=group.find(sent.message_id), topic=topic)
    press = fake.presses(tara, group.from_bots[-1], "Take")
    reply, pressed = await aio.get_updates(offset=hidden.update_id + 1, timeout=5)
    assert reply.message
    assert reply.message.reply_to_message
    assert pressed.callback_query
    await aio.answer_callback_query(pressed.callback_query.id, text="No", show_alert=True)
    assert press.alert
    await aio.edit_message_text("<b>TKT-1</b> taken", chat_id=group.id, message_id=sent.message_id, parse_mode="HTML")
    await aio.send_document(group.id, BufferedInputFile(b"frames", "log.txt"), message_thread_id=topic)
    assert (group.from_bots[-1].file, group.from_bots[-1].topic) == (b"frames", topic)
    commands = [BotCommand(command="status", description="State")]
    await aio.set_my_commands(commands, scope=BotCommandScopeChat(chat_id=group.id), language_code="ta")
    assert team.menus[f"chat:{group.id}:ta"]
    assert (await aio.get_chat_member(group.id, tara.id)).status == "creator"
    assert (await aio.get_chat_member(group.id, guest.id)).status == "left"
    assert (await aio.get_chat(group.id)).title == "Ops"
    assert len(await aio.get_chat_administrators(group.id)) == 1
    moved = fake.upgrade(group, tara)
    with pytest.raises(team_errors.TelegramMigrateToChat) as migrated:
        await aio.send_message(group.id, "hello")
    assert migrated.value.migrate_to_chat_id == moved.id
    fake.leaves(team, moved, "kicked")
    with pytest.raises(team_errors.TelegramForbiddenError, match="kicked"):
        await aio.send_message(moved.id, "hello")
    assert not fake.complaints


async def test_refusals_and_complaints(fake: FakeTelegram, drivers: FakeBot, ptb: telegram.Bot) -> None:
    amal = fake.user("Amal")
    fake.starts(amal, drivers)
    for text, mode, words in (
        ("x" * 4097, None, "(?i)too long"),
        ("  ", None, "empty"),
        ("<b>half", "HTML", "(?i)can't parse entities"),
        ("<x>no</x>", "HTML", "(?i)unsupported start tag"),
        ("<b><i>no</b></i>", "HTML", "(?i)unmatched end tag"),
    ):
        with pytest.raises(error.BadRequest, match=words):
            await ptb.send_message(amal.id, text, parse_mode=mode)
    keys = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Go", callback_data="ය" * 22)]])
    with pytest.raises(error.BadRequest, match=r"(?i)BUTTON_DATA_INVALID"):
        await ptb.send_message(amal.id, "hi", reply_markup=keys)
    assert len(fake.complaints) == 6
    with pytest.raises(error.BadRequest, match=r"(?i)message to edit not found"):
        await ptb.edit_message_text("x", amal.id, 999)
    with pytest.raises(error.BadRequest, match=r"(?i)chat not found"):
        await ptb.send_message(4242, "x")
    fake.blocks(amal, drivers)
    with pytest.raises(error.Forbidden, match="blocked by the user"):
        await ptb.send_message(amal.id, "x")
    fake.inject(rate_limited(7))
    with pytest.raises(error.RetryAfter):
        await ptb.send_message(amal.id, "x")
    assert len(fake.complaints) == 6
    drivers.revoked = True
    with pytest.raises(error.InvalidToken):
        await ptb.send_message(amal.id, "x")


async def test_lines_that_break(fake: FakeTelegram, drivers: FakeBot, ptb: telegram.Bot) -> None:
    amal = fake.user("Amal")
    fake.starts(amal, drivers)
    chat = fake.private(amal, drivers)
    for fault, arrives in ((lost_response(), 1), (broken_response(), 1), (dropped_request(), 0)):
        before = len(chat.from_bots)
        fake.inject(fault)
        with pytest.raises(error.NetworkError):
            await ptb.send_message(amal.id, "x")
        assert len(chat.from_bots) - before == arrives
    fake.inject(gateway_error(504, html=True))
    with pytest.raises(error.NetworkError):
        await ptb.send_message(amal.id, "x")


async def test_two_pollers_and_a_webhook_exclude_each_other(fake: FakeTelegram, ptb: telegram.Bot) -> None:
    first = asyncio.create_task(ptb.get_updates(timeout=20))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(ptb.get_updates(timeout=0))
    with pytest.raises(error.Conflict, match="other getUpdates"):
        await first
    assert await second == ()
    await ptb.set_webhook("https://desk.example/hook", secret_token="s3cret")
    with pytest.raises(error.Conflict, match="webhook is active"):
        await ptb.get_updates()


async def test_updates_are_confirmed_repeated_and_reordered(
    fake: FakeTelegram, drivers: FakeBot, ptb: telegram.Bot
) -> None:
    amal = fake.user("Amal")
    chat = fake.private(amal, drivers)
    drivers.duplicate = drivers.reverse = True
    for text in ("one", "two"):
        fake.says(amal, text, chat)
    texts = [update.message.text for update in await ptb.get_updates() if update.message]
    assert texts == ["two", "two", "one", "one"]
    drivers.duplicate = drivers.reverse = False
    fake.edits(chat.messages[0], "uno")
    *_, edited = await ptb.get_updates()
    assert edited.edited_message
    assert edited.edited_message.text == "uno"
    assert await ptb.get_updates(offset=edited.update_id + 1) == ()


async def test_aiogram_meets_trouble(fake: FakeTelegram, team: FakeBot, aio: TeamBot) -> None:
    tara = fake.user("Tara")
    fake.starts(tara, team)
    fake.inject(rate_limited(9))
    with pytest.raises(team_errors.TelegramRetryAfter) as limited:
        await aio.send_message(tara.id, "x")
    assert limited.value.retry_after == 9
    fake.inject(gateway_error(502))
    with pytest.raises(team_errors.TelegramServerError):
        await aio.send_message(tara.id, "x")
    fake.inject(lost_response())
    with pytest.raises(team_errors.TelegramNetworkError):
        await aio.send_message(tara.id, "x")
    team.revoked = True
    with pytest.raises(team_errors.TelegramUnauthorizedError):
        await aio.get_updates()


async def test_rates_are_enforced_when_asked(fake: FakeTelegram, team: FakeBot, aio: TeamBot) -> None:
    fake.enforce_rates = True
    group = fake.group("Ops", team, admins=(fake.user("Tara"),))
    for n in range(20):
        await aio.send_message(group.id, f"{n}")
    with pytest.raises(team_errors.TelegramRetryAfter):
        await aio.send_message(group.id, "one too many")
    assert group.busiest_minute() == 20
