"""Coming in: an update of the drivers' bot, read by python-telegram-bot's types, as what was said, sent or pressed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from telegram import CallbackQuery, ChatMember, ChatMemberUpdated, Message, Update, User
from telegram.constants import ChatType

from models.contact import IdentityKind
from models.message import Heard, Location, MediaRef, MessageKind, Presence
from phrases.catalogue import LANGUAGES

CHANNEL = "telegram"
FILE = "telegram:"
"""How the address of a file at Telegram begins; its id follows."""
WANTED = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of updates that we ask for."""
NUMBERED = "#"
"""How a button's data begins that stands for a choice too long for Telegram; the choice's number follows."""

_COMMAND = re.compile(r"/([a-z_]{1,32})(?:@\w+)?(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)
_CHOICES = {"start": "start", "help": "help", "human": "human", "agent": "human", "language": "language",
            "near": "near", "phone": "phone", "forget": "forget"}  # fmt: skip
"""Commands of the menu, as the choices of the assistant that they stand for."""
_DIGITS = re.compile(r"[1-9]\d{6,14}")


def parse(raw: Mapping[str, Any], *, account: str) -> Heard | Presence | None:
    """What an update says; None for what is not for us: groups, channels, machines, kinds that nobody asked for."""
    update = Update.de_json({name: raw[name] for name in ("update_id", *WANTED) if name in raw}, None)
    number = str(raw.get("update_id", ""))
    if update.message is not None:
        return _message(number, update.message, account)
    if update.edited_message is not None:
        return _message(number, update.edited_message, account, edited=True)
    if update.callback_query is not None:
        return _press(number, update.callback_query, account)
    if update.my_chat_member is not None:
        return _presence(update.my_chat_member, account)
    return None


def _message(number: str, message: Message, account: str, *, edited: bool = False) -> Heard | None:
    person = message.from_user
    if message.chat.type != ChatType.PRIVATE or person is None or person.is_bot:
        return None
    media, location, card = _media(message), _location(message), _card(message, person)
    text = message.text or message.caption or ""
    kind, payload = MessageKind.TEXT, None
    if edited:
        kind = MessageKind.EDIT
    elif card is not None:
        kind, payload = MessageKind.CONTACT, card
    elif media:
        kind = MessageKind.MEDIA
    elif location is not None:
        kind = MessageKind.LOCATION
    elif not text.strip():
        kind = MessageKind.UNSUPPORTED
    elif message.forward_origin is None:
        payload = _command(text)
    return Heard(
        **_sender(number, person, account, message.chat.id), kind=kind, text=text, payload=payload, media=media,
        location=location, extra=_extra(message),
    )  # fmt: skip


def _sender(number: str, person: User, account: str, chat_id: int) -> dict[str, Any]:
    language = (person.language_code or "").partition("-")[0]
    return {
        "channel": CHANNEL, "account": account, "address": str(chat_id), "external_id": number,
        "identity_kind": IdentityKind.TELEGRAM_USER.value, "identity": str(person.id),
        "sender_name": " ".join(person.full_name.split())[:200],
        "language_hint": language if language in LANGUAGES else None,
    }  # fmt: skip


def _command(text: str) -> str | None:
    """The choice that a command stands for, with what follows it; None for a text or a command of nobody's."""
    found = _COMMAND.fullmatch(text.strip())
    choice = _CHOICES.get(found[1].lower()) if found else None
    if found is None or choice is None:
        return None
    rest = (found[2] or "").strip()[:64]
    return f"{choice}:{rest}" if rest and choice in ("start", "language") else choice


def _media(message: Message) -> tuple[MediaRef, ...]:
    """A photo in its largest size, or the one file."""
    if message.photo:
        return (MediaRef(FILE + message.photo[-1].file_id, "image/jpeg"),)
    for file in (message.document, message.video, message.audio, message.voice):
        if file is not None:
            return (MediaRef(FILE + file.file_id, (file.mime_type or "")[:120]),)
    if message.video_note is not None:
        return (MediaRef(FILE + message.video_note.file_id, "video/mp4"),)
    return ()


def _location(message: Message) -> Location | None:
    place = message.location
    if place is None or not (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180):
        return None
    return Location(place.latitude, place.longitude, (message.venue.title if message.venue else "")[:200])


def _card(message: Message, person: User) -> str | None:
    """A contact card: `own:+94…` where Telegram says that it is the sender's, else `other:…`."""
    if message.contact is None:
        return None
    digits = re.sub(r"\D", "", message.contact.phone_number)
    own = message.contact.user_id == person.id and message.forward_origin is None
    if not own or not _DIGITS.fullmatch(digits):
        return "other:"
    return f"own:+{digits}"


def _extra(message: Message) -> dict[str, Any]:
    extra: dict[str, Any] = {"message_id": str(message.message_id)}
    if message.reply_to_message is not None:
        extra["reply_to"] = str(message.reply_to_message.message_id)
    if message.forward_origin is not None:
        extra["forwarded"] = True
    if message.media_group_id:
        extra["album"] = message.media_group_id
    return extra


def _press(number: str, query: CallbackQuery, account: str) -> Heard | None:
    """A pressed button: its choice, and its label as what was said."""
    message, data = query.message, query.data or ""
    if message is None or message.chat.type != ChatType.PRIVATE or not data:
        return None
    numbered = data.removeprefix(NUMBERED) if data.startswith(NUMBERED) else None
    return Heard(
        **_sender(number, query.from_user, account, message.chat.id), kind=MessageKind.BUTTON,
        text=numbered or _label(message, data), payload=None if numbered else data,
        extra={"message_id": str(message.message_id), "callback_id": query.id},
    )  # fmt: skip


def _label(message: Any, data: str) -> str:
    markup = message.reply_markup if isinstance(message, Message) else None
    rows = markup.inline_keyboard if markup is not None else ()
    return next((button.text for row in rows for button in row if button.callback_data == data), "")


def _presence(change: ChatMemberUpdated, account: str) -> Presence | None:
    """The person blocked our bot, or lets it write again."""
    if change.chat.type != ChatType.PRIVATE:
        return None
    here = change.new_chat_member.status not in (ChatMember.BANNED, ChatMember.LEFT)
    return Presence(account, IdentityKind.TELEGRAM_USER.value, str(change.chat.id), here)
