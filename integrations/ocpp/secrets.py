"""What no log and no table may hold: passwords, keys, and addresses with credentials in them."""

from __future__ import annotations

import re
from typing import Any

import orjson

BLANK = "***"
_NAME = re.compile(
    r"passw|passwd|secret|authorizationkey|privatekey|credential|apikey|api_key|token_?key|wpa|psk", re.I
)
_HINT = re.compile(
    r"passw|passwd|secret|authorizationkey|privatekey|credential|api_?key|token_?key|wpa|psk|@|vpn", re.I
)
_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]{1,9}:\\?/\\?/[^/\s:@\"]*):[^/\s@\"]+@", re.I)


def secret_name(name: str) -> bool:
    """Whether a field or configuration key of that name holds a secret."""
    return _NAME.search(name) is not None


def blank_text(text: str) -> str:
    """A frame with its secrets blanked; one that cannot be read and looks secret is blanked whole."""
    if _HINT.search(text) is None:
        return text
    try:
        return orjson.dumps(blank(orjson.loads(text))).decode()
    except (orjson.JSONDecodeError, TypeError):
        return f"({len(text)} characters that cannot be read, blanked)"


def blank(value: Any) -> Any:
    """A copy of a payload with its secrets blanked."""
    if isinstance(value, dict):
        return _blank_object(value)
    if isinstance(value, list):
        return [blank(item) for item in value]
    if isinstance(value, str):
        return _blank_string(value)
    return value


def _blank_object(value: dict[str, Any]) -> dict[str, Any]:
    hidden = _named(value)
    out: dict[str, Any] = {}
    for key, item in value.items():
        secret = secret_name(key) or (hidden and key in ("value", "attributeValue", "attribute_value", "data"))
        vpn_key = key == "key" and "server" in value
        keep = item is None or isinstance(item, dict | list)
        out[key] = BLANK if (secret or vpn_key) and not keep else blank(item)
    return out


def _named(value: dict[str, Any]) -> bool:
    """Whether an object is a pair of a secret's name and its value."""
    variable = value.get("variable")
    names = [value.get("key"), value.get("messageId"), variable.get("name") if isinstance(variable, dict) else None]
    return any(isinstance(name, str) and secret_name(name) for name in names)


def _blank_string(text: str) -> str:
    if _HINT.search(text) is None:
        return text
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        return blank_text(stripped)
    if re.search(r"(passw\w*|passwd|secret|key)\s*[=:]", text, re.I):
        return BLANK
    return _ADDRESS.sub(rf"\1:{BLANK}@", text)
