"""A visitor's session: a random name that we signed. It proves only that the same browser comes back."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

_SHAPE = re.compile(r"^([0-9a-f]{32})\.([0-9a-f]{40})$")


def new(secret: bytes) -> tuple[str, str]:
    """A fresh session: its name and the token that the browser keeps."""
    name = secrets.token_hex(16)
    return name, f"{name}.{_tag(secret, name)}"


def name_of(secret: bytes, token: object) -> str | None:
    """The session's name if we signed this token."""
    match = _SHAPE.match(token) if isinstance(token, str) else None
    if match is None or not hmac.compare_digest(match[2], _tag(secret, match[1])):
        return None
    return match[1]


def _tag(secret: bytes, name: str) -> str:
    return hmac.new(secret, b"webchat:" + name.encode(), hashlib.sha256).hexdigest()[:40]
