"""Frames that a browser sends: checked, then a row for the inbox; and that row as what was said."""

from __future__ import annotations

import re
from typing import Any

from models.contact import IdentityKind
from models.conversation import conversation_key
from models.inbox import InboxRow
from models.message import Heard, Location, MessageKind

CHANNEL = "web"
ACCOUNT = "site"
TEXT_MAX = 4_000
FRAME_MAX = 16 * 1024
_CLIENT_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}$")
_CHOICE = re.compile(r"^[A-Za-z0-9_:.+-]{1,200}$")


class BadFrame(Exception):  # noqa: N818 - it is answered, not raised to anybody
    """A frame that we cannot take. `code` is the phrase that says why."""

    def __init__(self, code: str, client_id: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.client_id = client_id


def key_of(session: str) -> str:
    """The conversation of a session."""
    return conversation_key(CHANNEL, ACCOUNT, session)


def row_of(session: str, frame: dict[str, Any], language: str | None) -> InboxRow:
    """A `say`, `press` or `location` frame as an inbox row; raises BadFrame for anything else."""
    client_id = frame.get("id")
    if not isinstance(client_id, str) or not _CLIENT_ID.match(client_id):
        raise BadFrame("webchat.bad_id")
    kind = frame.get("type")
    raw: dict[str, Any] = {"type": kind, "session": session, "id": client_id, "language": language}
    match kind:
        case "say":
            raw["text"] = _text(frame.get("text"), client_id)
        case "press":
            raw["choice"] = _choice(frame.get("choice"), client_id)
            raw["text"] = str(frame.get("label") or "")[:80]
        case "location":
            raw["latitude"] = _degrees(frame.get("latitude"), 90, client_id)
            raw["longitude"] = _degrees(frame.get("longitude"), 180, client_id)
        case _:
            raise BadFrame("webchat.bad_frame", client_id)
    return InboxRow(CHANNEL, ACCOUNT, f"{session}:{client_id}", key_of(session), raw)


def _text(value: object, client_id: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadFrame("webchat.empty", client_id)
    if len(value) > TEXT_MAX:
        raise BadFrame("webchat.too_long", client_id)
    return value.replace("\x00", "")


def _choice(value: object, client_id: str) -> str:
    if not isinstance(value, str) or not _CHOICE.match(value):
        raise BadFrame("webchat.bad_frame", client_id)
    return value


def _degrees(value: object, limit: float, client_id: str) -> float:
    # A whole number in JSON may be larger than any float: compared first, it never gets to be one.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -limit <= value <= limit:
        raise BadFrame("webchat.bad_location", client_id)
    return float(value)


def parse(raw: dict[str, Any]) -> Heard:
    """A stored row as what was said."""
    session = raw["session"]
    kind = raw["type"]
    return Heard(
        channel=CHANNEL, account=ACCOUNT, address=session, external_id=f"{session}:{raw['id']}",
        identity_kind=IdentityKind.WEB_SESSION.value, identity=session,
        kind={"say": MessageKind.TEXT, "press": MessageKind.BUTTON}.get(kind, MessageKind.LOCATION),
        text=raw.get("text", ""), payload=raw.get("choice"), language_hint=raw.get("language"),
        location=Location(raw["latitude"], raw["longitude"]) if kind == "location" else None,
    )  # fmt: skip
