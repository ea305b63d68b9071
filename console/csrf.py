"""Whether a request that changes something was meant by whoever's browser sent it."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

from console.house import ConsoleHouse

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER = "x-csrf-token"
FIELD = "csrf"


def token(house: ConsoleHouse, bound_to: str) -> str:
    """The token of a session (its digest), or of the browser at the sign-in page (its nonce)."""
    return hmac.new(house.key("csrf"), bound_to.encode(), hashlib.sha256).hexdigest()


def fits(expected: str, given: str | None) -> bool:
    """Whether a request brought its own session's token."""
    return given is not None and hmac.compare_digest(expected.encode(), given.encode())


def same_site(request: Request, house: ConsoleHouse) -> bool:
    """Whether the browser says that one of our own pages asked; a client that says nothing is left to the token."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    host = urlsplit(origin).netloc.lower()
    return bool(host) and host in {request.headers.get("host", "").lower(), urlsplit(house.public_url).netloc.lower()}
