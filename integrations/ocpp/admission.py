"""Who may connect: the path, the protocol, the password, the certificate."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import os
import re
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.datastructures import Headers

from integrations.ocpp.schemas import Version
from models.errors import Refusal
from models.ports import ChargingDesk, Clock

log = logging.getLogger(__name__)

SUBPROTOCOLS: dict[str, Version] = {"ocpp2.0.1": "2.0.1", "ocpp1.6": "1.6"}
"""What is spoken here, in order of preference."""

CHARGER_ID = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}")
SALT = os.urandom(16)
TRIES = 10
TRY_EVERY_S = 6.0
_MOST_TRIED = 10_000


class Turned(Exception):  # noqa: N818 - an answer
    """A connection that is not let in: the HTTP status and a sentence for whoever sets the charger up."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def charger_id_in(target: str) -> str:
    """The identity in a request's target (`/ocpp/ID`, percent-encoded). Raises Turned."""
    path = re.sub(r"/{2,}", "/", urlsplit(re.sub(r"^/+", "/", target)).path)
    head, _, encoded = path.rstrip("/").rpartition("/")
    if head != "/ocpp" or not encoded:
        raise Turned(HTTPStatus.NOT_FOUND, "Chargers connect to /ocpp/ followed by their identity.")
    charger_id = unquote(encoded)
    if not CHARGER_ID.fullmatch(charger_id):
        raise Turned(
            HTTPStatus.NOT_FOUND,
            "A charger's identity has 1 to 48 characters: letters, digits and * - _ = : + | @ .",
        )
    return charger_id


def check_protocol(offered: Sequence[str]) -> None:
    """Raises Turned where a charger offers protocols and none is spoken here."""
    if offered and not any(name in SUBPROTOCOLS for name in offered):
        raise Turned(
            HTTPStatus.BAD_REQUEST, f"None of the offered protocols is spoken here; use {' or '.join(SUBPROTOCOLS)}."
        )


def offered_protocols(headers: Headers) -> list[str]:
    """What the request offers."""
    return [name.strip() for line in headers.get_all("Sec-WebSocket-Protocol") for name in line.split(",") if name]


def password_in(headers: Headers, charger_id: str) -> bytes | None:
    """The password of basic authentication as bytes; None where there is none. Raises Turned."""
    lines = headers.get_all("Authorization")
    if not lines:
        return None
    scheme, _, encoded = lines[0].strip().partition(" ")
    if scheme.lower() != "basic":
        raise Turned(HTTPStatus.UNAUTHORIZED, "Only basic authentication is understood.")
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        raise Turned(HTTPStatus.UNAUTHORIZED, "The Authorization header cannot be read.") from None
    if not colon or user != charger_id.encode():
        raise Turned(HTTPStatus.UNAUTHORIZED, "The user name must be the charger's identity.")
    return password


def certificate_names(certificate: dict[str, Any] | None) -> set[str]:
    """The common names and serial numbers in a client certificate's subject."""
    subject = (certificate or {}).get("subject", ())
    return {value for part in subject for name, value in part if name in ("commonName", "serialNumber")}


class _Tries:
    """How often one address may try one charger's door: TRIES at once, then one each TRY_EVERY_S seconds.

    By both, because many chargers may share an address, and a stranger must not shut a charger out by its name.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: OrderedDict[tuple[str, str], tuple[float, datetime]] = OrderedDict()

    def take(self, who: tuple[str, str]) -> bool:
        """Take one; False where there is none."""
        now = self._clock.now()
        left, at = self._left.get(who, (float(TRIES), now))
        left = min(float(TRIES), left + max((now - at).total_seconds(), 0.0) / TRY_EVERY_S)
        allowed = left >= 1
        self._left[who] = (left - 1 if allowed else left, now)
        self._left.move_to_end(who)
        if len(self._left) > _MOST_TRIED:
            self._left.popitem(last=False)
        return allowed

    def forget(self, who: tuple[str, str]) -> None:
        """It was the right password."""
        self._left.pop(who, None)


class Admission:
    """Asks the desk; while it is away, lets in whom it let in before with the same password."""

    def __init__(self, desk: ChargingDesk, clock: Clock, lowest_profile: int, timeout_s: float) -> None:
        self._desk = desk
        self._tries = _Tries(clock)
        self._lowest = lowest_profile
        self._timeout_s = timeout_s
        self._known: dict[str, bytes] = {}

    async def decide(
        self, charger_id: str, password: bytes | None, *, address: str, tls: bool, certified: bool
    ) -> None:
        """Returns for a charger that may connect. Raises Turned."""
        profile = _profile(password, tls=tls, certified=certified)
        if profile < self._lowest:
            raise Turned(HTTPStatus.UNAUTHORIZED, _WANTED[self._lowest])
        who, spellings = (address, charger_id), _spellings(password)
        # Each check costs a slow hash. Who was let in with this very password may come back as often as it likes.
        remembered = any(self._remembers(charger_id, candidate, profile) for candidate in spellings)
        if not remembered and not self._tries.take(who):
            raise Turned(HTTPStatus.TOO_MANY_REQUESTS, "Too many tries for this charger; try again in a minute.")
        for candidate in spellings:
            if await self._ask(charger_id, candidate, profile):
                self._tries.forget(who)
                return
        raise Turned(HTTPStatus.UNAUTHORIZED, "This charger is not known here, or its password is another one.")

    def _remembers(self, charger_id: str, password: bytes | None, profile: int) -> bool:
        known = self._known.get(charger_id)
        return known is not None and hmac.compare_digest(known, _mark(password, profile))

    async def _ask(self, charger_id: str, password: bytes | None, profile: int) -> bool:
        mark = _mark(password, profile)
        try:
            async with asyncio.timeout(self._timeout_s):
                admitted = await self._desk.admit(charger_id, password, profile)
        except Refusal:
            admitted = False
        except Exception as error:  # noqa: BLE001 - whatever ails the desk, chargers known to it come in
            if self._remembers(charger_id, password, profile):
                log.warning("%s let in from memory: %s", charger_id, type(error).__name__)
                return True
            log.warning("%s cannot be checked now: %s", charger_id, type(error).__name__)
            raise Turned(HTTPStatus.SERVICE_UNAVAILABLE, "Identities cannot be checked now; try again soon.") from None
        if admitted:
            self._known[charger_id] = mark
        elif self._known.get(charger_id) == mark:
            del self._known[charger_id]
        return admitted


_WANTED = {
    1: "A password is needed (basic authentication).",
    2: "An encrypted connection (wss) with a password is needed.",
    3: "A client certificate with the charger's identity as common name is needed.",
}


def _profile(password: bytes | None, *, tls: bool, certified: bool) -> int:
    """The security profile of a connection: what it really offers, not what was configured."""
    if certified:
        return 3
    if password is None:
        return 0
    return 2 if tls else 1


def _spellings(password: bytes | None) -> list[bytes | None]:
    """The password as sent; and as hex where it is binary, for an AuthorizationKey that was configured in hex."""
    if password is None or not password or all(32 <= byte < 127 for byte in password):
        return [password]
    return [password, password.hex().encode(), password.hex().upper().encode()]


def _mark(password: bytes | None, profile: int) -> bytes:
    return hashlib.blake2b((password or b"") + bytes([profile]), key=SALT, digest_size=32).digest()
