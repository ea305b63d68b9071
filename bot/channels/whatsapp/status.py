"""Status callbacks: what became of a message that we sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from bot.channels.whatsapp.inbound import Rejected
from models.base import HIGHEST_KEY

_SID = re.compile(r"[A-Za-z0-9]{2,64}")
_WORD = re.compile(r"[a-z_]{2,24}")


@dataclass(frozen=True)
class StatusNews:
    """One callback. `outbox_id` is ours, from the address that we gave; None where it carries none."""

    provider_id: str
    status: str
    error_code: str
    outbox_id: int | None
    raw: dict[str, str]


def parse_status(raw_query: str, form: Mapping[str, str]) -> StatusNews | Rejected:
    """Read a signed callback. Only the message's id and its status must be there."""
    provider_id, status = form.get("MessageSid") or form.get("SmsSid", ""), form.get("MessageStatus", "").lower()
    if not _SID.fullmatch(provider_id):
        return Rejected(400, "no_message_sid", "MessageSid is missing or malformed")
    if not _WORD.fullmatch(status):
        return Rejected(400, "no_status", "MessageStatus is missing or malformed")
    code = form.get("ErrorCode", "")
    return StatusNews(provider_id, status, code if code.isdecimal() else "", _outbox_id(raw_query), dict(form))


def _outbox_id(raw_query: str) -> int | None:
    given = parse_qs(raw_query).get("o", [""])[0]
    if not re.fullmatch(r"\d{1,19}", given, re.ASCII):
        return None
    number = int(given)
    return number if 0 < number <= HIGHEST_KEY else None
