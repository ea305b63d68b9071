"""An authenticator's codes: its secret sealed and opened, a code matched to its time step, the picture to scan."""

from __future__ import annotations

import base64
import hmac
import io
from datetime import datetime

import pyotp
import segno
from cryptography.fernet import Fernet, InvalidToken
from markupsafe import Markup

from console.house import ConsoleHouse

STEP_S = 30
_AROUND = (0, -1, 1)
"""A phone's clock may be a step off."""


def new_secret() -> str:
    """A fresh secret, as authenticator apps take it."""
    return pyotp.random_base32()


def seal(house: ConsoleHouse, secret: str) -> str:
    """As it is kept."""
    return _box(house).encrypt(secret.encode()).decode()


def unseal(house: ConsoleHouse, sealed: str) -> str | None:
    """The secret; None where the installation's key is another one now."""
    try:
        return _box(house).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step to which a code belongs; None where it fits none about now."""
    plain = code.replace(" ", "")
    if len(plain) != 6 or not plain.isascii() or not plain.isdigit():
        return None
    present = int(now.timestamp()) // STEP_S
    codes = pyotp.TOTP(secret, interval=STEP_S)
    fitting = [present + off for off in _AROUND if hmac.compare_digest(codes.at((present + off) * STEP_S), plain)]
    return fitting[0] if fitting else None


def picture(secret: str, email: str) -> Markup:
    """The code that a phone's camera reads, as SVG."""
    return qr(pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Chargehand"))


def qr(text: str) -> Markup:
    """Any text as a picture of squares, dark on light whatever the theme."""
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out, kind="svg", scale=4, border=3, dark="#111", light="#fff", xmldecl=False, svgns=True, omitsize=True,
        nl=False,
    )  # fmt: skip
    return Markup(out.getvalue().decode())  # noqa: S704 - segno's own drawing; the text is in it only as squares


def _box(house: ConsoleHouse) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(house.key("second factor")))
