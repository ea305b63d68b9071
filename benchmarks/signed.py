"""Signed WhatsApp webhooks as bytes on the wire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from urllib.parse import urlencode

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "bench"
NUMBER = "whatsapp:+94110000000"
PUBLIC_URL = "https://bench.example"
PATH = "/webhooks/twilio/whatsapp"


def webhook(sid: str, number: int, text: str) -> bytes:
    """One POST: message `sid` from customer `number`."""
    user = f"whatsapp:+9477{number:07d}"
    form = {
        "SmsMessageSid": sid, "NumMedia": "0", "ProfileName": "Amal", "MessageType": "text", "SmsSid": sid,
        "WaId": user[10:], "SmsStatus": "received", "Body": text, "To": NUMBER, "NumSegments": "1",
        "ReferralNumMedia": "0", "MessageSid": sid, "AccountSid": ACCOUNT_SID, "From": user,
        "ApiVersion": "2010-04-01",
    }  # fmt: skip
    signed = PUBLIC_URL + PATH + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.new(AUTH_TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    body = urlencode(form).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: bench.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def webhooks(count: int, customers: int) -> Iterator[bytes]:
    """So many different messages, made beforehand."""
    run = secrets.token_hex(8)
    made = [
        webhook(f"SM{run}{number:016x}", number % customers, f"charger 100001 does not start {number}")
        for number in range(count)
    ]
    return iter(made)
