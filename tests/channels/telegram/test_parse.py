"""What an update of the drivers' bot says, and what it does not say to us."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.channels.telegram.inbound import parse
from models.message import Heard, MessageKind, Presence
from tests.fakes.telegram import FakeBot, FakeChat, FakeTelegram, FakeUser

TOKEN = "7001:AAfakefakefakefakefakefakefakefakefak"


@pytest.fixture
def fake() -> FakeTelegram:
    """A Telegram that nobody connects to."""
    return FakeTelegram()


@pytest.fixture
def bot(fake: FakeTelegram) -> FakeBot:
    return fake.bot(TOKEN, "ChargehandBot")


@pytest.fixture
def amal(fake: FakeTelegram) -> FakeUser:
    return fake.user("Amal  de Silva", language="si-LK", phone="+94 77 123 4567")


@pytest.fixture
def chat(fake: FakeTelegram, bot: FakeBot, amal: FakeUser) -> FakeChat:
    return fake.private(amal, bot)


@pytest.fixture
def heard(bot: FakeBot) -> Callable[[], Heard]:
    """What the last update says."""

    def last() -> Heard:
        found = parse(bot.queue[-1], account="7001")
        assert isinstance(found, Heard)
        return found

    return last


def test_a_text_with_who_where_and_in_which_language(
    fake: FakeTelegram, bot: FakeBot, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard]
) -> None:
    first = fake.says(amal, "hello", chat)
    fake.says(amal, "and more", chat, reply_to=first)
    found = heard()
    assert (found.channel, found.account, found.address) == ("telegram", "7001", str(amal.id))
    assert (found.identity_kind, found.identity) == ("telegram_user", str(amal.id))
    assert (found.sender_name, found.language_hint) == ("Amal de Silva", "si")
    assert (found.kind, found.text, found.payload) == (MessageKind.TEXT, "and more", None)
    assert (found.external_id, found.extra["reply_to"]) == (str(bot.queue[-1]["update_id"]), str(first.id))


COMMANDS = {
    "/start": "start", "/start c_100003": "start:c_100003", "/START@ChargehandBot c_1": "start:c_1", "/help": "help",
    "/help me please": "help", "/human": "human", "/language si": "language:si", "/near": "near", "/phone": "phone",
    "/forget": "forget", "/status 100001": None, "/": None, "start": None, f"/start {'x' * 100}": f"start:{'x' * 64}",
}  # fmt: skip


@pytest.mark.parametrize("text", COMMANDS)
def test_commands_are_choices(
    fake: FakeTelegram, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard], text: str
) -> None:
    fake.says(amal, text, chat)
    assert (heard().payload, heard().text) == (COMMANDS[text], text)


def test_a_forwarded_command_is_a_text(
    fake: FakeTelegram, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard]
) -> None:
    fake.says(amal, "/human", chat, forwarded_from=fake.user("Nimal"))
    assert (heard().payload, heard().extra["forwarded"]) == (None, True)


@pytest.mark.parametrize("kind", ["photo", "voice", "video", "video_note", "audio", "document"])
def test_files_are_media(
    fake: FakeTelegram, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard], kind: str
) -> None:
    fake.sends(amal, kind, b"0" * 100, chat, caption="see")
    [media] = heard().media
    assert (heard().kind, heard().text) == (MessageKind.MEDIA, "see")
    assert fake.files[media.url.removeprefix("telegram:")][2] == 100


def test_a_sticker_cannot_be_read(
    fake: FakeTelegram, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard]
) -> None:
    fake.sends(amal, "sticker", b"RIFF", chat)
    assert heard().kind is MessageKind.UNSUPPORTED


def test_a_place(fake: FakeTelegram, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard]) -> None:
    fake.shares(amal, 6.9, 79.86, chat)
    place = heard().location
    assert place is not None
    assert (heard().kind, place.latitude, place.longitude) == (MessageKind.LOCATION, 6.9, 79.86)


def test_only_the_own_card_carries_a_number(
    fake: FakeTelegram, bot: FakeBot, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard]
) -> None:
    fake.shares_contact(amal, chat)
    assert (heard().kind, heard().payload) == (MessageKind.CONTACT, "own:+94771234567")
    fake.shares_contact(amal, chat, of=fake.user("Nimal", phone="+94719998887"))
    assert (heard().kind, heard().payload) == (MessageKind.CONTACT, "other:")
    forged = json.loads(json.dumps(bot.queue[0]))
    del forged["message"]["contact"]["user_id"]
    assert _payload(forged) == "other:"
    forged["message"]["contact"] |= {"user_id": amal.id, "phone_number": "0"}
    assert _payload(forged) == "other:"
    forged["message"]["contact"]["phone_number"] = "94771234567"
    origin = {"type": "hidden_user", "sender_user_name": "x", "date": 1}
    assert _payload(forged) == "own:+94771234567"
    assert _payload({**forged, "message": forged["message"] | {"forward_origin": origin}}) == "other:"


def _payload(update: dict[str, Any]) -> str | None:
    found = parse(update, account="7001")
    assert isinstance(found, Heard)
    return found.payload


def test_a_press_is_its_choice_and_its_label(
    fake: FakeTelegram, bot: FakeBot, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard]
) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Talk to a human", "callback_data": "human"}]]}
    ours = fake.says(bot, "Hello", chat)
    ours.markup = keyboard
    fake.presses(amal, ours, "Talk to a human")
    assert (heard().kind, heard().payload, heard().text) == (MessageKind.BUTTON, "human", "Talk to a human")
    fake.forges(amal, ours, "#3")
    assert (heard().payload, heard().text) == (None, "3")


def test_an_edit_is_an_edit_even_of_a_command(
    fake: FakeTelegram, amal: FakeUser, chat: FakeChat, heard: Callable[[], Heard]
) -> None:
    fake.edits(fake.says(amal, "hello", chat), "/human")
    assert (heard().kind, heard().text, heard().payload) == (MessageKind.EDIT, "/human", None)


def test_who_blocked_us_and_who_came_back(fake: FakeTelegram, bot: FakeBot, amal: FakeUser, chat: FakeChat) -> None:
    fake.blocks(amal, bot)
    assert parse(bot.queue[-1], account="7001") == Presence("7001", "telegram_user", str(amal.id), here=False)
    fake.unblocks(amal, bot)
    assert parse(bot.queue[-1], account="7001") == Presence("7001", "telegram_user", str(amal.id), here=True)


def test_what_is_not_said_to_us(fake: FakeTelegram, bot: FakeBot, amal: FakeUser) -> None:
    group = fake.group("Owners", amal, bot)
    fake.says(amal, "/help", group)
    fake.says(amal, "/help", group, anonymous=True)
    fake.leaves(bot, group, "kicked")
    assert len(bot.queue) == 3
    assert [parse(update, account="7001") for update in bot.queue] == [None] * 3
    assert parse({"update_id": 1, "poll": {"id": "1"}, "message": None}, account="7001") is None
    assert parse({"update_id": 1, "something_of_next_year": {"id": 1}}, account="7001") is None
