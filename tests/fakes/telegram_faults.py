"""What can go wrong at Telegram, one value each: `telegram.inject(lost_response())`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SENDING = ("send", "edit")
"""Where a fault strikes unless it is told otherwise: methods whose names begin like this, but for "typing …"."""


@dataclass(frozen=True)
class Fault:
    """What happens to one call. `accept`: Telegram carries it out all the same. `at`: beginnings of method names."""

    status: int | None = None
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    accept: bool = False
    html: bool = False
    hang_s: float = 0.0
    drop: bool = False
    half: bool = False
    at: tuple[str, ...] = SENDING


def rate_limited(retry_after: int = 40, *at: str) -> Fault:
    """429 with retry_after."""
    description = f"Too Many Requests: retry after {retry_after}"
    return Fault(429, description, {"retry_after": retry_after}, at=at or SENDING)


def gateway_error(status: int = 502, *at: str, taken: bool = False, html: bool = False) -> Fault:
    """502 or 504; `taken`: after it carried out the call."""
    words = {502: "Bad Gateway", 504: "Gateway Timeout"}.get(status, "Internal Server Error")
    return Fault(status, words, accept=taken, html=html, at=at or SENDING)


def refused(status: int, description: str, *at: str, **parameters: Any) -> Fault:
    """Telegram will not do it, in these words."""
    return Fault(status, description, parameters, at=at or SENDING)


def hang(seconds: float = 30.0, *at: str, taken: bool = True) -> Fault:
    """No answer for so long; then the line is cut."""
    return Fault(hang_s=seconds, drop=True, accept=taken, at=at or SENDING)


def lost_response(*at: str) -> Fault:
    """The call is carried out and the answer never arrives."""
    return Fault(accept=True, drop=True, at=at or SENDING)


def broken_response(*at: str) -> Fault:
    """The call is carried out and the answer is cut in the middle."""
    return Fault(accept=True, half=True, at=at or SENDING)


def dropped_request(*at: str) -> Fault:
    """The line is cut and nothing was done."""
    return Fault(drop=True, at=at or SENDING)


def unauthorized(*at: str) -> Fault:
    """The token is not (or no longer) one."""
    return Fault(401, "Unauthorized", at=at or ("",))


def conflict() -> Fault:
    """Somebody else polls with our token."""
    return Fault(
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        at=("getUpdates",),
    )
