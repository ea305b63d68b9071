"""The console's cookies: their names and their flags."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from console.house import ConsoleHouse

SESSION = "chargehand"
DOOR = "chargehand_door"  # binds the sign-in form to a browser that is not signed in yet
STEP = "chargehand_step"  # the password was right, the code is still to come
NOTE = "chargehand_note"  # one sentence for the next page
LANGUAGE = "chargehand_language"
THEME = "chargehand_theme"
_LONG_S = 365 * 24 * 3600


def read(request: Request, house: ConsoleHouse, name: str) -> str | None:
    """The value of one of our cookies."""
    value = request.cookies.get(_name(house, name))
    return value[:4096] if value else None


def write(response: Response, house: ConsoleHouse, name: str, value: str, *, max_age: int | None = None) -> None:
    """Set a cookie that no script reads and no other site sends."""
    response.set_cookie(
        _name(house, name), value, max_age=max_age, path="/", secure=house.https, httponly=True, samesite="lax"
    )


def write_choice(response: Response, house: ConsoleHouse, name: str, value: str) -> None:
    """Set a cookie that only remembers how a person likes the page."""
    write(response, house, name, value, max_age=_LONG_S)


def drop(response: Response, house: ConsoleHouse, name: str) -> None:
    """Delete a cookie."""
    response.delete_cookie(_name(house, name), path="/", secure=house.https, httponly=True, samesite="lax")


def _name(house: ConsoleHouse, name: str) -> str:
    """With TLS the browser itself holds it to this host and to secure connections."""
    return f"__Host-{name}" if house.https else name


# Small signed values, so that a browser can carry what need not be a row -----------------------------------------


def sign(house: ConsoleHouse, purpose: str, value: Mapping[str, Any], *, lives: timedelta) -> str:
    """A value that only we can have written, good for a while."""
    until = int((house.now() + lives).timestamp())
    body = base64.urlsafe_b64encode(json.dumps([until, value], separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{body}.{_mark(house, purpose, body)}"


def signed(house: ConsoleHouse, purpose: str, text: str | None) -> dict[str, Any] | None:
    """What was signed for that purpose; None for anything else, and once its time is over."""
    body, _, mark = (text or "").partition(".")
    if not body or not hmac.compare_digest(_mark(house, purpose, body).encode(), mark.encode()):
        return None
    until, value = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return value if house.now().timestamp() <= until and isinstance(value, dict) else None


def _mark(house: ConsoleHouse, purpose: str, body: str) -> str:
    digest = hmac.digest(house.key(f"cookie:{purpose}"), body.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
