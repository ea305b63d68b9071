"""What leaves the house and comes back signed: a press of a card's button, a link to a file.

Clients can forge a button's data and send another chat's; nothing in it is believed before the signature fits. A
press fits the 64 bytes that Telegram carries.
"""

from __future__ import annotations

import base64
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
_LINK_TAG = 16
_LINK = struct.Struct(">QI")


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


def sign_link(secret: bytes, key: int, until: datetime) -> str:
    """A token that opens the file of the outbox row `key` until then, and nothing else."""
    body = _LINK.pack(key, int(until.timestamp()))
    return _encode(_link_tag(secret, body) + body)


def read_link(secret: bytes, token: str, now: datetime) -> int | None:
    """The key that a token opens now; None for a forged or an old one, which look alike from outside."""
    try:
        raw = _bytes(token)
    except ValueError:
        return None
    tag, body = raw[:_LINK_TAG], raw[_LINK_TAG:]
    if len(body) != _LINK.size or not hmac.compare_digest(tag, _link_tag(secret, body)):
        return None
    key, until = _LINK.unpack(body)
    return int(key) if now.timestamp() < until else None


def _link_tag(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"chargehand.file\0" + body, hashlib.sha256)[:_LINK_TAG]


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


def _bytes(text: str) -> bytes:
    """The bytes that a text spells; only their one spelling counts. Raises ValueError."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode(raw) != text:
        raise ValueError("not the one spelling")
    return raw


def _decode(data: str) -> bytes:
    """The bytes behind the prefix of a press."""
    try:
        raw = _bytes(data.removeprefix(PREFIX))
    except ValueError:
        raise Refusal("press.forged") from None
    if not is_press(data) or len(data) > LONGEST or len(raw) < _TAG + _MINUTE.size:
        raise Refusal("press.forged")
    return raw
