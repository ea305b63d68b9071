"""The door of the API: who asks, how often, how much; and the net under it that catches our own mistakes."""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.api.errors import RETRY_S, problem
from desk import members
from desk.office import Office
from models.access import OPERATOR, Actor
from models.address import household
from models.errors import Unavailable

log = logging.getLogger(__name__)

_OPEN_PATHS = ("/openapi.json",)
_LONGEST_TOKEN = 200
_MOST_BUCKETS = 10_000


@dataclass
class _Bucket:
    level: float
    at: datetime


class Pace:
    """A bucket for each name: `per_s` a second, `burst` at once. Old names are forgotten, which only fills them."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, name: str, now: datetime) -> float:
        """0 and one taken; or, where there is none, the seconds until there is."""
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
        self._buckets.move_to_end(name)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        wait_s = self._until_one(bucket, now)
        if wait_s == 0:
            bucket.level -= 1
        return wait_s

    def empty_s(self, name: str, now: datetime) -> float:
        """The same, and none taken."""
        bucket = self._buckets.get(name)
        return self._until_one(bucket, now) if bucket is not None else 0.0

    def _until_one(self, bucket: _Bucket, now: datetime) -> float:
        passed = max((now - bucket.at).total_seconds(), 0)
        bucket.level, bucket.at = min(self._burst, bucket.level + passed * self._per_s), now
        return 0.0 if bucket.level >= 1 else (1 - bucket.level) / self._per_s


class _TooLarge(Exception):  # noqa: N818 - it ends one request
    """More of a body came than is taken."""


class _Gone(Exception):  # noqa: N818 - nobody waits for an answer any more
    """The client went away before it had said everything."""


class Door:
    """Wraps the API: bearer token, pace for each token, body limit, and an incident number for every bug.

    `guesses` is the pace for tokens that open nothing, by where they come from. An address that has used it up waits,
    but for tokens that opened something before: whoever guesses must not lock out a neighbour.
    """

    def __init__(self, app: ASGIApp, *, office: Office, pace: Pace, guesses: Pace, body_limit: int) -> None:
        self._app = app
        self._office = office
        self._pace = pace
        self._guesses = guesses
        self._body_limit = body_limit
        self._noted: dict[str, datetime] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._serve(scope, receive, watched)
        except _TooLarge:
            if not begun:
                await self._say(scope, send, 413, "error.too_large", {"most": self._body_limit})
        except _Gone:
            return
        except Unavailable:
            if begun:
                raise
            await self._say(scope, send, 503, "error.unavailable", {}, headers={"Retry-After": str(RETRY_S)})
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("the API failed", extra={"incident": incident, "path": scope["path"]})
            if begun:
                raise
            await self._say(scope, send, 500, "error.bug", {"incident": incident}, incident=incident)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if _path(scope) not in _OPEN_PATHS:
            token, now = _bearer(headers.getlist("authorization")), self._office.clock.now()
            peer = household(scope["client"][0] if scope.get("client") else "")
            if token is not None and members.digest(token) not in self._noted:
                wait_s = self._guesses.empty_s(peer, now)
                if wait_s > 0:
                    await self._too_many(scope, send, wait_s)
                    return
            actor = await self._office.read(OPERATOR, members.by_token, token) if token is not None else None
            if token is None or actor is None:
                if token is not None:
                    self._guesses.wait_s(peer, now)
                await self._say(scope, send, 401, "error.unauthorised", {}, headers={"WWW-Authenticate": "Bearer"})
                return
            wait_s = self._pace.wait_s(members.digest(token), now)
            if wait_s > 0:
                await self._too_many(scope, send, wait_s)
                return
            await self._admit(scope, actor, token)
        body = await self._body(headers, receive)
        await self._app(scope, _replay(body, receive), send)

    async def _too_many(self, scope: Scope, send: Send, wait_s: float) -> None:
        after = max(int(wait_s + 0.999), 1)
        facts = {"after": {"$span": after}}
        await self._say(scope, send, 429, "error.too_many", facts, headers={"Retry-After": str(after)})

    async def _admit(self, scope: Scope, actor: Actor, token: str) -> None:
        scope.setdefault("state", {})["actor"] = actor
        name, now = members.digest(token), self._office.clock.now()
        noted = self._noted.get(name)
        if noted is None or (now - noted).total_seconds() >= members.TOKEN_SEEN_EVERY_S:
            self._noted[name] = now
            await self._office.run(OPERATOR, members.token_used, token)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """All of it, before anything looks at it."""
        if _announced(headers) > self._body_limit:
            raise _TooLarge
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            body += message.get("body", b"")
            if len(body) > self._body_limit:
                raise _TooLarge
            more = message.get("more_body", False)
        return bytes(body)

    async def _say(
        self, scope: Scope, send: Send, status: int, code: str, facts: Mapping[str, object], *,
        headers: dict[str, str] | None = None, incident: str | None = None,
    ) -> None:  # fmt: skip
        language = Headers(scope=scope).get("accept-language")
        response = problem(status, code, facts, language, incident=incident, headers=headers)
        await response(scope, _nothing, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body that was read, then whatever comes after it."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _path(scope: Scope) -> str:
    """The path below where the API is mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root else path


def _bearer(values: list[str]) -> str | None:
    """The token of the one Authorization header; None for none, several, another scheme or an absurd length."""
    if len(values) != 1:
        return None
    scheme, _, token = values[0].strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN or not token.isascii():
        return None
    return token


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length[:18]) if length.isascii() and length.isdigit() else 0
