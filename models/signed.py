"""A press of a card's button: what it asks for, signed for one chat and a time, in the 64 bytes that Telegram carries.

Clients can forge a button's data and send another chat's; nothing in it is believed before the signature fits.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.errors import Refusal

PREFIX = "c1."
LONGEST = 64
"""Bytes of a button's data; Telegram takes no more."""
LIFE = timedelta(hours=72)
"""A card is edited with every change, and gets fresh buttons each time."""
_TAG = 10
_MINUTE = struct.Struct(">I")


@dataclass(frozen=True)
class Press:
    """`action` on `subject`; `detail` is what the action needs beside it, such as the member to assign to."""

    action: str
    subject: str
    made_at: datetime
    detail: str = ""


def is_press(data: str) -> bool:
    """Whether data of a button claims to be one of these."""
    return data.startswith(PREFIX)


def sign_press(secret: bytes, action: str, subject: str, at: datetime, chat: str, *, detail: str = "") -> str:
    """A button's data. `chat` is where alone it counts. Raises ValueError where it does not fit."""
    words = (action, subject, detail)
    if any("|" in word for word in words):
        raise ValueError(f"a press holds no '|': {words}")
    body = _MINUTE.pack(int(at.timestamp()) // 60) + "|".join(words).encode()
    data = PREFIX + _encode(_tag(secret, body, chat) + body)
    if len(data) > LONGEST:
        raise ValueError(f"a press has at most {LONGEST} bytes: {words}")
    return data


def read_press(secret: bytes, data: str, now: datetime, chat: str) -> Press:
    """What a press asks for. Refuses what was not signed here for this chat (`press.forged`), and an old one."""
    raw = _decode(data)
    tag, body = raw[:_TAG], raw[_TAG:]
    if not hmac.compare_digest(tag, _tag(secret, body, chat)):
        raise Refusal("press.forged")
    [minute] = _MINUTE.unpack_from(body)
    made_at = datetime.fromtimestamp(minute * 60, UTC)
    if now - made_at > LIFE:
        raise Refusal("press.late")
    action, subject, detail = body[_MINUTE.size :].decode().split("|")
    return Press(action, subject, made_at, detail)


def _tag(secret: bytes, body: bytes, chat: str) -> bytes:
    """Over the body and the chat, each with its length, so that no two pairs read alike."""
    place = _place(chat).encode()
    said = struct.pack(">HH", len(body), len(place)) + body + place
    return hmac.digest(secret, b"chargehand.press\0" + said, hashlib.sha256)[:_TAG]


def _place(chat: str) -> str:
    """The chat behind an address or a door (`-100123/45`, `team:-100123`): a topic is no chat of its own."""
    return chat.removeprefix("team:").partition("/")[0]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(data: str) -> bytes:
    """The bytes behind the prefix; only their one spelling counts."""
    text = data.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("press.forged") from None
    if not is_press(data) or len(data) > LONGEST or len(raw) < _TAG + _MINUTE.size or _encode(raw) != text:
        raise Refusal("press.forged")
    return raw
