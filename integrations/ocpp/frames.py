"""OCPP-J frames: reading what came, however broken, and writing what goes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

CALL, CALLRESULT, CALLERROR = 2, 3, 4
MAX_ID = 255
_CALL_ID = re.compile(rb'^[\s\[,]*2\s*,[\s,]*"((?:[^"\\]|\\.){1,255})"')

MessageId: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `odd` tells that the frame broke a rule and could be read nevertheless."""

    id: MessageId
    action: str
    payload: Any
    odd: bool = False


@dataclass(frozen=True, slots=True)
class CallResult:
    """An answer."""

    id: MessageId
    payload: Any


@dataclass(frozen=True, slots=True)
class CallError:
    """A refusal of a request."""

    id: MessageId
    code: str
    description: str = ""
    details: Any = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadFrame:
    """What cannot be understood. `id` is that of the request it seems to be; None where nothing can be answered."""

    why: str
    id: MessageId | None = None
    unknown_type: bool = False


Frame: TypeAlias = Call | CallResult | CallError | BadFrame


def read(raw: str | bytes) -> Frame:
    """The frame in `raw`; never raises."""
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    data = data.strip(b"\x00 \t\r\n\xef\xbb\xbf")
    try:
        parts = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return BadFrame(f"not JSON: {error}"[:200], _id_in(data))
    if not isinstance(parts, list) or not parts:
        return BadFrame("not a JSON array with content")
    kind = parts[0]
    message_id = parts[1] if len(parts) > 1 else None
    if isinstance(message_id, bool) or not isinstance(message_id, str | int) or len(str(message_id)) > MAX_ID:
        return BadFrame("no readable message id")
    if kind in (CALL, str(CALL)) and not isinstance(kind, bool):
        return _call(parts, message_id, odd=isinstance(raw, bytes) or not isinstance(message_id, str) or kind != CALL)
    if kind == CALLRESULT and len(parts) >= 3:
        return CallResult(message_id, parts[2])
    if kind == CALLERROR:
        code, description, details = (parts[place] if len(parts) > place else None for place in (2, 3, 4))
        return CallError(message_id, str(code or "GenericError"), str(description or ""), details or {})
    return BadFrame(f"unknown message type {str(kind)[:20]}", message_id, unknown_type=True)


def _call(parts: list[Any], message_id: MessageId, *, odd: bool) -> Call | BadFrame:
    if len(parts) < 4:
        return BadFrame("a CALL has four elements", message_id)
    if not isinstance(parts[2], str):
        return BadFrame("the action is not a text", message_id)
    return Call(message_id, parts[2], parts[3], odd or len(parts) > 4)


def _id_in(data: bytes) -> str | None:
    found = _CALL_ID.match(data)
    return found.group(1).decode("utf-8", "replace") if found else None


def call(message_id: MessageId, action: str, payload: dict[str, Any]) -> bytes:
    """A request as bytes of a text frame."""
    return orjson.dumps([CALL, message_id, action, payload])


def result(message_id: MessageId, payload: dict[str, Any]) -> bytes:
    """An answer as bytes of a text frame."""
    return orjson.dumps([CALLRESULT, message_id, payload])


def error(message_id: MessageId, code: str, description: str) -> bytes:
    """A refusal as bytes of a text frame."""
    return orjson.dumps([CALLERROR, message_id, code, description[:255], {}])
