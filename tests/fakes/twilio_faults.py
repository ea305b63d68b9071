"""What can go wrong at Twilio, one value each: `twilio.inject(lost_response())`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """What happens to one POST of a message. `accept`: Twilio takes the message all the same."""

    accept: bool = False
    status: int | None = None
    code: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    json: bool = True
    hang_s: float = 0.0
    drop: bool = False
    half: bool = False
    fails_with: int | None = None
    callbacks_first: bool = False
    at: str = "Messages.json"


def rate_limited(retry_after: int = 40) -> Fault:
    """429 with Retry-After."""
    return Fault(status=429, code=20429, headers={"Retry-After": str(retry_after)})


def server_error(status: int = 503, *, taken: bool = False) -> Fault:
    """Twilio itself fails, in its own JSON; `taken`: after it took the message."""
    return Fault(status=status, code=20500, accept=taken)


def gateway_error(status: int = 502, *, taken: bool = False) -> Fault:
    """Something in between fails, in HTML."""
    return Fault(status=status, json=False, accept=taken)


def refused(code: int, status: int = 400) -> Fault:
    """Twilio will not take it, with this error code."""
    return Fault(status=status, code=code)


def hang(seconds: float = 30.0, *, taken: bool = True) -> Fault:
    """No answer for so long; then the line is cut."""
    return Fault(hang_s=seconds, drop=True, accept=taken)


def lost_response() -> Fault:
    """The message is taken and the answer never arrives."""
    return Fault(accept=True, drop=True)


def broken_response() -> Fault:
    """The message is taken and the answer is cut in the middle."""
    return Fault(accept=True, half=True)


def dropped_request() -> Fault:
    """The line is cut and nothing was taken."""
    return Fault(drop=True)


def fails_later(code: int) -> Fault:
    """Taken, and reported as undelivered with this code by callback."""
    return Fault(accept=True, fails_with=code)


def callback_first() -> Fault:
    """The status callbacks arrive before the answer to the POST."""
    return Fault(accept=True, callbacks_first=True)


def no_content() -> Fault:
    """The Content API is in trouble."""
    return Fault(status=500, code=20500, at="Content")
