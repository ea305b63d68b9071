"""Coming in: an update of the team's bot, read by aiogram's types, as what was said or pressed, by whom and where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiogram.types import CallbackQuery, Chat, ChatMemberUpdated, InaccessibleMessage, Message, Update
from pydantic import ValidationError

from models.member import MemberIdentityKind
from models.message import Heard, MediaRef, MessageKind

CHANNEL = "team"
FILE = "telegram:"
"""How the address of a file at Telegram begins; its id follows."""
WANTED = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of updates that we ask for; whatever else comes is counted and passed over."""

_SERVICE_SENDERS = frozenset({1087968824, 136817688, 777000})
"""GroupAnonymousBot, Channel Bot, Telegram: in their names people and channels write whom nobody can tell apart."""


def parse(raw: Mapping[str, Any], *, account: str) -> Heard:
    """What an update says. One that cannot be read, or of a kind that nobody asked for, is `unsupported`."""
    try:
        update = Update.model_validate(raw, context={"bot": None})
    except ValidationError:
        return _unsupported(raw, account, "malformed")
    if update.message is not None:
        return _message(update.update_id, update.message, account)
    if update.edited_message is not None:
        return _message(update.update_id, update.edited_message, account, edited=True)
    if update.callback_query is not None:
        return _press(update.update_id, update.callback_query, account)
    if update.my_chat_member is not None:
        return _membership(update.update_id, update.my_chat_member, account)
    return _unsupported(raw, account, next((key for key in raw if key != "update_id"), "empty"))


def _unsupported(raw: Mapping[str, Any], account: str, why: str) -> Heard:
    return Heard(
        channel=CHANNEL, account=account, address="", external_id=str(raw.get("update_id", "")),
        identity_kind=MemberIdentityKind.TELEGRAM.value, identity="", kind=MessageKind.UNSUPPORTED,
        extra={"update": why[:40]},
    )  # fmt: skip


def _message(update_id: int, message: Message, account: str, *, edited: bool = False) -> Heard:
    media = _media(message)
    text = message.text or message.caption or ""
    kind = MessageKind.EDIT if edited else MessageKind.MEDIA if media else MessageKind.TEXT
    if not media and not text and not edited:
        kind = MessageKind.UNSUPPORTED
    return Heard(
        channel=CHANNEL, account=account, address=_address(message), external_id=str(update_id),
        identity_kind=MemberIdentityKind.TELEGRAM.value,
        identity=str(message.from_user.id) if message.from_user is not None else "",
        kind=kind, text=text, sender_name=message.from_user.full_name[:200] if message.from_user is not None else "",
        media=media, language_hint=message.from_user.language_code if message.from_user is not None else None,
        extra=_extra(message, account),
    )  # fmt: skip


def _address(message: Message | InaccessibleMessage) -> str:
    """The chat; in a group with topics also the topic. A thread of replies in a plain group is no topic."""
    topic = message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
    return f"{message.chat.id}/{topic}" if topic else str(message.chat.id)


def _extra(message: Message, account: str) -> dict[str, Any]:
    extra = _place(message.chat) | {"message_id": str(message.message_id), "sent_at": _instant(message.date)}
    replied = message.reply_to_message
    # In a topic every message "replies" to the one that opened it.
    if replied is not None and replied.forum_topic_created is None:
        extra["reply_to"] = str(replied.message_id)
        extra["reply_to_us"] = replied.from_user is not None and str(replied.from_user.id) == account
    flags = {
        "forwarded": message.forward_origin is not None or message.via_bot is not None,
        "anonymous": message.sender_chat is not None or _is_service(message),
        "bot": message.from_user is not None and message.from_user.is_bot,
    }
    extra |= {name: True for name, is_so in flags.items() if is_so}
    if message.media_group_id:
        extra["album"] = message.media_group_id
    if message.migrate_to_chat_id is not None:
        extra["moved_to"] = str(message.migrate_to_chat_id)
    if message.migrate_from_chat_id is not None:
        extra["moved_from"] = str(message.migrate_from_chat_id)
    return extra


def _is_service(message: Message) -> bool:
    return message.from_user is None or message.from_user.id in _SERVICE_SENDERS


def _place(chat: Chat) -> dict[str, Any]:
    return {"chat_type": chat.type, "title": (chat.title or "")[:200]}


def _instant(at: datetime | int) -> str:
    moment = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return moment.astimezone(UTC).isoformat()


def _media(message: Message) -> tuple[MediaRef, ...]:
    """A photo in its largest size, or the one file."""
    if message.photo:
        return (MediaRef(FILE + message.photo[-1].file_id, "image/jpeg"),)
    for file in (message.document, message.video, message.audio, message.voice):
        if file is not None:
            return (MediaRef(FILE + file.file_id, file.mime_type or ""),)
    return ()


def _press(update_id: int, query: CallbackQuery, account: str) -> Heard:
    """A pressed button. Telegram does not say when: only how long it can be answered."""
    message = query.message
    extra: dict[str, Any] = {"callback_id": query.id}
    if message is not None:
        extra |= _place(message.chat) | {"message_id": str(message.message_id)}
    if query.from_user.is_bot:
        extra["bot"] = True
    return Heard(
        channel=CHANNEL, account=account, address=_address(message) if message is not None else "",
        external_id=str(update_id), identity_kind=MemberIdentityKind.TELEGRAM.value,
        identity=str(query.from_user.id), kind=MessageKind.BUTTON, payload=query.data or "",
        sender_name=query.from_user.full_name[:200], language_hint=query.from_user.language_code, extra=extra,
    )  # fmt: skip


def _membership(update_id: int, change: ChatMemberUpdated, account: str) -> Heard:
    """Our bot's own standing in a chat changed."""
    status = change.new_chat_member.status
    inside = status in ("creator", "administrator", "member") or bool(getattr(change.new_chat_member, "is_member", 0))
    return Heard(
        channel=CHANNEL, account=account, address=str(change.chat.id), external_id=str(update_id),
        identity_kind=MemberIdentityKind.TELEGRAM.value, identity=str(change.from_user.id),
        kind=MessageKind.UNSUPPORTED, sender_name=change.from_user.full_name[:200],
        extra=_place(change.chat) | {"inside": inside, "sent_at": _instant(change.date)},
    )  # fmt: skip
